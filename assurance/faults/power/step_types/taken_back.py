"""A findable write to the scripted service that can be taken back."""

from __future__ import annotations

from typing import Any

from clients.http.request import WebRequest
from engine.plugins.registry import step_type
from engine.plugins.step import (
    Call,
    Effect,
    Fields,
    JsonValue,
    Output,
    Receipt,
    Repeat,
    StepType,
    Written,
    destination,
    outside,
)


class LendFields(Fields):
    """Where to add."""

    url: str = destination("Address", min_length=1)


class LendOutput(Output):
    """What was added."""

    id: str = outside("The thing that was made")


class Lend(StepType):
    """Make one thing in the scripted service, which can be taken back."""

    name = "counter.lend"
    title = "Lend"
    service = "http"
    effect = Effect.WRITES
    repeat = Repeat.FINDABLE
    fields = LendFields
    output = LendOutput
    undoes = "takes it back"
    done = "lent"

    def call(self, call: Call) -> JsonValue:
        """Send it, marked."""
        return step_type("counter.add").call(call)

    def find(self, call: Call) -> JsonValue | None:
        """Ask the service for the thing that bears the marker."""
        return step_type("counter.add").find(call)

    def receipt(self, output: JsonValue) -> Receipt:
        """The path of the thing."""
        return Receipt(id=str(output["id"]))

    def undo(self, call: Call, written: Written) -> None:
        """Make another thing, which takes it back; the same marker makes it once."""
        it: Any = call.fields
        call.client.request(WebRequest("POST", f"{it.url}/back", {"X-Marker": call.marker}))
