"""What every client of a model promises: the real SDK of each against its stand-in, and against odd servers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import SecretStr

from clients.deadline import TimeLimit, within
from clients.errors import (
    AuthError,
    BadAnswer,
    InvalidRequest,
    NotFound,
    RateLimited,
    ServiceError,
    Timeout,
    Unavailable,
    WriteRefused,
)
from clients.models.metering import ModelRequest, metered
from clients.reads_only import reads_only
from clients.transport import Forbidden, deadline, http_client
from engine.base.services import client_class, client_classes

if TYPE_CHECKING:
    from tests.clients.conftest import Scripted
    from tests.conftest import StandIns

KEY = "sk-very-secret-key"
HELLO = [{"role": "user", "content": "The app crashes when I press Save. Please fix it."}]
SSE = {"content_type": "text/event-stream"}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"kind": {"type": "string", "enum": ["bug", "task"]}, "share": {"type": "number", "minimum": 0}},
    "required": ["kind", "share"],
    "additionalProperties": False,
}
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}


@dataclass(frozen=True)
class Form:
    """How a service says the same things: bodies of its API, whole and as the lines of a stream."""

    name: str
    answer: Callable[[str], Any]
    refusal: Any
    streamed_refusal: Sequence[Any]
    finish_reason: str
    """What a refusal is called."""
    tool: Callable[[Any], Any]
    started: Sequence[Any]
    """The beginning of a stream."""
    json_stream: Callable[[str, str], Sequence[Any]]
    """JSON in two pieces, in the way that is used where a schema is refused."""
    ending_error: Any
    too_long: Any
    variables: Mapping[str, str]
    """What the SDK would take from the environment."""
    refused_schema: str = "schema is not supported"
    no_credit: Sequence[tuple[int, Any]] = field(default=())


def _completion(text: str | None, **message: Any) -> dict[str, Any]:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text, **message}}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "m-2024-05-13",
        "choices": [choice],
        "usage": usage,
    }


def _chunk(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m-2024-05-13", "choices": [choice]}


def _call(arguments: Any) -> dict[str, Any]:
    function = {"name": "weather", "arguments": arguments if isinstance(arguments, str) else json.dumps(arguments)}
    return _completion(None, tool_calls=[{"id": "c1", "type": "function", "function": function}])


def _message(content: list[dict[str, Any]], reason: str = "end_turn", **more: Any) -> dict[str, Any]:
    usage = {"input_tokens": 2, "cache_read_input_tokens": 1, "output_tokens": 2}
    head = {"id": "1", "type": "message", "role": "assistant", "model": "m-2024-05-13", "stop_sequence": None}
    return {**head, "content": content, "stop_reason": reason, "usage": usage, **more}


_REFUSED = {"type": "refusal", "category": None, "explanation": "I won't."}
_BLOCK = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}


def _content(parts: list[dict[str, Any]], reason: str | None = "STOP", **more: Any) -> dict[str, Any]:
    candidate = {"content": {"role": "model", "parts": parts}, "index": 0}
    usage = {"promptTokenCount": 3, "candidatesTokenCount": 1, "thoughtsTokenCount": 1, "totalTokenCount": 5}
    ended = {"finishReason": reason} if reason else {}
    return {"candidates": [{**candidate, **ended}], "modelVersion": "m-2024-05-13", "usageMetadata": usage, **more}


_BLOCKED = {"promptFeedback": {"blockReason": "SAFETY"}, "modelVersion": "m-2024-05-13"}
OPENAI_FORM = Form(
    name="openai",
    answer=_completion,
    refusal=_completion(None, refusal="I won't."),
    streamed_refusal=(_chunk({"refusal": "I "}), _chunk({"refusal": "won't."}), _chunk({}, "stop")),
    finish_reason="refusal",
    tool=_call,
    started=(_chunk({"content": "Hel"}),),
    json_stream=lambda one, two: (_chunk({"content": one}), _chunk({"content": two}), _chunk({}, "stop")),
    ending_error={"error": {"message": f"Overloaded, {KEY} has to wait.", "type": "server_error"}},
    too_long={"error": {"message": "This model's maximum context length is 8192 tokens."}},
    variables={"OPENAI_API_KEY": "taken", "OPENAI_ORG_ID": "taken", "OPENAI_PROJECT_ID": "taken"},
    no_credit=(
        (429, {"error": {"message": "You exceeded your quota.", "code": "insufficient_quota"}}),
        (402, {"error": {"message": "Insufficient Balance"}}),
    ),
)
ANTHROPIC_FORM = Form(
    name="anthropic",
    answer=lambda text: _message([{"type": "text", "text": text}]),
    refusal=_message([], "refusal", stop_details=_REFUSED),
    streamed_refusal=(
        {"type": "message_start", "message": _message([])},
        {"type": "message_delta", "delta": {"stop_reason": "refusal", "stop_details": _REFUSED}, "usage": {}},
        {"type": "message_stop"},
    ),
    finish_reason="refusal",
    tool=lambda given: _message([{"type": "tool_use", "id": "c1", "name": "weather", "input": given}], "tool_use"),
    started=(
        {"type": "message_start", "message": _message([])},
        _BLOCK,
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}},
    ),
    json_stream=lambda one, two: (
        {"type": "message_start", "message": _message([])},
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "tool_use", "id": "c1", "name": "answer", "input": {}},
        },
        *(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": piece}}
            for piece in (one, two)
        ),
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {}},
        {"type": "message_stop"},
    ),
    ending_error={"type": "error", "error": {"type": "overloaded_error", "message": f"Overloaded, {KEY} has to wait."}},
    too_long={"type": "error", "error": {"message": "prompt is too long: 9000 tokens > 8000 maximum"}},
    variables={
        "ANTHROPIC_API_KEY": "taken",
        "ANTHROPIC_AUTH_TOKEN": "taken",
        "ANTHROPIC_CUSTOM_HEADERS": "x-mine: taken",
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:1/taken",
    },
    no_credit=(
        (400, {"type": "error", "error": {"message": "Your credit balance is too low to access the API."}}),
        (402, {"type": "error", "error": {"type": "billing_error", "message": "Pay first."}}),
    ),
)
GEMINI_FORM = Form(
    name="gemini",
    answer=lambda text: _content([{"text": text}]),
    refusal=_BLOCKED,
    streamed_refusal=(_BLOCKED,),
    finish_reason="content_filter",
    tool=lambda given: _content([{"functionCall": {"id": "c1", "name": "weather", "args": given}}]),
    started=(_content([{"text": "Hel"}], None),),
    json_stream=lambda one, two: (_content([{"text": one}], None), _content([{"text": two}])),
    ending_error={"error": {"code": 503, "message": f"Overloaded, {KEY} has to wait.", "status": "UNAVAILABLE"}},
    too_long={"error": {"code": 400, "message": "The input token count (9) exceeds the maximum number of tokens."}},
    variables={"GEMINI_API_KEY": "taken", "GOOGLE_API_KEY": "taken", "GOOGLE_GENAI_USE_VERTEXAI": "true"},
)
FORMS = (OPENAI_FORM, ANTHROPIC_FORM, GEMINI_FORM)


@pytest.fixture(params=FORMS, ids=lambda form: form.name)
def form(request: pytest.FixtureRequest) -> Form:
    found: Form = request.param
    service = client_class(found.name).service
    if absence := service.lacks({}):
        pytest.skip(f"{absence} {service.install}")
    return found


def client_of(form: Form, url: str, http: httpx.Client, key: str = KEY, model: str = "m") -> Any:
    kind: Any = client_class(form.name)
    settings = {"api_key": SecretStr(key), "base_url": url, "model": model}
    return kind(kind.service.settings.model_validate(settings), http)


@pytest.fixture
def demo(form: Form, standins: StandIns, http: httpx.Client) -> Any:
    endpoint = standins[form.name]
    return client_of(form, endpoint.base_url, http, endpoint.token, "demo-extractive")


@pytest.fixture
def asked(form: Form, scripted: Scripted, http: httpx.Client) -> Any:
    """A client of a scripted server."""
    return client_of(form, scripted.url, http)


def stream(*pieces: Any) -> bytes:
    named = [f"event: {one['type']}\n" if "type" in one else "" for one in pieces]
    return "".join(f"{name}data: {json.dumps(one)}\n\n" for name, one in zip(named, pieces, strict=True)).encode()


def test_each_client_of_a_model_is_held_to_this() -> None:
    models = {name for name, kind in client_classes().items() if kind.service.is_model and not kind.service.models}
    assert models == {one.name for one in FORMS}, "one that is fetched to this machine: test_local_model.py"


def test_the_stand_in_answers_and_streams_the_same(demo: Any) -> None:
    pieces: list[str] = []
    streamed = demo.chat(HELLO, on_text=pieces.append)
    assert len(pieces) > 5
    assert "".join(pieces) == streamed["text"]
    assert streamed["usage"]["input_tokens"] > 0
    assert streamed["usage"]["output_tokens"] > 0
    assert streamed["finish_reason"] == "stop"
    assert streamed["model"] == "demo-extractive"
    assert streamed == demo.chat(HELLO)


def test_the_stand_in_answers_json_of_the_schema(demo: Any) -> None:
    answer = demo.chat_json([{"role": "system", "content": "Which kind is it?"}, *HELLO], SCHEMA)
    assert json.loads(answer["text"])["kind"] == "bug"
    assert (answer["tool_calls"], answer["finish_reason"]) == ([], "stop")


def test_the_stand_in_streams_json_of_the_schema(demo: Any) -> None:
    talk = [{"role": "system", "content": "Which kind is it?"}, *HELLO]
    pieces: list[str] = []
    streamed = demo.chat_json(talk, SCHEMA, on_text=pieces.append)
    assert len(pieces) > 2
    assert "".join(pieces) == streamed["text"]
    assert streamed["usage"]["output_tokens"] > 0
    assert streamed == demo.chat_json(talk, SCHEMA)


def test_instructions_alone_are_what_the_user_says(demo: Any) -> None:
    assert demo.chat([{"role": "system", "content": "The app crashes when I press Save."}])["text"]


def test_a_long_answer_is_cut_off(demo: Any) -> None:
    assert demo.chat(HELLO, parameters={"max_tokens": 3})["finish_reason"] == "length"


def test_a_conversation_with_tools_and_pictures_is_understood(demo: Any) -> None:
    dot = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{dot}"}}
    seen = demo.chat([{"role": "user", "content": [{"type": "text", "text": "What is this?"}, picture]}])
    assert "PNG, 1 x 1 pixels" in seen["text"]
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
    talk = [
        {"role": "user", "content": "How is the weather?"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "It rains in Oslo.", "tool_call_id": "c1"},
    ]
    assert demo.chat(talk, tools=[TOOL])["text"] == "It rains in Oslo."


def test_check_reaches_the_server_and_finds_the_model(demo: Any) -> None:
    assert [(line.what, line.ok) for line in demo.check()] == [("server", True), ("model", True)]
    assert demo.models() == ["demo-extractive"]


def test_check_says_what_is_wrong(form: Form, standins: StandIns, http: httpx.Client) -> None:
    endpoint = standins[form.name]
    no_model = client_of(form, endpoint.base_url, http, endpoint.token, "")
    other_model = client_of(form, endpoint.base_url, http, endpoint.token, "gpt-9")
    no_key = client_of(form, endpoint.base_url, http, "wrong")
    assert not no_model.check()[1].ok
    assert "gpt-9" in other_model.check()[1].text
    assert client_class(form.name).service.variables["model"] in other_model.check()[1].text
    assert other_model.check()[1].field == "model"
    assert [line.ok for line in no_key.check()] == [False]
    with pytest.raises(AuthError):
        no_key.chat(HELLO)


def questions(standins: StandIns, form: Form) -> int:
    return sum(count for asked, count in standins.requests(form.name).items() if asked.startswith("POST"))


@pytest.mark.parametrize(
    ("fault", "kind", "outcome"),
    [
        pytest.param({"status": 401}, AuthError, "not_done", id="no key"),
        pytest.param({"status": 403}, AuthError, "not_done", id="no right"),
        pytest.param({"status": 404}, NotFound, "not_done", id="no such model"),
        pytest.param({"retry_after": 7}, RateLimited, "not_done", id="rate limit"),
        pytest.param({"status": 500}, Unavailable, "unknown", id="server error"),
        pytest.param({"status": 529}, Unavailable, "unknown", id="overloaded"),
        pytest.param({"status": 502, "body": "<html>Bad gateway"}, Unavailable, "unknown", id="a page"),
        pytest.param({"cut": True}, Unavailable, "unknown", id="cut"),
        pytest.param({"body": "{}"}, BadAnswer, "unknown", id="an empty object"),
    ],
)
@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
def test_a_fault_is_one_error_after_one_request(
    demo: Any,
    form: Form,
    standins: StandIns,
    fault: dict[str, Any],
    kind: type[ServiceError],
    outcome: str,
    streams: bool,
) -> None:
    before = questions(standins, form)
    standins.faults(form.name, **fault, times=9)
    with pytest.raises(kind) as caught:
        demo.chat(HELLO, on_text=(lambda _: None) if streams else None)
    assert questions(standins, form) == before + 1, "the engine retries, not the SDK"
    assert (caught.value.outcome, caught.value.service) == (outcome, form.name)
    assert caught.value.retry_after_seconds == fault.get("retry_after")


def test_an_answer_that_drips_ends_with_the_deadline(demo: Any, form: Form, standins: StandIns) -> None:
    standins.faults(form.name, drip=0.2, times=9)
    with deadline(0.5), pytest.raises(Timeout):
        demo.chat(HELLO)


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("count", [-3, 10**30, 10**12, 1e300], ids=str)
def test_tokens_that_no_answer_can_have_do_not_count(
    asked: Any, form: Form, scripted: Scripted, count: Any, streams: bool
) -> None:
    def odd(body: Any) -> Any:
        told = {one: dict.fromkeys(body[one], count) for one in ("usage", "usageMetadata") if body.get(one)}
        return {**body, **told, **({"message": odd(body["message"])} if "message" in body else {})}

    pieces = [odd(one) for one in form.json_stream("{", "}")]
    scripted.then(200, stream(*pieces) if streams else odd(form.answer("Hi")), **(SSE if streams else {}))
    try:
        answer = asked.chat_json(HELLO, SCHEMA, on_text=lambda _: None) if streams else asked.chat(HELLO)
    except BadAnswer:
        return  # an SDK reads no such number
    assert answer["usage"] == {"input_tokens": 0, "output_tokens": 0}


@pytest.mark.parametrize("body", [{}, [1], "Hello"], ids=str)
def test_an_answer_without_a_message_is_a_bad_answer(asked: Any, scripted: Scripted, body: Any) -> None:
    scripted.then(200, body)
    with pytest.raises(BadAnswer):
        asked.chat(HELLO)


def test_a_refusal_is_called_one_whole_and_in_pieces(asked: Any, form: Form, scripted: Scripted) -> None:
    scripted.then(200, form.refusal).then(200, stream(*form.streamed_refusal), **SSE)
    whole = asked.chat(HELLO)
    assert whole["finish_reason"] == form.finish_reason
    assert whole["text"] in {"I won't.", ""}
    pieces = asked.chat(HELLO, on_text=lambda _: None)
    assert (pieces["text"], pieces["finish_reason"]) == (whole["text"], whole["finish_reason"])


def test_tools_come_back_as_data(asked: Any, form: Form, scripted: Scripted) -> None:
    scripted.then(200, form.tool({"city": "Oslo"}))
    answer = asked.chat(HELLO, tools=[TOOL])
    assert answer["tool_calls"] == [{"id": "c1", "name": "weather", "arguments": {"city": "Oslo"}}]
    assert answer["text"] == ""
    assert "weather" in json.dumps(scripted.seen[0].json["tools"])


@pytest.mark.parametrize("arguments", [[1], "x"], ids=str)
def test_arguments_that_are_no_object_are_a_bad_answer(
    asked: Any, form: Form, scripted: Scripted, arguments: Any
) -> None:
    scripted.then(200, form.tool(json.dumps(arguments) if form is OPENAI_FORM else arguments))
    with pytest.raises(BadAnswer):
        asked.chat(HELLO)


def test_usage_counts_all_that_is_paid(asked: Any, form: Form, scripted: Scripted) -> None:
    scripted.then(200, form.answer("Hi"))
    answer = asked.chat(HELLO)
    assert (answer["text"], answer["model"]) == ("Hi", "m-2024-05-13")
    kept = {"cached_tokens": 1} if form.name == "anthropic" else {}
    assert answer["usage"] == {"input_tokens": 3, "output_tokens": 2} | kept


def test_a_stream_that_stops_in_the_middle_is_no_answer(asked: Any, form: Form, scripted: Scripted) -> None:
    scripted.then(200, stream(*form.started), **SSE)
    with pytest.raises(BadAnswer, match="in the middle"):
        asked.chat(HELLO, on_text=lambda _: None)


def test_each_word_renews_the_limit_of_time(asked: Any, form: Form, scripted: Scripted) -> None:
    given, ends = json.dumps({"kind": "bug", "share": 1}), list[float]()
    scripted.then(400, {"error": {"message": "schema is not supported", "code": 400}})
    scripted.then(200, stream(*form.json_stream(given[:5], given[5:])), **SSE)
    limit, in_all = TimeLimit(60.0, 3600.0), TimeLimit(50.0)
    with within(in_all), within(limit):
        begun, hard = limit.ends_at, in_all.ends_at
        asked.chat_json(HELLO, SCHEMA, on_text=lambda _: ends.append(limit.ends_at))
    assert len(ends) == 2
    assert begun < ends[0] < ends[1]
    assert in_all.ends_at == hard, "what counts from the start stays as it is"


def test_an_error_inside_a_stream_is_told_without_the_key(asked: Any, form: Form, scripted: Scripted) -> None:
    scripted.then(200, stream(*form.started, form.ending_error), **SSE)
    with pytest.raises(Unavailable, match=r"Overloaded, \*\*\* has to wait") as caught:
        asked.chat(HELLO, on_text=lambda _: None)
    assert KEY not in repr(vars(caught.value))


@pytest.mark.parametrize("body", [b"", b"data: nonsense\n\n", b"data: [1]\n\n", b"data: {}\n\n", b"<html>"], ids=str)
def test_a_stream_of_nonsense_is_an_error_of_ours(asked: Any, scripted: Scripted, body: bytes) -> None:
    scripted.then(200, body, **SSE)
    with pytest.raises(ServiceError):
        asked.chat(HELLO, on_text=lambda _: None)


def test_a_refused_schema_is_asked_for_in_another_way_and_not_again(asked: Any, form: Form, scripted: Scripted) -> None:
    given = {"kind": "bug", "share": 1}
    other = form.answer(json.dumps(given))
    if form is ANTHROPIC_FORM:
        other = _message([{"type": "tool_use", "id": "c1", "name": "answer", "input": given}], "tool_use")
    scripted.then(400, {"error": {"message": "schema is not supported", "code": 400}}).then(200, other)
    for _ in range(2):
        answer = asked.chat_json(HELLO, SCHEMA)
        assert json.loads(answer["text"]) == given
        assert (answer["tool_calls"], answer["finish_reason"]) == ([], "stop")
    assert len(scripted.seen) == 3
    assert all("share" in one.body.decode() for one in scripted.seen)


def test_an_answer_after_a_refused_schema_streams(asked: Any, form: Form, scripted: Scripted) -> None:
    given = json.dumps({"kind": "bug", "share": 1})
    pieces: list[str] = []
    scripted.then(400, {"error": {"message": "schema is not supported", "code": 400}})
    scripted.then(200, stream(*form.json_stream(given[:5], given[5:])), **SSE)
    answer = asked.chat_json(HELLO, SCHEMA, on_text=pieces.append)
    assert (json.loads(answer["text"]), pieces) == (json.loads(given), [given[:5], given[5:]])
    assert (answer["tool_calls"], answer["finish_reason"], len(scripted.seen)) == ([], "stop", 2)


def test_a_text_that_is_too_long_is_asked_about_once(asked: Any, form: Form, scripted: Scripted) -> None:
    scripted.then(400, form.too_long)
    with pytest.raises(InvalidRequest) as refused:
        asked.chat_json(HELLO, SCHEMA)
    assert len(scripted.seen) == 1
    assert refused.value.remedy.startswith("Give the model less text")


@pytest.mark.parametrize("number", [0, 1])
def test_an_account_without_credit_is_not_asked_to_wait(
    asked: Any, form: Form, scripted: Scripted, number: int
) -> None:
    if not form.no_credit:
        pytest.skip("it says nothing of credit")
    scripted.then(*form.no_credit[number])
    for ask in (asked.chat, lambda messages: asked.chat_json(messages, SCHEMA)):
        with pytest.raises(InvalidRequest, match="no credit") as caught:
            ask(HELLO)
        assert "Add credit" in caught.value.remedy
    assert len(scripted.seen) == 2


def test_a_refused_connection_did_nothing(form: Form, http: httpx.Client) -> None:
    with pytest.raises(Unavailable) as caught:
        client_of(form, "http://127.0.0.1:1/v1", http).chat(HELLO)
    assert caught.value.outcome == "not_done"


@pytest.mark.slow
def test_a_forbidden_address_says_so(form: Form) -> None:
    with http_client(allowed_origins=frozenset({"http://127.0.0.1:2"})) as closed, pytest.raises(Forbidden):
        client_of(form, "http://127.0.0.1:1/v1", closed).chat(HELLO)


def test_the_account_is_the_server(form: Form, http: httpx.Client) -> None:
    assert client_of(form, "http://127.0.0.1:11434/v1", http).account() == "127.0.0.1:11434"


def test_the_key_shows_nowhere(asked: Any, form: Form, scripted: Scripted) -> None:
    scripted.then(401, {"error": {"message": f"Incorrect API key provided: {KEY}."}})
    with pytest.raises(AuthError) as caught:
        asked.chat(HELLO)
    shown = [repr(asked), str(caught.value), repr(caught.value), caught.value.message, caught.value.remedy]
    assert KEY not in " ".join(shown)
    assert "***" in caught.value.message
    assert KEY in scripted.seen[0].headers.values() or f"Bearer {KEY}" in scripted.seen[0].headers.values()


def test_nothing_of_the_environment_is_sent(
    form: Form, scripted: Scripted, http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in form.variables.items():
        monkeypatch.setenv(name, value)
    scripted.then(200, form.answer("Hi"))
    client_of(form, scripted.url, http, key="").chat(HELLO)
    assert "taken" not in str(scripted.seen[0].headers)


def test_a_missing_model_names_the_setting(form: Form, http: httpx.Client) -> None:
    with pytest.raises(InvalidRequest) as caught:
        client_of(form, "http://127.0.0.1:1/v1", http, model="").chat(HELLO)
    assert "connections.llm.model" in caught.value.remedy


def test_parameters_go_out_and_those_without_a_value_do_not(asked: Any, form: Form, scripted: Scripted) -> None:
    scripted.then(200, form.answer("Hi"))
    asked.chat(HELLO, parameters={"temperature": 0, "max_tokens": 9, "top_k": 3, "seed": None, "stop": "X"})
    sent = {**scripted.seen[0].json, **scripted.seen[0].json.get("generationConfig", {})}
    assert sent["temperature"] == 0
    assert 9 in {sent.get("max_tokens"), sent.get("maxOutputTokens")}
    assert 3 in {sent.get("top_k"), sent.get("topK")}
    assert "X" in str(sent.get("stop") or sent.get("stop_sequences") or sent.get("stopSequences"))
    assert "seed" not in sent


@pytest.mark.parametrize("name", ["stream", "tools", "model"])
def test_a_prompt_cannot_set_what_kind_of_answer_comes(form: Form, http: httpx.Client, name: str) -> None:
    with pytest.raises(InvalidRequest, match=name):
        client_of(form, "http://127.0.0.1:1/v1", http).chat(HELLO, parameters={name: True})


def test_a_plan_may_ask_and_nothing_else_leaves(demo: Any, form: Form, standins: StandIns) -> None:
    kind, endpoint = client_class(form.name), standins[form.name]
    settings = {"api_key": endpoint.token, "base_url": endpoint.base_url, "model": "m"}
    from clients.client import Opening

    opened: Any = kind.open(kind.service.settings.model_validate(settings), Opening())
    with reads_only():
        assert opened.chat(HELLO)["text"]
        assert opened.chat(HELLO, on_text=lambda _: None)["text"]
        assert opened.chat_json(HELLO, SCHEMA)["text"]
        assert opened.models()
        for path in ("/v1/messages/batches", "/v1beta/models/m:asyncBatchEmbedContent", "/v1/files"):
            with pytest.raises(WriteRefused):
                opened.http.post(f"{endpoint.origin}{path}")
    opened.close()


@dataclass
class Counted:
    """A meter that asks another model, and notes what it is told."""

    wanted: list[ModelRequest] = field(default_factory=list)
    told: list[Any] = field(default_factory=list)
    model: str = "cheaper"

    def admit(self, request: ModelRequest) -> Counted:
        self.wanted.append(request)
        return self

    def answered(self, model: str, usage: Mapping[str, int], said: int = 0) -> None:
        self.told.append((model, dict(usage), said))

    def refused(self) -> None:
        self.told.append("refused")


def test_each_request_is_metered(asked: Any, form: Form, scripted: Scripted) -> None:
    meter, dot = Counted(), "data:image/png;base64," + "A" * 400_000
    scripted.then(200, form.answer("Hi")).then(400, {"error": {"message": "no", "code": 400}})
    picture = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": dot}}]}
    with metered(meter):
        asked.chat([picture], parameters={"max_tokens": 9})
        with pytest.raises(InvalidRequest):
            asked.chat(HELLO, parameters={"max_tokens": 9})
    assert [(one.model, one.output_tokens) for one in meter.wanted] == [("m", 9)] * 2
    assert 1_000 < meter.wanted[0].input_tokens < 100_000, "a picture is not counted by its letters"
    kept = {"cached_tokens": 1} if form.name == "anthropic" else {}
    assert meter.told[0][:2] == ("m-2024-05-13", {"input_tokens": 3, "output_tokens": 2} | kept)
    assert meter.told[1:] == ["refused"]
    assert "cheaper" in scripted.seen[0].path + scripted.seen[0].body.decode()


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("asks_json", [False, True], ids=["text", "json"])
@pytest.mark.parametrize(
    ("fault", "told"),
    [
        pytest.param({}, ["answered"], id="fine"),
        pytest.param({"status": 503}, ["refused"], id="refuses"),
        pytest.param({"cut": True}, [], id="dies"),
        pytest.param({"drip": 0.2}, [], id="drips"),
        pytest.param({"body": '{"a": '}, [], id="nonsense"),
    ],
)
def test_an_answer_is_asked_and_paid_once_however_it_ends(
    demo: Any, form: Form, standins: StandIns, fault: dict[str, Any], told: list[str], asks_json: bool, streams: bool
) -> None:
    meter, more = Counted(model="demo-extractive"), {"on_text": lambda _: None} if streams else {}
    if "drip" in fault:
        demo.chat(HELLO)  # the first call imports the SDK, which may take longer than the deadline below
    before = sum(standins.requests(form.name).values())
    if fault:
        standins.faults(form.name, **fault, times=9)
    with metered(meter), deadline(0.7 if "drip" in fault else 60):
        try:
            kept = demo.chat_json(HELLO, SCHEMA, **more) if asks_json else demo.chat(HELLO, **more)
        except ServiceError:
            kept = None
    assert sum(standins.requests(form.name).values()) == before + 1
    assert (kept is None, len(meter.wanted)) == (bool(fault), 1)
    assert ["refused" if one == "refused" else "answered" for one in meter.told] == told
    if kept is not None:
        assert meter.told[0][1] == kept["usage"]


@pytest.mark.parametrize("asks_json", [False, True], ids=["text", "json"])
def test_a_stream_that_is_cut_is_neither_kept_nor_asked_again(
    asked: Any, form: Form, scripted: Scripted, asks_json: bool
) -> None:
    meter = Counted()
    pieces: list[str] = []
    scripted.then(200, stream(*form.started), **SSE).then(200, form.answer("Hi"))
    ask = partial(asked.chat_json, HELLO, SCHEMA) if asks_json else partial(asked.chat, HELLO)
    with metered(meter), pytest.raises(BadAnswer):
        ask(on_text=pieces.append)
    assert (pieces, len(scripted.seen), len(meter.wanted), meter.told) == (["Hel"], 1, 1, [])


def test_a_damaged_sdk_names_its_package(form: Form, http: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    extra = client_class(form.name).service.extra
    if extra is None:
        pytest.skip("its SDK comes with the program")

    def broken(name: str) -> None:
        raise OSError(f"{name}: a library is missing")

    monkeypatch.setattr("clients.models.asking.importlib.import_module", broken)
    client = client_of(form, "http://127.0.0.1:1", http)
    for ask in (client.models, lambda: client.chat(HELLO), lambda: client.chat_json(HELLO, SCHEMA)):
        with pytest.raises(InvalidRequest, match="a library is missing") as caught:
            ask()
        assert extra.package in caught.value.message
        assert f"pip install --force-reinstall {extra.package}" in caught.value.remedy


def test_threads_may_share_a_client(demo: Any) -> None:
    ask: Callable[[int], str] = lambda _: demo.chat(HELLO)["text"]  # noqa: E731
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(24)))


def test_vectors_come_in_order_or_their_absence_is_said(form: Form, standins: StandIns, http: httpx.Client) -> None:
    endpoint = standins[form.name]
    client = client_of(form, endpoint.base_url, http, endpoint.token)
    if form is ANTHROPIC_FORM:
        with pytest.raises(InvalidRequest, match="no model that turns texts into vectors"):
            client.embed(["a"])
        return
    found = client.embed([f"text {number}" for number in range(70)], dimensions=16)["vectors"]
    assert len(found) == 70
    assert found[65] == client.embed(["text 65"], dimensions=16)["vectors"][0]
    with pytest.raises(InvalidRequest, match="Text 2 of 2 is empty"):
        client.embed(["a", " "])
