"""The step that calls any HTTP service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from clients.http import READS, Wanted
from engine.step import (
    Call,
    Effect,
    Fields,
    JsonValue,
    Output,
    Receipt,
    Repeat,
    StepType,
    content,
    destination,
    option,
    outside,
)

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


class RequestFields(Fields):
    """What `http.request` takes."""

    method: Method = option("Method", "GET")
    url: str = destination("Address", min_length=1)
    headers: dict[str, str] = option("Headers", {})
    query: dict[str, Any] = content("Query", {})
    json_body: Any = content("JSON body", None, alias="json")
    text: str | None = content("Text body", None, widget="text")
    idempotency_header: str = option("Header by which the service knows a repeat", "", pattern=r"^[A-Za-z0-9-]*$")


class RequestOutput(Output):
    """What the server answered."""

    status: int
    headers: dict[str, str] = outside("Headers")
    json_body: Any = outside("JSON", alias="json")
    text: str = outside("Text")
    url: str = outside("Address that answered")


class Request(StepType):
    """Call an HTTP service: GET and HEAD read, everything else writes."""

    name = "http.request"
    title = "Call an HTTP service"
    service = "http"
    connection_optional: ClassVar[bool] = True
    effect = Effect.WRITES
    repeat = Repeat.UNFINDABLE
    fields = RequestFields
    output = RequestOutput

    lasts = "How to take back what another service did is known there only."

    def effect_of(self, arguments: Mapping[str, JsonValue]) -> tuple[Effect, Repeat | None]:
        """A read only where the method stands there and is GET or HEAD; safe where the service knows a repeat."""
        if str(arguments.get("method", "GET")).upper() in READS:
            return Effect.READS, None
        return Effect.WRITES, Repeat.SAFE if arguments.get("idempotency_header") else Repeat.UNFINDABLE

    def call(self, call: Call) -> JsonValue:
        """Give {status, headers, json, text, url}."""
        fields: RequestFields = call.fields
        headers = dict(fields.headers)
        if fields.idempotency_header and call.marker:
            headers[fields.idempotency_header] = call.marker
        wanted = Wanted(fields.method, fields.url, headers, fields.query, fields.json_body, fields.text)
        return call.client.request(wanted)

    def target(self, fields: Any) -> str:
        """Writes to one host go one at a time."""
        try:
            return str(urlsplit(fields.url).netloc.lower())
        except ValueError:  # no address: the call itself says so
            return ""

    def receipt(self, output: JsonValue) -> Receipt:
        """The service's own address of what was made, where it says one."""
        return Receipt(id=str(output["status"]), url=str(output["headers"].get("location", "")))

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Mapping[str, Any]) -> list[tuple[str, str]]:
        """One body at most, and none where nothing is sent."""
        bodies = [name for name in ("json", "text") if arguments.get(name) is not None]
        if len(bodies) == 2:
            return [("text", "Give json or text, not both.")]
        if bodies and str(arguments.get("method", "GET")).upper() in READS:
            return [(bodies[0], "GET and HEAD send no body: use query, or another method.")]
        return []
