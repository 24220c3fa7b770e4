"""Model servers of this machine are found, with what each says of its models, over real HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from clients.errors import NotFound, ServiceError, Unavailable
from clients.models.ollama_pull import pull
from clients.models.served import ServedModel, json_in
from clients.transport import http_client
from engine.base.errors import InvalidInput, OrchestraError
from engine.connections.fetches import ModelFetch, ModelFetches
from engine.connections.local_models import LocalServer, local_servers
from tests.model_servers import JAN, LLAMA_CPP, LM_STUDIO, OLDER_LM_STUDIO, OLLAMA, VLLM, Routes, listed, serving
from tests.patience import PATIENCE_SECONDS


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


GOOD = "llama3.2:3b"
BEGIN = {"status": "pulling manifest"}
PARTS = [
    {"status": "pulling a", "digest": "sha256:a", "total": 900},
    {"status": "pulling a", "digest": "sha256:a", "total": 900, "completed": 600},
    {"status": "pulling b", "digest": "sha256:b", "total": 100, "completed": 100},
]


def fetched(monkeypatch: pytest.MonkeyPatch, answer: tuple[int, Any], model: str = GOOD) -> ModelFetch:
    """Return what became of a model at an Ollama that answers this."""
    with serving({**OLLAMA, "POST /api/pull": lambda _: answer}) as url:
        usual = [("Ollama", int(url.rpartition(":")[2]))]
        monkeypatch.setattr("engine.connections.fetches.local_servers", lambda: local_servers(usual))
        fetch = ModelFetches().begin(f"{url}/v1", model)
        assert fetch.ended.wait(PATIENCE_SECONDS)
    return fetch


def test_ollama_downloads_a_model_and_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    fetch = fetched(monkeypatch, (200, iter([BEGIN, *PARTS, {"status": "success"}])))
    assert fetch.error is None
    assert (fetch.arrived_bytes, fetch.whole_bytes, fetch.share) == (700, 1_000, 0.7)


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        pytest.param(
            (200, iter([BEGIN, {"error": "pull model manifest: file does not exist"}])),
            NotFound,
            f"Ollama finds no model named '{GOOD}'.",
            id="unknown",
        ),
        pytest.param(
            (500, {"error": "pull model manifest: file does not exist"}),
            NotFound,
            f"Ollama finds no model named '{GOOD}'.",
            id="unknown, by status",
        ),
        pytest.param(
            (200, iter([*PARTS, {"error": "write /blobs/sha256-a: no space left on device"}])),
            ServiceError,
            "The disk of Ollama is full.",
            id="disk full",
        ),
        pytest.param(
            (200, iter([*PARTS, {"error": "max retries exceeded:\x1b[31m EOF"}])),
            Unavailable,
            "Ollama could not download the model: max retries exceeded: [31m EOF",
            id="error in the middle",
        ),
        pytest.param((200, iter(PARTS)), Unavailable, "The connection to Ollama broke off.", id="gone in the middle"),
        pytest.param(
            (404, iter([b"no page"])), Unavailable, "The server answers in another way than Ollama.", id="no API"
        ),
        pytest.param(
            (200, iter([b"[" * 60_000 + b"\n"])),
            Unavailable,
            "The server answers in another way than Ollama.",
            id="levels",
        ),
        pytest.param(
            (200, iter([b"x" * 10_000] * 20_000)),
            Unavailable,
            "The server answers in another way than Ollama.",
            id="no end",
        ),
        pytest.param(
            (200, iter([{"status": "x" * 9_000}] * 20_000)),
            Unavailable,
            "The connection to Ollama broke off.",
            id="no success",
        ),
    ],
)
def test_a_download_that_fails_says_why(
    monkeypatch: pytest.MonkeyPatch, answer: tuple[int, Any], error: type[Exception], said: str
) -> None:
    fetch = fetched(monkeypatch, answer)
    assert isinstance(fetch.error, error)
    assert fetch.error.message == said
    assert fetch.error.remedy


def test_sizes_of_a_download_are_believed_only_if_they_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    odd: list[Any] = [
        {"digest": "a", "total": 10, "completed": 99},
        {"digest": "b", "total": "many"},
        {"digest": ["c"], "total": 5},
        {"digest": "d", "total": 1 << 90},
        {"digest": "e", "total": -5, "completed": True},
    ]
    fetch = fetched(monkeypatch, (200, iter([*odd, {"status": "success"}])))
    assert (fetch.error, fetch.arrived_bytes, fetch.whole_bytes) == (None, 10, 10)


def test_a_cancelled_download_ends_its_request(monkeypatch: pytest.MonkeyPatch) -> None:
    is_cut = threading.Event()

    def forever() -> Iterator[Any]:
        try:
            while True:
                yield PARTS[1]
        finally:
            is_cut.set()

    with serving({**OLLAMA, "POST /api/pull": lambda _: (200, forever())}) as url:
        usual = [("Ollama", int(url.rpartition(":")[2]))]
        monkeypatch.setattr("engine.connections.fetches.local_servers", lambda: local_servers(usual))
        fetches = ModelFetches()
        fetch = fetches.begin(f"{url}/v1", GOOD)
        assert fetches.begin(f"{url}/v1", GOOD) is fetch  # on its way
        fetch.cancel()
        assert fetch.ended.wait(PATIENCE_SECONDS)
        assert fetch.error is None
        assert is_cut.wait(PATIENCE_SECONDS)


def test_a_server_that_sends_nothing_is_given_up() -> None:
    goes_on = threading.Event()

    def silent() -> Iterator[Any]:
        yield BEGIN
        goes_on.wait(PATIENCE_SECONDS)

    with serving({"POST /api/pull": lambda _: (200, silent())}) as url, http_client() as http:
        with pytest.raises(Unavailable, match="has sent nothing"):
            pull(http, url, GOOD, lambda *_: None, silence_seconds=0.2)
        goes_on.set()


@pytest.mark.parametrize("model", ["", "a\x1b", "x" * 201, "env:GITHUB_TOKEN", "secret:github"])
def test_what_is_no_name_is_not_sent(monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    with pytest.raises(InvalidInput, match="not the name of a model"):
        fetched(monkeypatch, (200, iter([])), model)


def test_only_an_ollama_that_is_found_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def pulled(body: Any) -> tuple[int, Any]:
        asked.append(body)
        return 200, {"status": "success"}

    routes: Routes = {**LLAMA_CPP, "POST /api/pull": pulled}
    with serving(routes) as url:
        usual = [("Ollama", int(url.rpartition(":")[2]))]
        monkeypatch.setattr("engine.connections.fetches.local_servers", lambda: local_servers(usual))
        for address in (f"{url}/v1", "http://192.0.2.1:11434/v1"):
            with pytest.raises(OrchestraError, match="No Ollama of this machine"):
                ModelFetches().begin(address, GOOD)
    assert asked == []
