"""What only the client for the OpenAI API does (tests/clients/test_models.py: what every client of a model does)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from clients.errors import (
    BadAnswer,
    InvalidRequest,
)
from clients.models.words import asked_in_words
from clients.openai.client import OpenAIClient
from clients.openai.schema import is_strict, response_format
from clients.openai.service import OpenAISettings

if TYPE_CHECKING:
    from tests.clients.conftest import Scripted

HELLO = [{"role": "user", "content": "Hello"}]
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"kind": {"type": "string", "enum": ["bug", "task"]}},
    "required": ["kind"],
    "additionalProperties": False,
}


def client_of(url: str, http: httpx.Client, key: str = "sk-very-secret", model: str = "m") -> OpenAIClient:
    return OpenAIClient(OpenAISettings(api_key=SecretStr(key), base_url=url, model=model), http)


def completion(text: str | None = "Hi", **message: Any) -> dict[str, Any]:
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


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ValidationError):
        OpenAISettings.model_validate({"api_key": "x", "colour": "blue"})


@pytest.mark.parametrize(
    "body", [{}, [1], "Hello", {"choices": []}, {"choices": [{}]}, {"choices": [{"message": None}]}]
)
def test_an_answer_without_a_message_is_a_bad_answer(scripted: Scripted, http: httpx.Client, body: Any) -> None:
    scripted.then(200, body)
    with pytest.raises(BadAnswer):
        client_of(scripted.url, http).chat(HELLO)


def test_parameters_go_out_as_they_are(scripted: Scripted, http: httpx.Client) -> None:
    scripted.then(200, completion())
    client_of(scripted.url, http).chat(HELLO, parameters={"temperature": 0, "max_tokens": 9, "top_k": 3, "seed": None})
    sent = scripted.seen[0].json
    assert (sent["temperature"], sent["max_tokens"], sent["top_k"]) == (0, 9, 3)
    assert "seed" not in sent


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param('{"city": "Oslo"}', {"city": "Oslo"}, id="JSON text"),
        pytest.param("", {}, id="none"),
    ],
)
def test_tools_come_back_as_data(scripted: Scripted, http: httpx.Client, arguments: str, expected: Any) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": arguments}}
    scripted.then(200, completion(None, tool_calls=[call]))
    tool = {"type": "function", "function": {"name": "weather"}}
    answer = client_of(scripted.url, http).chat(HELLO, tools=[tool])
    assert answer["text"] == ""
    assert answer["tool_calls"] == [{"id": "c1", "name": "weather", "arguments": expected}]
    assert scripted.seen[0].json["tools"] == [tool]


@pytest.mark.parametrize("arguments", ["[1]", "{", '"x"'])
def test_arguments_that_are_no_object_are_a_bad_answer(scripted: Scripted, http: httpx.Client, arguments: str) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": arguments}}
    scripted.then(200, completion(None, tool_calls=[call]))
    with pytest.raises(BadAnswer, match="weather"):
        client_of(scripted.url, http).chat(HELLO)


def test_a_server_without_usage_or_model_is_understood(scripted: Scripted, http: httpx.Client) -> None:
    answer = completion()
    del answer["usage"], answer["model"]
    scripted.then(200, answer)
    given = client_of(scripted.url, http).chat(HELLO)
    assert given["usage"] == {"input_tokens": 0, "output_tokens": 0}
    assert given["model"] == "m"


def test_json_is_asked_for_by_schema_first(scripted: Scripted, http: httpx.Client) -> None:
    scripted.then(200, completion('{"kind": "bug"}'))
    client_of(scripted.url, http).chat_json(HELLO, SCHEMA)
    assert scripted.seen[0].json["response_format"] == response_format(SCHEMA)
    assert response_format(SCHEMA)["json_schema"]["strict"] is True


def test_a_server_that_refuses_schemas_gets_it_in_words_and_is_not_asked_again(
    scripted: Scripted, http: httpx.Client
) -> None:
    scripted.then(400, {"error": {"message": "response_format json_schema is not supported"}})
    scripted.then(200, completion('{"kind": "bug"}'))
    client = client_of(scripted.url, http)
    assert client.chat_json(HELLO, SCHEMA)["text"] == '{"kind": "bug"}'
    client.chat_json(HELLO, SCHEMA)
    formats = [seen.json["response_format"]["type"] for seen in scripted.seen]
    assert formats == ["json_schema", "json_object", "json_object"]
    assert "JSON Schema" in scripted.seen[1].json["messages"][0]["content"]


@pytest.mark.parametrize(
    "said",
    [
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
        "the request exceeds the available context size. try increasing the context size",
    ],
    ids=["OpenAI, vLLM", "llama.cpp"],
)
def test_a_text_that_is_too_long_for_the_model_is_asked_about_once(
    scripted: Scripted, http: httpx.Client, said: str
) -> None:
    scripted.then(400, {"error": {"message": said}})
    with pytest.raises(InvalidRequest, match="context") as refused:
        client_of(scripted.url, http).chat_json(HELLO, SCHEMA)
    assert len(scripted.seen) == 1
    assert refused.value.remedy.startswith("Give the model less text")


def test_a_request_that_is_wrong_anyway_stays_refused(scripted: Scripted, http: httpx.Client) -> None:
    scripted.then(400, {"error": {"message": "too long"}})
    with pytest.raises(InvalidRequest, match="too long"):
        client_of(scripted.url, http).chat_json(HELLO, SCHEMA)


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
