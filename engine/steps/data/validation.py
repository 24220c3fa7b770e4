"""Steps that check data against a JSON Schema: report what is wrong, stop, or sort good items from bad ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ConfigDict

from clients.errors import InvalidRequest
from clients.wording import counted
from engine.base.errors import AssertionFailed
from engine.base.json_text import JsonSchema
from engine.documents.schema_check import SchemaViolation, is_usable, placed_misfits
from engine.plugins.step import (
    Call,
    Effect,
    Fields,
    JsonValue,
    Output,
    Prompts,
    StepType,
    content,
    instruction,
    option,
)
from engine.prompts.model_answers import schema_problem

ERRORS_MOST = 1_000
_SHOWN = 5


class SchemaFields(Fields):
    """A schema, as JSON Schema 2020-12; what `model_json_schema()` of a pydantic model gives works as it is."""

    model_config = ConfigDict(populate_by_name=True)

    expected: dict[str, JsonValue] = instruction("JSON Schema", alias="schema")


class ValidateFields(SchemaFields):
    """The fields of `data.validate`."""

    data: JsonValue = content("Data")
    fail: bool = option("Stop if the data is not valid", default=False)


class DataError(Output):
    """One violation of the schema."""

    path: str
    """Where, such as `items[2].total`; empty: the value as a whole."""
    message: str


class ValidateOutput(Output):
    """The output of `data.validate`."""

    valid: bool
    errors: list[DataError]


class SplitFields(SchemaFields):
    """The fields of `data.split`."""

    items: list[JsonValue] = content("Items")


class SchemaStep(StepType):
    """Base of the steps with a schema."""

    effect = Effect.PURE
    heavy = True

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> list[tuple[str, str]]:
        """Require a schema that can be used."""
        schema = arguments.get("schema")
        wrong = schema_problem(schema) if isinstance(schema, dict) else ""
        return [("schema", wrong)] if wrong else []


class Validate(SchemaStep):
    """Check data against a JSON Schema, and list every error with its place (at most 1,000)."""

    name = "data.validate"
    title = "Check data"
    fields = ValidateFields
    output = ValidateOutput

    def call(self, call: Call) -> JsonValue:
        """Return {valid, errors}. Raises AssertionFailed with `fail`, InvalidRequest if the check has no end."""
        errors = _errors(call.fields.data, call.fields.expected)
        if errors and call.fields.fail:
            raise AssertionFailed(_summary(errors), remedy="Correct the data, or the schema of the step.")
        return {"valid": not errors, "errors": errors}


class Split(SchemaStep):
    """Check each item of a list: `good` has the valid items, `bad` the others with their positions and errors."""

    name = "data.split"
    title = "Sort out invalid items"
    is_for_output = True
    fields = SplitFields

    def call(self, call: Call) -> JsonValue:
        """Return {good, bad}."""
        good: list[JsonValue] = []
        bad: list[JsonValue] = []
        for index, item in enumerate(call.fields.items):
            if errors := _errors(item, call.fields.expected):
                bad.append({"index": index, "item": item, "errors": errors})
            else:
                good.append(item)
        return {"good": good, "bad": bad}

    def output_schema(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> dict[str, JsonValue]:
        """Return a schema in which the good items have the step's own."""
        schema = arguments.get("schema")
        own = dict(schema) if is_usable(schema) and isinstance(schema, Mapping) else {}
        shared = {"$defs": own.pop("$defs")} if "$defs" in own else {}
        good = {"type": "array", "items": own if _is_movable(own) else {}}
        return {
            "type": "object",
            "properties": {"good": good, "bad": {"type": "array", "items": _BAD}},
            "required": ["good", "bad"],
            **shared,
        }


_ERRORS: JsonSchema = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"path": {"type": "string"}, "message": {"type": "string"}},
        "required": ["path", "message"],
    },
}
_BAD: JsonSchema = {
    "type": "object",
    "properties": {"index": {"type": "integer"}, "item": {}, "errors": _ERRORS},
    "required": ["index", "item", "errors"],
}


def _is_movable(part: Any) -> bool:
    """Return whether all references of a schema still work inside another schema: the ones to its `$defs` do."""
    if isinstance(part, Mapping):
        leads = str(part.get("$ref", "#/$defs/")).startswith("#/$defs/") and "$dynamicRef" not in part
        return leads and all(_is_movable(inner) for inner in part.values())
    return all(_is_movable(inner) for inner in part) if isinstance(part, list) else True


def _errors(data: JsonValue, schema: JsonSchema) -> list[dict[str, JsonValue]]:
    found: Sequence[SchemaViolation] = list(placed_misfits(data, schema, ERRORS_MOST))
    for misfit in found:
        if not misfit.is_checked:
            raise InvalidRequest(f"The data was not checked. {misfit.message}")
    return [{"path": misfit.place, "message": misfit.message} for misfit in found]


def _summary(errors: Sequence[Mapping[str, JsonValue]]) -> str:
    shown = "; ".join(f"{one['path'] or 'the data'}: {one['message'].rstrip('.')}" for one in errors[:_SHOWN])
    more = f"; and {len(errors) - _SHOWN} more" if len(errors) > _SHOWN else ""
    return f"The data has {counted(len(errors), 'error')}: {shown}{more}."
