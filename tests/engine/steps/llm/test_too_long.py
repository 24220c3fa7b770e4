"""What is longer than a model reads at once fails before it is sent, or is shortened by the rule of the step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from clients.errors import InvalidRequest
from clients.openai.client import OpenAIClient
from clients.openai.service import OpenAISettings
from engine.base.definitions import PromptDefinition
from engine.plugins.step import Call
from engine.steps.llm.extract import Chat
from engine.steps.llm.text import Summarize
from tests.model_servers import Answer, listed, serving

CONTEXT = 2_000
PROMPT: PromptDefinition = {"version": 1, "parameters": {"max_tokens": 100}}
WORDS = " ".join(f"w{number}" for number in range(5_000))
FEW = " ".join(f"w{number}" for number in range(1_950))
ENTRIES = [f"entry {number}" for number in range(3_000)]


class ModelServer:
    """A server as vLLM: each word is a token; with `counts`, it counts them. It keeps what it was asked."""

    def __init__(self, *, counts: bool = True) -> None:
        self.asked: list[list[dict[str, str]]] = []
        self.routes = {
            "GET /v1/models": listed("m", owner="vllm", max_model_len=CONTEXT),
            "POST /v1/chat/completions": self._answer,
            **({"POST /tokenize": _tokenize} if counts else {}),
        }

    def _answer(self, body: Any) -> Answer:
        self.asked.append(body["messages"])
        used = sum(_words(one["content"]) for one in body["messages"])
        message = {"role": "assistant", "content": "Said."}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        usage = {"prompt_tokens": used, "completion_tokens": 1, "total_tokens": used + 1}
        return 200, {"id": "1", "object": "chat.completion", "model": "m", "choices": [choice], "usage": usage}


def _tokenize(body: Any) -> Answer:
    return (200, {"count": _words(body["prompt"])}) if "prompt" in body else (400, {"error": "no prompt"})


def _words(text: str) -> int:
    return len(text.split())


def render(prompt: Mapping[str, Any], variables: Mapping[str, Any]) -> list[dict[str, str]]:
    del prompt
    text = variables["text"]
    said = text if isinstance(text, str) else "\n".join(text)
    return [
        {"role": "system", "content": "Instructions."},
        {"role": "user", "content": f"{said}\nAnd {variables['by']}"},
    ]


@pytest.fixture
def server() -> ModelServer:
    """A server that counts tokens."""
    return ModelServer()


def asked(server: ModelServer, http: httpx.Client, **fields: Any) -> Call:
    """Ask by a step; return its call."""
    with serving(server.routes) as url:
        client = OpenAIClient(OpenAISettings(base_url=f"{url}/v1", model="m"), http)
        call = Call(Chat.fields.model_validate(fields), client, prompts={"p": PROMPT}, render=render)
        Chat().call(call)
    return call


@pytest.mark.parametrize("counts", [True, False], ids=["counted", "estimated"])
@pytest.mark.parametrize(
    ("rule", "text", "kept"),
    [
        pytest.param("newest", WORDS, ("w4999",), id="newest words"),
        pytest.param("start_and_end", WORDS, ("w0", "w4999"), id="first and last words"),
        pytest.param("newest", ENTRIES, ("entry 2999",), id="newest entries"),
    ],
)
def test_the_longest_variable_is_shortened_and_that_is_said(
    http: httpx.Client, rule: str, text: Any, kept: tuple[str, ...], *, counts: bool
) -> None:
    server = ModelServer(counts=counts)
    call = asked(server, http, prompt="p", variables={"text": text, "by": "Ann"}, too_long=rule)
    system, user = server.asked[0]
    assert system["content"] == "Instructions."
    assert user["content"].endswith("And Ann")
    assert all(one in user["content"].split() or one in user["content"] for one in kept)
    assert ("w0 " in user["content"]) == ("w0" in kept)
    used = _words(system["content"]) + _words(user["content"])
    assert used <= CONTEXT - 100
    assert used > (CONTEXT * 0.7 if counts else 100)  # no more is left out than has to be
    assert call.request["messages"] == server.asked[0]
    assert len(call.notes) == 1
    assert "of 'text' was left out" in call.notes[0]


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"prompt": "p", "variables": {"text": WORDS, "by": "Ann"}}, id="a prompt"),
        pytest.param({"messages": [{"role": "user", "content": WORDS}]}, id="messages"),
        pytest.param(
            {"prompt": "p", "variables": {"text": "short", "by": {"name": WORDS}}, "too_long": "newest"},
            id="nothing to shorten",
        ),
    ],
)
def test_what_does_not_fit_is_an_error_before_it_is_sent(
    server: ModelServer, http: httpx.Client, fields: Mapping[str, Any]
) -> None:
    with pytest.raises(InvalidRequest, match=r"5,\d\d\d tokens, and m reads 2,000 at once. Nothing was sent"):
        asked(server, http, **fields)
    assert server.asked == []


@pytest.mark.parametrize("rule", ["fail", "newest"])
def test_what_fits_is_sent_as_it_is(server: ModelServer, http: httpx.Client, rule: str) -> None:
    text = FEW if rule == "fail" else FEW[:8_000]
    call = asked(server, http, prompt="p", variables={"text": text, "by": "Ann"}, too_long=rule)
    assert server.asked[0][1]["content"] == f"{text}\nAnd Ann"
    assert call.notes == []


def test_only_variables_are_shortened() -> None:
    step = {"messages": [{"role": "user", "content": "x"}], "too_long": "newest"}
    assert Chat().problems(step, {})[0][0] == "too_long"


def test_a_summary_reads_as_much_at_once_as_the_model_does(server: ModelServer, http: httpx.Client) -> None:
    with serving(server.routes) as url:
        client = OpenAIClient(OpenAISettings(base_url=f"{url}/v1", model="m"), http)
        call = Call(Summarize.fields.model_validate({"text": WORDS}), client)
        found: Any = Summarize().call(call)
    assert found["parts"] == len(server.asked) - 1 == -(-len(WORDS) // (CONTEXT * 3 // 2))
    assert all(sum(_words(one["content"]) for one in sent) < CONTEXT for sent in server.asked)
