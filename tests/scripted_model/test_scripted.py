"""The scripted model, asked by the client that the product uses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import httpx
import pytest

from clients.errors import BadAnswer, RateLimited
from clients.openai.client import OpenAIClient
from clients.openai.service import OpenAISettings
from tests.scripted_model.scripted import MODEL, Answer, Scripted, scripted

ASKED = [{"role": "user", "content": "hello"}]


@contextmanager
def _client(script: Sequence[Answer]) -> Iterator[tuple[OpenAIClient, Scripted]]:
    with scripted(script) as model, httpx.Client(trust_env=False) as http:
        settings = OpenAISettings(base_url=model.base_url, api_key="k", model=MODEL)
        yield OpenAIClient(settings, http), model


def test_words_and_calls_arrive_in_pieces_and_whole() -> None:
    heard: list[str] = []
    with _client([Answer("One two.", [("propose", {"ops": []})])]) as (client, model):
        streamed = client.chat(ASKED, on_text=heard.append)
        whole = client.chat(ASKED)
    assert heard == ["One", " two."]
    assert streamed["text"] == whole["text"] == "One two."
    assert (
        streamed["tool_calls"] == whole["tool_calls"] == [{"id": "call_0", "name": "propose", "arguments": {"ops": []}}]
    )
    assert streamed["usage"]["input_tokens"] > 0
    assert [one["messages"] for one in model.requests] == [ASKED, ASKED]


def test_what_goes_wrong_goes_wrong() -> None:
    script = [Answer("a b c d", is_cut=True), Answer(calls=[("propose", '{"ops": [')]), Answer(status=429)]
    with _client(script) as (client, _):
        for error in (BadAnswer, BadAnswer, RateLimited):
            with pytest.raises(error):
                client.chat(ASKED, on_text=lambda _: None)
