"""What only the client for the OpenAI API does (tests/clients/test_models.py: what every client of a model does)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import ValidationError

from clients.client import Opening
from clients.deadline import FIRST_WORD_SECONDS, TimeLimit, within
from clients.errors import (
    AuthError,
    BadAnswer,
    InvalidRequest,
    NotFound,
    RateLimited,
    ServiceError,
    Unavailable,
)
from clients.models.metering import metered
from clients.models.words import asked_in_words
from clients.openai.client import OpenAIClient
from clients.openai.schema import is_strict, response_format
from clients.openai.service import OpenAISettings
from tests.clients.test_models import HELLO, OPENAI_FORM, SCHEMA, SSE, Counted, client_of, stream

if TYPE_CHECKING:
    from tests.clients.conftest import Scripted


def openai_client(scripted: Scripted, http: httpx.Client, model: str = "m") -> Any:
    return client_of(OPENAI_FORM, scripted.url, http, model=model)


def piece(delta: Any, reason: str | None = None, **more: Any) -> dict[str, Any]:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": reason}]
    return {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, **more}


_USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
FILTERED = [{"prompt_index": 0, "content_filter_results": {"jailbreak": {"filtered": True, "detected": True}}}]
STREAMED: Mapping[str, tuple[list[Any], str | type[ServiceError], str]] = {
    "parts": ([piece({"content": [{"type": "text", "text": "Hi"}]}), piece({}, "stop")], "Hi", ""),
    "thoughts as parts": (
        [piece({"content": [{"type": "thinking", "thinking": []}]}), piece({"content": "Hi"}), piece({}, "stop")],
        "Hi",
        "",
    ),
    "thoughts in the text": (
        [piece({"content": one}) for one in ("<thi", "nk>Well", "</th", "ink>\n", "Hi")] + [piece({}, "stop")],
        "Hi",
        "",
    ),
    "reasoning alone": ([piece({"reasoning": "Well"}), piece({}, "stop")], BadAnswer, "all text is in the reasoning"),
    "empty": ([piece({"content": ""}), piece({}, "stop")], BadAnswer, "was empty"),
    "stopped, and said to be whole": ([piece({"content": "Hel"})], BadAnswer, "in the middle"),
    "filters that pass": (
        [piece(None, prompt_filter_results=[{}]), piece({"content": "Hi"}), piece({}, "stop")],
        "Hi",
        "",
    ),
    "an error instead": ([{"error": {"message": "Provider down", "code": 502}}], Unavailable, "Provider down"),
    "an error as a text": ([{"error": "out of memory"}], Unavailable, "out of memory"),
    "an error of credit": ([{"error": {"message": "More credits.", "code": 402}}], InvalidRequest, "no credit left"),
    "an error after words": (
        [piece({"content": "Hi"}), {"error": {"message": "Slow down.", "code": 429}}],
        RateLimited,
        "Slow down.",
    ),
    "an error in a choice": (
        [
            {
                **piece({}),
                "choices": [{"delta": {}, "finish_reason": "error", "error": {"code": 502, "message": "It broke"}}],
            }
        ],
        Unavailable,
        "It broke",
    ),
    "an error without its name": (
        [{"object": "error", "message": "Too long.", "code": 400}],
        InvalidRequest,
        "Too long.",
    ),
}


@pytest.mark.parametrize(("pieces", "expected", "words"), STREAMED.values(), ids=STREAMED)
def test_a_stream_is_read_as_the_whole_is(
    scripted: Scripted, http: httpx.Client, pieces: list[Any], expected: Any, words: str
) -> None:
    scripted.then(200, stream(*pieces) + b"data: [DONE]\n\n", **SSE)
    heard: list[str] = []
    if isinstance(expected, str):
        assert openai_client(scripted, http).chat(HELLO, on_text=heard.append)["text"] == expected
        assert "".join(heard) == expected
    else:
        with pytest.raises(expected, match=words):
            openai_client(scripted, http).chat(HELLO, on_text=heard.append)
    assert len(scripted.seen) == 1


def test_the_end_of_a_filtered_stream_says_what_was_found(scripted: Scripted, http: httpx.Client) -> None:
    scripted.then(200, stream(piece(None, prompt_filter_results=FILTERED)), **SSE)
    answer = openai_client(scripted, http).chat(HELLO, on_text=lambda _: None)
    assert (answer["finish_reason"], answer["held_back"]) == ("content_filter", "jailbreak")


def said(model: str) -> dict[str, Any]:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hi"}}
    return {"id": "1", "model": model, "choices": [choice]}


def test_another_model_than_the_one_that_was_asked_is_told(scripted: Scripted, http: httpx.Client) -> None:
    scripted.then(200, said("qwen2.5-0.5b")).then(404)
    note = "gpt-4o was asked, and the server says that qwen2.5-0.5b answered."
    client = openai_client(scripted, http, "gpt-4o")
    assert client.chat(HELLO)["notes"] == [note]
    assert [seen.method for seen in scripted.seen] == ["POST", "GET"]
    scripted.then(200, said("gpt-4o-2024-08-06"))
    scripted.answers.pop(0)
    assert "notes" not in client.chat(HELLO)
    assert len(scripted.seen) == 3, "the same model by a longer name is not looked up"


def test_a_model_that_the_server_does_not_list_is_an_error(scripted: Scripted, http: httpx.Client) -> None:
    listed = {"data": [{"id": "qwen2.5-0.5b"}]}
    scripted.then(200, said("qwen2.5-0.5b")).then(200, listed)
    meter = Counted(model="gpt-4o")
    with metered(meter), pytest.raises(NotFound, match="does not offer the model 'gpt-4o'") as caught:
        openai_client(scripted, http, "gpt-4o").chat(HELLO)
    assert "qwen2.5-0.5b" in caught.value.remedy
    assert len(meter.told) == 1, "the answer is paid once"


@pytest.mark.parametrize(
    ("listed", "told"),
    [
        pytest.param(["fast"], False, id="a name of the server's own"),
        pytest.param(["fast", "qwen2.5-0.5b"], True, id="another one of its models"),
    ],
)
def test_a_name_that_the_server_lists_may_be_another_name_of_the_model(
    scripted: Scripted, http: httpx.Client, listed: list[str], told: bool
) -> None:
    scripted.then(200, said("qwen2.5-0.5b")).then(200, {"data": [{"id": one} for one in listed]})
    assert ("notes" in openai_client(scripted, http, "fast").chat(HELLO)) is told


def test_a_server_with_one_model_that_answers_by_any_name_is_asked_what_it_has(
    scripted: Scripted, http: httpx.Client
) -> None:
    listed = {"data": [{"id": "qwen2.5-0.5b", "owned_by": "llamacpp"}]}
    scripted.then(200, {**said("gpt-4o"), "timings": {"prompt_n": 1}}).then(200, listed)
    with pytest.raises(NotFound, match="does not offer the model 'gpt-4o': another model answered"):
        openai_client(scripted, http, "gpt-4o").chat(HELLO)
    scripted.answers.clear()
    scripted.then(200, {**said("qwen2.5-0.5b"), "timings": {"prompt_n": 1}}).then(200, listed)
    assert "notes" not in openai_client(scripted, http, "qwen2.5-0.5b").chat(HELLO)


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        pytest.param({"code": "InvalidApiKey", "message": "Bad key."}, AuthError, "Bad key.", id="a code and words"),
        pytest.param({"success": False, "errors": [{"message": "Blocked."}]}, Unavailable, "Blocked.", id="errors"),
        pytest.param({"error_code": 17, "error_msg": "Daily limit."}, Unavailable, "Daily limit.", id="other names"),
        pytest.param(b"<html><title>Sign in</title></html>", BadAnswer, "Sign in", id="a page"),
        pytest.param(b"", BadAnswer, "nothing", id="nothing"),
        pytest.param({"choices": []}, BadAnswer, "without a message", id="no choices"),
        pytest.param({"choices": [{}]}, BadAnswer, "without a message", id="an empty choice"),
        pytest.param({"choices": [{"message": None}]}, BadAnswer, "without a message", id="no message"),
    ],
)
def test_what_stands_in_place_of_an_answer_is_told(
    scripted: Scripted, http: httpx.Client, body: Any, kind: type[ServiceError], words: str
) -> None:
    scripted.then(200, body)
    with pytest.raises(ServiceError, match=words) as caught:
        openai_client(scripted, http).chat(HELLO)
    assert type(caught.value) is kind


def test_an_answer_that_streams_although_nobody_asked_is_read(scripted: Scripted, http: httpx.Client) -> None:
    scripted.then(200, stream(piece({"content": "H"}), piece({"content": "i"}), piece({}, "stop")), **SSE)
    assert openai_client(scripted, http).chat(HELLO)["text"] == "Hi"


def test_a_server_that_loads_its_model_is_waited_for(
    scripted: Scripted, http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clients.openai.client._LOADING_PAUSE_SECONDS", 0.01)
    loading = {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}
    for _ in range(5):
        scripted.then(503, loading)
    scripted.then(200, said("m"))
    assert openai_client(scripted, http).chat(HELLO)["text"] == "Hi"
    assert len(scripted.seen) == 6
    scripted.answers.clear()
    scripted.then(503, {"error": {"message": "Overloaded"}})
    with pytest.raises(Unavailable):
        openai_client(scripted, http).chat(HELLO)
    assert len(scripted.seen) == 7, "that is another matter"


@pytest.mark.parametrize(("written", "arguments"), [("{'city': 'Oslo',}", {"city": "Oslo"}), ("", {})])
def test_arguments_of_a_tool_may_be_written_loosely(
    scripted: Scripted, http: httpx.Client, written: str, arguments: Any
) -> None:
    scripted.then(200, OPENAI_FORM.tool(written))
    [call] = openai_client(scripted, http).chat(HELLO)["tool_calls"]
    assert call["arguments"] == arguments


def test_arguments_that_nobody_can_read_are_shown(scripted: Scripted, http: httpx.Client) -> None:
    scripted.then(200, OPENAI_FORM.tool("Oslo, please"))
    with pytest.raises(BadAnswer, match=r"'weather'.*They begin: 'Oslo") as caught:
        openai_client(scripted, http).chat(HELLO)
    assert not caught.value.retryable
    assert "address" not in caught.value.remedy


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ValidationError):
        OpenAISettings.model_validate({"api_key": "x", "colour": "blue"})


def test_a_server_without_usage_or_model_is_understood(scripted: Scripted, http: httpx.Client) -> None:
    answer = OPENAI_FORM.answer("Hi")
    del answer["usage"], answer["model"]
    scripted.then(200, answer)
    given = openai_client(scripted, http).chat(HELLO)
    assert given["usage"] == {"input_tokens": 0, "output_tokens": 0}
    assert given["model"] == "m"


def test_a_server_that_refuses_schemas_gets_it_in_words_and_is_not_asked_again(
    scripted: Scripted, http: httpx.Client
) -> None:
    scripted.then(400, {"error": {"message": "response_format json_schema is not supported"}})
    scripted.then(200, OPENAI_FORM.answer('{"kind": "bug"}'))
    client = openai_client(scripted, http)
    assert client.chat_json(HELLO, SCHEMA)["text"] == '{"kind": "bug"}'
    client.chat_json(HELLO, SCHEMA)
    formats = [seen.json["response_format"]["type"] for seen in scripted.seen]
    assert formats == ["json_schema", "json_object", "json_object"]
    assert scripted.seen[0].json["response_format"] == response_format(SCHEMA)
    assert "JSON Schema" in scripted.seen[1].json["messages"][0]["content"]


def test_words_join_the_instructions_that_are_there() -> None:
    first = asked_in_words([{"role": "system", "content": "Sort mail."}, *HELLO], SCHEMA)
    assert [message["role"] for message in first] == ["system", "user"]
    assert first[0]["content"].startswith("Sort mail.")
    assert [message["role"] for message in asked_in_words(HELLO, SCHEMA)] == ["system", "user"]


@pytest.mark.parametrize(
    ("change", "strict"),
    [
        pytest.param({}, True, id="closed and all required"),
        pytest.param({"required": []}, False, id="an optional property"),
        pytest.param({"additionalProperties": True}, False, id="open"),
        pytest.param({"properties": {"kind": {"type": "object"}}}, False, id="an open object inside"),
        pytest.param(
            {"properties": {"kind": {"type": "array", "items": {"type": "object"}}}},
            False,
            id="an open object in a list",
        ),
    ],
)
def test_strict_is_asked_only_where_the_schema_allows_it(change: dict[str, Any], strict: bool) -> None:
    assert is_strict({**SCHEMA, **change}) is strict


def test_pieces_become_one_answer(scripted: Scripted, http: httpx.Client) -> None:
    body = stream(
        piece({"role": "assistant", "content": ""}),
        piece({"content": "Hel"}),
        piece({"content": "lo"}),
        piece({}, "stop"),
        piece(None, usage=_USAGE),
    )
    scripted.then(200, body, **SSE)
    pieces: list[str] = []
    answer = openai_client(scripted, http).chat(HELLO, on_text=pieces.append)
    assert pieces == ["Hel", "lo"]
    assert answer["usage"] == {"input_tokens": 3, "output_tokens": 2}
    assert {**answer, "usage": 0} == {
        "text": "Hello", "tool_calls": [], "finish_reason": "stop", "model": "m", "usage": 0
    }  # fmt: skip
    assert scripted.seen[0].json["stream_options"] == {"include_usage": True}


def test_a_refusal_after_some_words_is_one_whole_and_in_pieces(scripted: Scripted, http: httpx.Client) -> None:
    both = {"content": "Well: ", "refusal": "I won't."}
    body = said("m")
    body["choices"][0]["message"] |= both
    scripted.then(200, body)
    scripted.then(200, stream(*(piece({name: text}) for name, text in both.items()), piece({}, "stop")), **SSE)
    whole = openai_client(scripted, http).chat(HELLO)
    assert (whole["text"], whole["finish_reason"]) == ("Well: I won't.", "refusal")
    assert openai_client(scripted, http).chat(HELLO, on_text=lambda text: None) == whole


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
    answer = openai_client(scripted, http).chat(HELLO, on_text=lambda _: None)
    assert answer["tool_calls"] == [{"id": "c1", "name": "look_up", "arguments": {"word": "x"}}]


def test_a_server_that_does_not_stream_is_understood(scripted: Scripted, http: httpx.Client) -> None:
    scripted.then(200, {**said("m"), "usage": _USAGE})
    pieces: list[str] = []
    assert openai_client(scripted, http).chat(HELLO, on_text=pieces.append)["usage"]["output_tokens"] == 2
    assert pieces == ["Hi"]


def test_a_server_that_refuses_streams_is_asked_whole_and_not_again(scripted: Scripted, http: httpx.Client) -> None:
    scripted.then(400, {"error": {"message": "stream_options is not supported"}}).then(200, said("m"))
    client = openai_client(scripted, http)
    assert client.chat(HELLO, on_text=lambda _: None)["text"] == "Hi"
    assert client.chat(HELLO, on_text=lambda _: None)["text"] == "Hi"
    assert ["stream" in seen.json for seen in scripted.seen] == [True, False, False]


def test_another_refusal_is_not_taken_for_that(scripted: Scripted, http: httpx.Client) -> None:
    scripted.then(400, {"error": {"message": "The context is too long"}})
    with pytest.raises(InvalidRequest, match="too long"):
        openai_client(scripted, http).chat(HELLO, on_text=lambda _: None)
    assert len(scripted.seen) == 1


def _likely(*tokens: tuple[str, float]) -> dict[str, Any]:
    return {"content": [{"token": tokens[0][0], "top_logprobs": [{"token": t, "logprob": of} for t, of in tokens]}]}


@pytest.mark.parametrize(
    ("status", "text", "logprobs", "expected"),
    [
        pytest.param(200, "B", _likely(("B", -0.105), (" B", -2.996)), {"B": 0.9, " B": 0.05}, id="told"),
        pytest.param(200, "B", None, {"B": 1.0}, id="not-told"),
        pytest.param(200, "B", {"content": []}, {"B": 1.0}, id="told-of-none"),
        pytest.param(200, "", None, None, id="says-nothing"),
        pytest.param(400, "logprobs are not supported", None, None, id="refused"),
    ],
)
def test_the_first_token_has_the_probabilities_that_the_server_tells(
    scripted: Scripted, http: httpx.Client, status: int, text: str, logprobs: Any, expected: dict[str, float] | None
) -> None:
    choice = {"index": 0, "finish_reason": "stop", "logprobs": logprobs, "message": {"content": text}}
    whole = {"id": "1", "model": "m", "choices": [choice], "usage": _USAGE}
    scripted.then(status, whole if status == 200 else {"error": {"message": text}})
    client = openai_client(scripted, http)
    found = client.first_token(HELLO, parameters={"max_tokens": 300, "seed": 7})
    sent = scripted.seen[0].json
    wanted = {"max_tokens": 1, "temperature": 0, "logprobs": True, "top_logprobs": 20, "seed": 7}
    assert {name: sent.get(name) for name in wanted} == wanted
    assert (None if found is None else found["likely"]) == (None if expected is None else pytest.approx(expected, 1e-2))
    client.first_token(HELLO)
    assert len(scripted.seen) == (1 if status == 400 else 2), "a refusal is remembered"


class Renewals(TimeLimit):
    """A time limit that keeps how it was renewed."""

    def __init__(self) -> None:
        super().__init__(60.0, 3600.0)
        self.seen: list[float] = []

    def renew(self, at_least: float) -> None:
        self.seen.append(at_least)
        super().renew(at_least)


def test_only_what_a_model_says_or_thinks_renews_the_limit_of_time(scripted: Scripted, http: httpx.Client) -> None:
    silent = [piece({"role": "assistant", "content": None}), piece(None), piece({"content": ""})]
    scripted.then(
        200, stream(*silent, piece({"reasoning": "Well"}), piece({"content": "Hi"}), piece({}, "stop")), **SSE
    )
    with within(limit := Renewals()):
        openai_client(scripted, http).chat(HELLO, on_text=lambda _: None)
    assert limit.seen == [0.0, 0.0]


@pytest.mark.parametrize("is_demo", [False, True])
def test_a_server_on_this_machine_may_read_for_long_and_is_heard_while_it_writes(
    scripted: Scripted, is_demo: bool
) -> None:
    whole = OPENAI_FORM.answer("Hi")
    scripted.then(200, whole if is_demo else stream(piece({"content": "Hi"}), piece({}, "stop")), **SSE)
    opened = OpenAIClient.open(OpenAISettings(base_url=scripted.url, model="m"), Opening(is_demo))
    with within(limit := Renewals()):
        assert opened.chat(HELLO)["text"] == "Hi"
    opened.close()
    assert scripted.seen[0].json.get("stream", False) is not is_demo
    assert limit.seen == ([] if is_demo else [FIRST_WORD_SECONDS, 0.0])


def test_the_limit_in_all_holds_for_an_answer_without_end() -> None:
    limit = TimeLimit(60.0, 90.0)
    first = limit.ends_at
    limit.renew(FIRST_WORD_SECONDS)
    assert limit.ends_at - first == pytest.approx(30.0)
