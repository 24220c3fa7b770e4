"""The model steps on the real client: messages, models, parameters, checked JSON and its one repair."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from clients.errors import BadAnswer, InvalidRequest, ModelRefused
from clients.openai.client import OpenAIClient
from clients.openai.service import OpenAISettings
from clients.transport import http_client
from engine.base.definitions import PromptDefinition
from engine.plugins.step import Call, Effect
from engine.steps.llm.extract import Chat, ChatOutput, Extract

if TYPE_CHECKING:
    from tests.conftest import StandIns

USER = [{"role": "user", "content": "Hello"}]
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"kind": {"type": "string", "enum": ["bug", "task"]}, "title": {"type": "string"}},
    "required": ["kind"],
}
PROMPT: PromptDefinition = {
    "model": "prompt-model",
    "parameters": {"temperature": 0.2, "max_tokens": 50},
    "output_schema": SCHEMA,
    "version": 3,
}


class Server(httpx.BaseTransport):
    """A model server in this process: says the given texts one after the other, and keeps what it was asked."""

    def __init__(self, *texts: str, finish_reason: str = "stop", refusal: str | None = None) -> None:
        self.texts = list(texts)
        self.finish_reason, self.refusal = finish_reason, refusal
        self.asked: list[dict[str, Any]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/chat/completions"):
            return httpx.Response(404)  # it says nothing of its models
        self.asked.append(json.loads(request.content))
        said = {"content": None, "refusal": self.refusal} if self.refusal else {"content": self.texts.pop(0)}
        message = {"role": "assistant", **said}
        choice = {"index": 0, "finish_reason": self.finish_reason, "message": message}
        usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        return httpx.Response(200, json={"id": "1", "model": "served-model", "choices": [choice], "usage": usage})


def render(prompt: Mapping[str, Any], variables: Mapping[str, Any]) -> list[dict[str, str]]:
    return [
        {"role": "system", "content": f"version {prompt['version']}"},
        {"role": "user", "content": variables["text"]},
    ]


def call_of(server: Server, fields: Any, model: str = "connection-model") -> Call:
    settings = OpenAISettings(base_url="http://model.example/v1", model=model)
    client = OpenAIClient(settings, httpx.Client(transport=server))
    return Call(fields=fields, client=client, prompts={"classify@production": PROMPT}, render=render)


def chat(server: Server, **arguments: Any) -> tuple[Any, Call]:
    call = call_of(server, Chat.fields.model_validate(arguments))
    return Chat().call(call), call


def extract(server: Server, **arguments: Any) -> tuple[Any, Call]:
    call = call_of(server, Extract.fields.model_validate(arguments))
    return Extract().call(call), call


def test_a_chat_gives_words_and_leaves_what_was_sent() -> None:
    server = Server("Hi")
    output, call = chat(server, messages=USER)
    assert output == {"text": "Hi", "tool_calls": [], "finish_reason": "stop", "model": "served-model"}
    assert ChatOutput.model_validate(output)
    assert call.request == {"messages": USER, "model": "served-model"}
    assert (call.usage.input_tokens, call.usage.output_tokens, call.usage.cost_usd) == (10, 5, None)


def test_a_prompt_is_filled_and_brings_its_model_and_parameters() -> None:
    server = Server("Hi")
    _, call = chat(server, prompt="classify@production", variables={"text": "{{ not expanded }}"})
    sent = server.asked[0]
    assert sent["messages"] == [
        {"role": "system", "content": "version 3"},
        {"role": "user", "content": "{{ not expanded }}"},
    ]
    assert (sent["model"], sent["temperature"], sent["max_tokens"]) == ("prompt-model", 0.2, 50)
    assert call.request["messages"] == sent["messages"]


def test_the_steps_own_fields_win_over_the_prompts() -> None:
    server = Server("Hi")
    chat(server, prompt="classify@production", variables={"text": "x"}, model="step-model", temperature=0, max_tokens=9)
    sent = server.asked[0]
    assert (sent["model"], sent["temperature"], sent["max_tokens"]) == ("step-model", 0, 9)


def test_without_any_other_the_connections_model_is_asked() -> None:
    server = Server("Hi")
    chat(server, messages=USER)
    assert server.asked[0]["model"] == "connection-model"
    assert "temperature" not in server.asked[0]


def test_no_model_anywhere_is_said() -> None:
    call = call_of(Server(), Chat.fields.model_validate({"messages": USER}), model="")
    with pytest.raises(InvalidRequest, match="No model is set"):
        Chat().call(call)


def test_tools_go_out_in_the_apis_form_and_a_talk_can_go_on() -> None:
    server = Server("Fine")
    asked = {"id": "c1", "name": "weather", "arguments": {"city": "Oslo"}}
    messages = [*USER, {"role": "assistant", "content": "", "tool_calls": [asked]}]
    messages.append({"role": "tool", "content": "Rain", "tool_call_id": "c1"})
    chat(server, messages=messages, tools=[{"name": "weather", "parameters": {"type": "object"}}])
    sent = server.asked[0]
    assert sent["tools"] == [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
    function = sent["messages"][1]["tool_calls"][0]["function"]
    assert (function["name"], json.loads(function["arguments"])) == ("weather", {"city": "Oslo"})
    assert sent["messages"][2]["tool_call_id"] == "c1"


def test_a_tool_without_a_name_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="no name"):
        chat(Server(), messages=USER, tools=[{"parameters": {}}])


def test_json_that_fits_is_the_output_itself() -> None:
    server = Server('{"kind": "bug"}')
    output, _ = extract(server, messages=USER, schema=SCHEMA)
    assert output == {"kind": "bug"}
    assert server.asked[0]["response_format"]["json_schema"]["schema"] == SCHEMA


def test_the_prompts_schema_is_used_where_the_step_has_none() -> None:
    output, _ = extract(Server('{"kind": "task"}'), prompt="classify@production", variables={"text": "x"})
    assert output == {"kind": "task"}


@pytest.mark.parametrize("first", ['{"kind": "song"}', "no JSON", '{"kind": ', "[]"])
def test_what_does_not_fit_is_repaired_once_with_the_reasons(first: str) -> None:
    server = Server(first, '{"kind": "bug"}')
    output, call = extract(server, messages=USER, schema=SCHEMA)
    assert output == {"kind": "bug"}
    assert [message["role"] for message in server.asked[1]["messages"]] == ["user", "assistant", "user"]
    assert server.asked[1]["messages"][1]["content"] == first
    assert "does not fit" in server.asked[1]["messages"][2]["content"]
    assert (call.usage.input_tokens, call.usage.output_tokens) == (20, 10)
    assert call.request["messages"] == server.asked[1]["messages"]


def test_what_does_not_fit_twice_is_a_bad_answer_with_the_words() -> None:
    server = Server('{"kind": "song"}', '{"kind": "poem"}', '{"kind": "bug"}')
    with pytest.raises(BadAnswer, match="'poem' is not one of") as caught:
        extract(server, messages=USER, schema=SCHEMA)
    assert len(server.asked) == 2
    assert not caught.value.retryable, "another attempt would ask both again"


@pytest.mark.parametrize(
    ("ended", "words", "remedy"),
    [
        pytest.param("length", "cut off", "max_tokens", id="cut"),
        pytest.param("content_filter", "held the answer back", "prompt", id="filtered"),
    ],
)
def test_an_answer_that_ends_before_its_end_says_so_and_is_not_paid_for_twice(
    ended: str, words: str, remedy: str
) -> None:
    server = Server('{"kind"', '{"kind"', finish_reason=ended)
    with pytest.raises(InvalidRequest, match=words) as caught:
        extract(server, messages=USER, schema=SCHEMA)
    assert remedy in caught.value.remedy
    assert len(server.asked) == 1


def test_a_chat_without_words_fails_and_one_that_is_cut_or_refused_leaves_a_note() -> None:
    with pytest.raises(BadAnswer, match="was empty"):
        chat(Server(" \n"), messages=USER)
    with pytest.raises(InvalidRequest, match="before it said anything"):
        chat(Server("", finish_reason="length"), messages=USER)
    with pytest.raises(ModelRefused, match="content filter"):
        chat(Server("Well, ", finish_reason="content_filter"), messages=USER)
    output, call = chat(Server("Dear", finish_reason="length"), messages=USER)
    assert (output["text"], output["finish_reason"]) == ("Dear", "length")
    assert "cut off" in call.notes[-1]
    _, call = chat(Server(refusal="No."), messages=USER)
    assert call.notes[-1] == "The model refuses: No."


def test_thoughts_are_no_part_of_a_chat() -> None:
    output, _ = chat(Server("<think>Hm.</think>\n\nHi"), messages=USER)
    assert output["text"] == "Hi"


def test_a_refusal_is_told_in_the_models_words_and_not_asked_about_again() -> None:
    server = Server(finish_reason="stop", refusal="I cannot help with that.")
    with pytest.raises(InvalidRequest, match="refuses: I cannot help with that"):
        extract(server, messages=USER, schema=SCHEMA)
    assert len(server.asked) == 1
    output, _ = chat(Server(refusal="No."), messages=USER)
    assert (output["text"], output["finish_reason"]) == ("No.", "refusal")


@pytest.mark.parametrize(
    "schema",
    [pytest.param(None, id="none"), pytest.param({}, id="empty"), pytest.param({"type": "text"}, id="no schema")],
)
def test_without_a_usable_schema_nothing_is_asked(schema: Any) -> None:
    server = Server()
    with pytest.raises(InvalidRequest):
        extract(server, messages=USER, schema=schema)
    assert server.asked == []


def test_the_stand_in_answers_both_steps(standins: StandIns) -> None:
    endpoint = standins["openai"]
    settings = OpenAISettings(api_key=SecretStr(endpoint.token), base_url=endpoint.base_url)
    with http_client() as http:
        client = OpenAIClient(settings, http)
        messages = [{"role": "user", "content": "The app crashes when I press Save. Please fix it."}]
        model = client.models()[0]
        wanted = Extract.fields.model_validate({"messages": messages, "schema": SCHEMA, "model": model})
        assert Extract().call(Call(fields=wanted, client=client))["kind"] in {"bug", "task"}
        asked = Chat.fields.model_validate({"messages": messages, "model": model})
        assert ChatOutput.model_validate(Chat().call(Call(fields=asked, client=client))).text


@pytest.fixture(params=[Chat(), Extract()], ids=["chat", "extract"])
def step(request: pytest.FixtureRequest) -> Chat | Extract:
    found: Chat | Extract = request.param
    return found


def test_models_are_read_from(step: Chat | Extract) -> None:
    assert step.effect is Effect.READS
    assert step.timeout_seconds == 300


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        pytest.param({"schema": SCHEMA}, "prompt", id="neither prompt nor messages"),
        pytest.param({"prompt": "p@1", "messages": USER, "schema": SCHEMA}, "messages", id="both"),
        pytest.param(
            {"messages": USER, "variables": {"a": 1}, "schema": SCHEMA}, "variables", id="variables of messages"
        ),
    ],
)
def test_what_is_asked_must_be_clear(step: Chat | Extract, arguments: dict[str, Any], field: str) -> None:
    assert [place for place, _ in step.problems(arguments, {})] == [field]


@pytest.mark.parametrize(
    ("arguments", "prompts", "fields"),
    [
        pytest.param({"messages": USER}, {}, ["schema"], id="no schema"),
        pytest.param({"messages": USER, "schema": {"type": "text"}}, {}, ["schema"], id="no JSON Schema"),
        pytest.param({"prompt": "p@1"}, {"p@1": {}}, ["schema"], id="a prompt without one"),
        pytest.param({"prompt": "p@1"}, {"p@1": PROMPT}, [], id="a prompt with one"),
        pytest.param({"prompt": "p@1"}, {}, [], id="an unknown prompt is told elsewhere"),
        pytest.param({"messages": USER, "schema": SCHEMA}, {}, [], id="a right one"),
        pytest.param({"messages": "{{ x }}", "schema": "{{ y }}"}, {}, [], id="expressions"),
    ],
)
def test_extract_needs_a_schema(arguments: dict[str, Any], prompts: dict[str, Any], fields: list[str]) -> None:
    assert [place for place, _ in Extract().problems(arguments, prompts)] == fields


def test_the_shape_of_the_output_is_the_schema_with_free_text_marked() -> None:
    schema = Extract().output_schema({"prompt": "p@1"}, {"p@1": PROMPT})
    assert schema["properties"]["title"]["outside"] is True
    assert "outside" not in schema["properties"]["kind"]
    assert Extract().output_schema({"messages": USER}, {}) == {"outside": True}
    assert Chat().output_schema({}, {})["properties"]["text"]["outside"] is True


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"messages": [{"role": "king", "content": "x"}]}, id="a role that is none"),
        pytest.param({"messages": [{"role": "user"}]}, id="no content"),
        pytest.param({"messages": USER, "temperature": 3}, id="too hot"),
        pytest.param({"messages": USER, "max_tokens": 0}, id="no tokens"),
        pytest.param({"messages": USER, "colour": "x"}, id="an unknown field"),
    ],
)
def test_wrong_fields_are_refused(step: Chat | Extract, arguments: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        step.fields.model_validate(arguments)


def test_fields_have_their_roles() -> None:
    known = Extract.fields.model_json_schema()["properties"]
    assert {name: field["role"] for name, field in known.items()} == {
        "prompt": "instruction",
        "variables": "content",
        "messages": "content",
        "model": "destination",
        "fallback": "destination",
        "temperature": "option",
        "max_tokens": "option",
        "too_long": "option",
        "schema": "instruction",
    }
    parts = Extract.fields.model_json_schema()["$defs"]
    assert parts["Instruction"]["properties"]["content"]["role"] == "instruction"
    assert parts["Talk"]["properties"]["content"]["role"] == "content"
