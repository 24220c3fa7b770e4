"""A findable write to the scripted service: it joins the engine's own step types while these tests run."""

from __future__ import annotations

from urllib.parse import urlsplit

from clients.http.request import WebRequest
from engine.plugins.step import Call, Effect, Fields, JsonValue, Output, Receipt, Repeat, StepType, destination, outside

MARKER = "X-Marker"


class AddFields(Fields):
    """Where to add."""

    url: str = destination("Address", min_length=1)


class AddOutput(Output):
    """What was added."""

    id: str = outside("The thing that was made")


class Add(StepType):
    """Make one thing in the scripted service."""

    name = "counter.add"
    title = "Add"
    service = "http"
    effect = Effect.WRITES
    repeat = Repeat.FINDABLE
    fields = AddFields
    output = AddOutput

    def call(self, call: Call) -> JsonValue:
        """Send it, marked."""
        answer = call.client.request(WebRequest("POST", call.fields.url, {MARKER: call.marker}))
        return {"id": answer["json"]["path"]}

    def find(self, call: Call) -> JsonValue | None:
        """Ask the service for the thing that bears the marker."""
        parts = urlsplit(call.fields.url)
        answer = call.client.request(WebRequest("GET", f"{parts.scheme}://{parts.netloc}/find/{call.marker}"))
        found = answer["json"]["path"]
        return {"id": found} if found else None

    def receipt(self, output: JsonValue) -> Receipt:
        """The path of the thing."""
        return Receipt(id=str(output["id"]))
