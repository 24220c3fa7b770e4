"""Answers that come piece by piece: the same answer at the end, whatever the server makes of a stream."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import SecretStr

from clients.errors import BadAnswer, InvalidRequest
from clients.openai.client import OpenAIClient
from clients.openai.service import OpenAISettings

if TYPE_CHECKING:
    from tests.clients.conftest import Scripted

HELLO = [{"role": "user", "content": "The app crashes when I press Save. Please fix it."}]
SSE = {"content_type": "text/event-stream"}
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def client_of(url: str, http: httpx.Client, key: str = "sk-very-secret") -> OpenAIClient:
    return OpenAIClient(OpenAISettings(api_key=SecretStr(key), base_url=url, model="m"), http)


def piece(delta: dict[str, Any] | None, reason: str | None = None, **more: Any) -> dict[str, Any]:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": reason}]
    return {
        "id": "1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m-2024-05-13",
        "choices": choices,
        **more,
    }


def stream(*pieces: Any, done: bool = True) -> bytes:
    lines = [f"data: {json.dumps(each)}\n\n" for each in pieces]
    return "".join([*lines, "data: [DONE]\n\n" if done else ""]).encode()


def test_pieces_become_one_answer(scripted: Scripted, http: httpx.Client) -> None:
    body = stream(
        piece({"role": "assistant", "content": ""}),
        piece({"content": "Hel"}),
        piece({"content": "lo"}),
        piece({}, "stop"),
        piece(None, usage=USAGE),
    )
    scripted.then(200, body, **SSE)
    pieces: list[str] = []
    answer = client_of(scripted.url, http).chat(HELLO, on_text=pieces.append)
    assert pieces == ["Hel", "lo"]
    usage = {"input_tokens": 3, "output_tokens": 2}
    said = {"text": "Hello", "tool_calls": [], "finish_reason": "stop", "model": "m-2024-05-13", "usage": usage}
    assert answer == said
    assert scripted.seen[0].json["stream_options"] == {"include_usage": True}


def test_a_refusal_after_some_words_is_one_whole_and_in_pieces(scripted: Scripted, http: httpx.Client) -> None:
    both = {"content": "Well: ", "refusal": "I won't."}
    message = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", **both}}
    scripted.then(
        200, {"id": "1", "object": "chat.completion", "created": 1, "model": "m-2024-05-13", "choices": [message]}
    )
    scripted.then(200, stream(*(piece({name: said}) for name, said in both.items()), piece({}, "stop")), **SSE)
    whole = client_of(scripted.url, http).chat(HELLO)
    assert (whole["text"], whole["finish_reason"]) == ("Well: I won't.", "refusal")
    assert client_of(scripted.url, http).chat(HELLO, on_text=lambda text: None) == whole


def test_tools_are_put_together_from_their_pieces(scripted: Scripted, http: httpx.Client) -> None:
    def call(**more: Any) -> dict[str, Any]:
        return {"tool_calls": [{"index": 0, **more}]}

    body = stream(
        piece(call(id="c1", type="function", function={"name": "look_up", "arguments": ""})),
        piece(call(function={"arguments": '{"word": '})),
        piece(call(function={"arguments": '"x"}'})),
        piece({}, "tool_calls"),
    )
    scripted.then(200, body, **SSE)
    answer = client_of(scripted.url, http).chat(HELLO, on_text=lambda _: None)
    assert answer["tool_calls"] == [{"id": "c1", "name": "look_up", "arguments": {"word": "x"}}]


@pytest.mark.parametrize("done", [True, False], ids=["said to be whole", "cut"])
def test_an_answer_that_stops_in_the_middle_is_no_answer(scripted: Scripted, http: httpx.Client, *, done: bool) -> None:
    scripted.then(200, stream(piece({"content": "Hel"}), done=done), **SSE)
    with pytest.raises(BadAnswer, match="in the middle"):
        client_of(scripted.url, http).chat(HELLO, on_text=lambda _: None)


def test_a_server_that_does_not_stream_is_understood(scripted: Scripted, http: httpx.Client) -> None:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hi"}}
    scripted.then(200, {"id": "1", "model": "m-2024-05-13", "choices": [choice], "usage": USAGE})
    pieces: list[str] = []
    assert client_of(scripted.url, http).chat(HELLO, on_text=pieces.append)["usage"]["output_tokens"] == 2
    assert pieces == ["Hi"]


def test_a_server_that_refuses_streams_is_asked_whole_and_not_again(scripted: Scripted, http: httpx.Client) -> None:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hi"}}
    scripted.then(400, {"error": {"message": "stream_options is not supported"}}).then(200, {"choices": [choice]})
    client = client_of(scripted.url, http)
    assert client.chat(HELLO, on_text=lambda _: None)["text"] == "Hi"
    assert client.chat(HELLO, on_text=lambda _: None)["text"] == "Hi"
    assert ["stream" in seen.json for seen in scripted.seen] == [True, False, False]


def test_another_refusal_is_not_taken_for_that(scripted: Scripted, http: httpx.Client) -> None:
    scripted.then(400, {"error": {"message": "The context is too long"}})
    with pytest.raises(InvalidRequest, match="too long"):
        client_of(scripted.url, http).chat(HELLO, on_text=lambda _: None)
    assert len(scripted.seen) == 1
