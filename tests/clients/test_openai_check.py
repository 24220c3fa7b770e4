"""How many tokens a model reads at once, as each kind of server says it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from clients.openai.check import asked_model, look
from clients.openai.client import OpenAIClient
from clients.openai.service import OpenAISettings

if TYPE_CHECKING:
    from tests.clients.conftest import Scripted

LISTED = {"object": "list", "data": [{"id": "m", "object": "model"}]}


@pytest.mark.parametrize(
    ("answers", "tokens"),
    [
        pytest.param([{"data": [{"id": "m", "max_model_len": 32768}]}], 32768, id="vLLM"),
        pytest.param([{"data": [{"id": "m", "context_length": 128000}]}], 128000, id="OpenRouter"),
        pytest.param([LISTED, {"models": [{"model": "m:latest", "context_length": 4096}]}], 4096, id="Ollama, loaded"),
        pytest.param([LISTED, {"models": []}, {"parameters": "stop x\nnum_ctx   8192"}], 8192, id="Ollama, chosen"),
        pytest.param(
            [LISTED, {"models": []}, {"model_info": {"llama.context_length": 131072}}], 131072, id="Ollama, possible"
        ),
        pytest.param([LISTED, {}, {}, {"data": [{"id": "m", "max_context_length": 9000}]}], 9000, id="LM Studio"),
        pytest.param([LISTED, {}, {}, {}, {"default_generation_settings": {"n_ctx": 2048}}], 2048, id="llama.cpp"),
        pytest.param([b"<html>"], None, id="a server that says nothing"),
    ],
)
def test_each_server_is_understood(
    scripted: Scripted, http: httpx.Client, answers: list[Any], tokens: int | None
) -> None:
    for answer in answers:
        scripted.then(200, answer)
    settings = OpenAISettings(base_url=f"{scripted.url}/v1", model="m")
    found = asked_model(settings, http)
    assert (None if found is None else found.context_tokens) == tokens


def test_a_client_asks_once_how_much_a_model_reads(scripted: Scripted, http: httpx.Client) -> None:
    scripted.then(200, {"data": [{"id": "m", "max_model_len": 4096}, {"id": "n", "max_model_len": 2048}]})
    client = OpenAIClient(OpenAISettings(base_url=f"{scripted.url}/v1", model="m"), http)
    assert [client.context_tokens(name) for name in ("", "m", "n", "n")] == [4096, 4096, 2048, 2048]
    assert len(scripted.seen) == 2


def test_a_client_of_openai_asks_nobody(http: httpx.Client) -> None:
    assert OpenAIClient(OpenAISettings(model="gpt-5"), http).context_tokens() is None


def test_openai_is_not_asked_what_it_does_not_say(http: httpx.Client) -> None:
    assert list(look(OpenAISettings(model="gpt-5"), http, None)) == []
