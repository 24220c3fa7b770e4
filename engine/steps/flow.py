"""Steps that touch nothing outside: set values, check a condition, wait, ask a person, end the run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from pydantic import Field, field_validator, model_validator

from engine.base.clock import moment_with_offset, timestamp
from engine.base.errors import AssertionFailed
from engine.base.json_text import JsonSchema
from engine.plugins.step import (
    AskPerson,
    Call,
    Effect,
    Fields,
    JsonValue,
    Output,
    Prompts,
    Result,
    StepType,
    StopRun,
    WaitUntil,
    content,
    option,
    own,
)

LONGEST_WAIT = timedelta(days=366)


class SetFields(Fields):
    """The fields of `flow.set`."""

    values: dict[str, JsonValue] = content("Values by name")


class Set(StepType):
    """Name values for use in later steps."""

    name = "flow.set"
    title = "Set values"
    effect = Effect.PURE
    hands_on = frozenset({"values"})
    is_for_output = True
    fields = SetFields

    def call(self, call: Call) -> JsonValue:
        """Return the values unchanged."""
        return call.fields.values

    def output_schema(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> dict[str, JsonValue]:
        """Return a schema with the shape each value is written in; an expression may have any type."""
        values = arguments.get("values")
        if not isinstance(values, dict) or not values:
            return {}
        return {"type": "object", "properties": {name: _shape(value) for name, value in values.items()}}


def _shape(value: Any) -> JsonSchema:
    if isinstance(value, str):
        return {} if value.startswith("{{") and value.endswith("}}") else {"type": "string"}
    if isinstance(value, dict) and value:
        return {"type": "object", "properties": {name: _shape(inner) for name, inner in value.items()}}
    kinds: dict[type, JsonSchema] = {bool: {"type": "boolean"}, int: {"type": "integer"}, float: {"type": "number"}}
    return kinds.get(type(value), {})


class AssertFields(Fields):
    """The fields of `flow.assert`."""

    condition: bool = option("Must be true")
    message: str = content("Message if it is not", default="The condition is false.")


class AssertOutput(Output):
    """The output of `flow.assert`."""

    ok: bool = Field(default=True, title="Always true")


class Assert(StepType):
    """Stop with a message unless a condition is true."""

    name = "flow.assert"
    title = "Check a condition"
    effect = Effect.PURE
    fields = AssertFields
    output = AssertOutput

    def call(self, call: Call) -> JsonValue:
        """Return {ok: true}. Raises AssertionFailed with the step's message."""
        if not call.fields.condition:
            message = call.fields.message
            is_own = message != AssertFields.model_fields["message"].default  # then it says what to do
            raise AssertionFailed(message, remedy="" if is_own else "Check the values that the condition uses.")
        return {"ok": True}


class WaitFields(Fields):
    """The fields of `flow.wait`: exactly one of the two."""

    seconds: float | None = option("Seconds to wait", default=None, ge=0, le=LONGEST_WAIT.total_seconds())
    until: str | None = option("Wait until this time, with offset (RFC 3339)", default=None)

    @field_validator("until")
    @classmethod
    def _with_offset(cls, text: str | None) -> str | None:
        if text is not None:
            moment_with_offset(text)
        return text

    @model_validator(mode="after")
    def _one_of_two(self) -> WaitFields:
        if self.seconds is not None and self.until is not None:
            raise ValueError("takes 'seconds' or 'until', not both")
        return self


class WaitOutput(Output):
    """The output of `flow.wait`."""

    waited_until: str = own("Continued at (UTC)")


class WaitForTime(StepType):
    """Wait for seconds or days without using resources; a restart does not shorten the wait."""

    name = "flow.wait"
    title = "Wait"
    effect = Effect.PURE
    fields = WaitFields
    output = WaitOutput
    LONGEST: ClassVar[timedelta] = LONGEST_WAIT

    def call(self, call: Call) -> WaitUntil:
        """Return when to continue."""
        assert call.started_at is not None
        due = call.started_at + timedelta(seconds=call.fields.seconds or 0)
        if call.fields.until is not None:
            due = moment_with_offset(call.fields.until)
        return WaitUntil(due, {"waited_until": timestamp(due)})

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> list[tuple[str, str]]:
        """Require exactly one of the two fields."""
        if not {"seconds", "until"} & set(arguments):
            return [("seconds", "flow.wait needs `seconds` or `until`.")]
        return []


class FailFields(Fields):
    """The fields of `flow.fail`."""

    message: str = content("Message", min_length=1)


class Fail(StepType):
    """Fail with a message; `on_error` of the surrounding groups applies."""

    name = "flow.fail"
    title = "Fail"
    effect = Effect.PURE
    fields = FailFields

    def call(self, call: Call) -> Result:
        """Raise AssertionFailed with the message."""
        raise AssertionFailed(
            call.fields.message, remedy="The workflow itself reports this: check the steps before it."
        )


class StopFields(Fields):
    """The fields of `flow.stop`."""

    message: str = content("Why", "")
    outputs: dict[str, JsonValue] = content("Outputs of the run", {})


class Stop(StepType):
    """End the whole run successfully; steps already running in parallel may finish, no others start."""

    name = "flow.stop"
    title = "End the run"
    effect = Effect.PURE
    hands_on = frozenset({"outputs"})
    fields = StopFields

    def call(self, call: Call) -> Result:
        """Return the outcome of the run."""
        return StopRun(call.fields.outputs, call.fields.message)


class ApproveFields(Fields):
    """The fields of `flow.approve`."""

    message: str = content("Question", min_length=1)
    details: Any = content("Details for the person", None)


class ApproveOutput(Output):
    """The person's answer."""

    approved: bool = Field(title="False only if nobody answered in time, and the step's `on_expiry` is `continue`")
    by: str = own("Who")
    at: str = own("When (UTC)")
    comment: str = own("Their comment")


class Approve(StepType):
    """Wait until a person approves, however long it takes; a rejection fails the step."""

    name = "flow.approve"
    title = "Ask a person"
    effect = Effect.PURE
    fields = ApproveFields
    output = ApproveOutput

    def call(self, call: Call) -> Result:
        """Ask the question; the engine waits for the answer."""
        return AskPerson(call.fields.message, call.fields.details)
