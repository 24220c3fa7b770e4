"""The step that calls any HTTP service: what it does to the world, what it sends, what it gives."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from clients.http.client import HttpClient
from clients.http.service import HttpSettings
from engine.plugins.step import Call, Effect, Repeat
from engine.steps.http import Request, RequestOutput

STEP = Request()


class Server(httpx.BaseTransport):
    """A server in this process that says back what it was asked."""

    def __init__(self) -> None:
        self.seen: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        return httpx.Response(201, json={"made": True}, headers={"Location": "https://api.example/things/7"})


def call_of(server: Server, **arguments: Any) -> Call:
    client = HttpClient(HttpSettings(), httpx.Client(transport=server))
    return Call(fields=STEP.fields.model_validate(arguments), client=client, marker="m" * 32)


@pytest.mark.parametrize(
    ("arguments", "effect", "repeat"),
    [
        pytest.param({}, Effect.READS, None, id="GET is the default"),
        pytest.param({"method": "GET"}, Effect.READS, None, id="GET"),
        pytest.param({"method": "HEAD"}, Effect.READS, None, id="HEAD"),
        pytest.param({"method": "POST"}, Effect.WRITES, Repeat.UNFINDABLE, id="POST"),
        pytest.param({"method": "DELETE"}, Effect.WRITES, Repeat.UNFINDABLE, id="DELETE"),
        pytest.param({"method": "{{ inputs.method }}"}, Effect.WRITES, Repeat.UNFINDABLE, id="not known before"),
        pytest.param({"method": "POST", "idempotency_header": ""}, Effect.WRITES, Repeat.UNFINDABLE, id="no header"),
        pytest.param(
            {"method": "POST", "idempotency_header": "Idempotency-Key"}, Effect.WRITES, Repeat.SAFE, id="safe"
        ),
    ],
)
def test_what_it_does_depends_on_the_method(arguments: dict[str, Any], effect: Effect, repeat: Repeat | None) -> None:
    assert STEP.effect_of(arguments) == (effect, repeat)


def test_a_write_carries_its_marker_where_a_header_is_named() -> None:
    server = Server()
    asked = call_of(
        server,
        method="POST",
        url="https://api.example/things",
        headers={"X-A": "1"},
        json={"a": [1]},
        idempotency_header="Idempotency-Key",
    )
    output = STEP.call(asked)
    sent = server.seen[0]
    assert (sent.headers["idempotency-key"], sent.headers["x-a"], json.loads(sent.content)) == (
        "m" * 32,
        "1",
        {"a": [1]},
    )
    assert (output["status"], output["json"]) == (201, {"made": True})
    assert RequestOutput.model_validate(output).model_dump(mode="json", by_alias=True) == output
    assert (STEP.receipt(output).id, STEP.receipt(output).url) == ("201", "https://api.example/things/7")


def test_a_read_carries_none() -> None:
    server = Server()
    STEP.call(call_of(server, url="https://api.example/x", query={"q": "a b"}))
    assert "m" * 32 not in str(server.seen[0].headers)
    assert str(server.seen[0].url) == "https://api.example/x?q=a+b"


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        pytest.param({"method": "POST", "json": {}, "text": ""}, "text", id="two bodies"),
        pytest.param({"method": "GET", "json": {}}, "json", id="a read with a body"),
        pytest.param({"text": "x"}, "text", id="the default method with a body"),
    ],
)
def test_a_body_must_make_sense(arguments: dict[str, Any], field: str) -> None:
    assert [place for place, _ in STEP.problems(arguments, {})] == [field]
    assert STEP.problems({"method": "POST", "json": {}}, {}) == []


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({}, id="no address"),
        pytest.param({"url": ""}, id="an empty one"),
        pytest.param({"url": "x", "method": "TRACE"}, id="an odd method"),
        pytest.param({"url": "x", "headers": {"a": 1}}, id="a number in a header"),
        pytest.param({"url": "x", "idempotency_header": "a: b"}, id="no header name"),
    ],
)
def test_wrong_fields_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        STEP.fields.model_validate(arguments)


def test_writes_to_one_host_go_one_at_a_time() -> None:
    assert STEP.target(STEP.fields.model_validate({"url": "https://API.example:444/x?y"})) == "api.example:444"
    assert STEP.target(STEP.fields.model_validate({"url": "http://["})) == ""


def test_where_it_goes_is_a_destination_and_what_comes_is_from_outside() -> None:
    fields = STEP.fields.model_json_schema()["properties"]
    assert fields["url"]["role"] == "destination"
    assert {name for name, field in fields.items() if field["role"] == "content"} == {
        "query",
        "json",
        "text",
        "form",
        "files",
        "file",
    }
    output = STEP.output_schema({}, {})["properties"]
    assert {name for name, field in output.items() if field.get("outside")} == {
        "headers",
        "json",
        "text",
        "url",
        "items",
        "left_out",
    }
