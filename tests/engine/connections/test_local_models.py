"""Model servers of this machine are found, with what each says of its models, over real HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from clients.models.served import ServedModel, json_in
from engine.connections.local_models import LocalServer, local_servers
from tests.model_servers import JAN, LLAMA_CPP, LM_STUDIO, OLDER_LM_STUDIO, OLLAMA, VLLM, Routes, listed, serving


def found(kind: str, routes: Routes) -> LocalServer | None:
    """Return what is found where these routes are served on the usual port of a server."""
    with serving(routes) as url:
        servers = local_servers([(kind, int(url.rpartition(":")[2]))])
    return servers[0] if servers else None


@pytest.mark.parametrize(
    ("kind", "routes", "models"),
    [
        pytest.param(
            "Ollama",
            OLLAMA,
            [
                ServedModel("llama3.2:latest", 4096, 2019393189, ("tools", "schema")),
                ServedModel("llava:7b", 8192, 4733363377, ("vision", "schema")),
                ServedModel("nomic-embed-text:latest", 2048, 274302450, ("embeddings",), may_change=True),
            ],
            id="Ollama",
        ),
        pytest.param(
            "LM Studio",
            LM_STUDIO,
            [
                ServedModel("qwen/qwen3-4b", 16384, 2281624576, ("tools", "schema")),
                ServedModel("text-embedding-nomic-embed-text-v1.5", 2048, 84106624, ("embeddings",), may_change=True),
            ],
            id="LM Studio",
        ),
        pytest.param(
            "LM Studio",
            OLDER_LM_STUDIO,
            [ServedModel("qwen2-vl-7b-instruct", 32768, None, ("tools", "vision", "schema"), may_change=True)],
            id="LM Studio before 0.4",
        ),
        pytest.param(
            "vLLM",  # on the port of another server
            LLAMA_CPP,
            [ServedModel("gemma.gguf", 8192, 3090917516, ("tools", "vision", "schema"))],
            id="llama.cpp",
        ),
        pytest.param("vLLM", VLLM, [ServedModel("qwen3", 32768, None, ("schema",))], id="vLLM"),
        pytest.param(
            "Jan",
            {"GET /v1/models": listed("bge-small", "qwen3")},
            [ServedModel("qwen3"), ServedModel("bge-small", abilities=("embeddings",))],
            id="a server that says only names",
        ),
    ],
)
def test_each_server_tells_what_its_models_can_do(kind: str, routes: Routes, models: list[ServedModel]) -> None:
    server = found(kind, routes)
    assert server is not None
    assert list(server.models) == models
    assert f"--set model={server.chat_models[0].name}" in server.command


def test_a_server_that_wants_its_key_is_found_only_on_a_port_of_its_own() -> None:
    server = found("Jan", JAN)
    assert server is not None
    assert server.needs_key
    assert found("vLLM", JAN) is None  # any program may be there


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"detail": "a web shop"}, id="another program"),
        pytest.param(iter([b"[" * 100_000]), id="no end of levels"),
        pytest.param(iter([b'{"object": "list", "data": [' + b" " * 6_000_000]), id="no end"),
        pytest.param({"object": "list", "data": {"id": "m"}}, id="no list"),
    ],
)
def test_a_program_that_answers_anything_is_no_server(answer: Any) -> None:
    assert found("Ollama", {"GET /v1/models": lambda _: (200, answer)}) is None


def test_what_a_server_says_of_a_model_is_believed_only_if_it_can_be() -> None:
    odd: list[Any] = [
        {"id": "a\x1b[31m"},
        {"id": "x" * 5_000},
        {"id": 7},
        {"id": "env:GITHUB_TOKEN"},
        {"id": "secret:github"},
        "m",
        {"id": "list", "owned_by": ["a"], "meta": [{}], "max_model_len": {}},
        {"id": "m", "owned_by": {}, "max_model_len": "many", "meta": {"size": -1, "n_ctx": True}},
    ]
    routes: Routes = {
        "GET /v1/models": lambda _: (200, {"object": "list", "data": odd}),
        "GET /api/tags": lambda _: (200, {"models": [{"name": "m", "size": -5}]}),
        "POST /api/show": lambda _: (200, {"parameters": 7, "model_info": [], "capabilities": [["tools"], None]}),
    }
    server = found("Ollama", routes)
    assert server is not None
    assert server.models == (ServedModel("list", may_change=True), ServedModel("m", may_change=True))


def test_only_models_that_are_shown_are_asked_about_however_many_a_server_lists() -> None:
    names = [f"m{number}" for number in range(200)]
    asked: list[str] = []

    def shown(body: Any) -> tuple[int, Any]:
        asked.append(body["model"])
        return 404, {}

    routes: Routes = {
        "GET /v1/models": listed(*names),
        "GET /api/tags": lambda _: (200, {"models": [{"name": name, "size": 7} for name in names]}),
        "POST /api/show": shown,
    }
    server = found("Ollama", routes)
    assert server is not None
    assert set(asked) <= {one.name for one in server.models}
    assert len(server.models) < len(names)
    assert {one.size_bytes for one in server.models} == {7}


def test_an_answer_is_read_as_utf_8_whatever_charset_it_names() -> None:
    headers = {"content-type": "application/json; charset=rot13"}
    assert json_in(httpx.Response(200, headers=headers, content=b'{"a": 1}')) == {"a": 1}
    assert json_in(httpx.Response(200, headers=headers, content=b"\xff")) is None
