"""A field that every step may have, declared once beside its type in `StepModel` (step_model.py).

From the declaration come the JSON Schema of a step, the form in the panel of the canvas, the table in docs/steps.md,
and what the engine needs to know of each field without naming it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct
from pydantic import BaseModel, GetJsonSchemaHandler

from engine.base.json_text import JsonObject, JsonSchema
from engine.base.statuses import StepStatus

Section = Literal["about", "condition", "waiting", "repetition", "attempts", "time", "failure", "approval", "elsewhere"]
"""Where forms show a field; `elsewhere`: what is drawn, such as the steps of a group, or belongs to the step type."""


class StepField(Struct, frozen=True):
    """What a field of a step is for people, and what it means to the engine."""

    title: str
    """What forms call it."""
    description: str = ""
    """What it does: plain sentences for forms, programs and docs."""
    details: str = ""
    """Further sentences for docs alone, in Markdown."""
    section: Section = "about"
    widget: Literal["", "text"] = ""
    """How forms show it, if not as its type suggests; `text` has several lines."""
    takes_expressions: bool = False
    only_with: str = ""
    """The field without which it has no meaning."""
    is_of_loop: bool = False
    """Whether it belongs to the loop, rather than to the call that is repeated."""
    is_fixed: bool = False
    """Whether a run that has come to this step needs it unchanged, since another value may give another output."""
    is_fixed_after: tuple[StepStatus, ...] = ()
    """How the step has ended, or waits, if only then."""

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: GetJsonSchemaHandler) -> JsonObject:
        """Add to the JSON Schema of the field what forms need."""
        shown = {
            "title": self.title,
            "description": self.description,
            "section": self.section,
            "widget": self.widget,
            "takes_expressions": self.takes_expressions,
            "only_with": self.only_with,
        }
        return {**handler(core_schema), **{key: value for key, value in shown.items() if value}}


def declared_fields(model: type[BaseModel]) -> Mapping[str, StepField]:
    """Return the declarations of a model by the names of the fields in a file, in their order."""
    return {
        info.alias or name: declared
        for name, info in model.model_fields.items()
        for declared in info.metadata
        if isinstance(declared, StepField)
    }


def form_schema(model: type[BaseModel]) -> JsonSchema:
    """Return the JSON Schema of a model for forms: a field that is left out is not null, and no value is suggested."""
    whole = model.model_json_schema()
    inner = {name: _without_null(one) for name, one in whole["$defs"].items()}
    return {**inner[model.__name__], "$defs": inner}


def _without_null(schema: JsonSchema) -> JsonSchema:
    """Return the schema of an object whose optional fields have no alternative `null`."""
    return {**schema, "properties": {name: _given(one) for name, one in schema.get("properties", {}).items()}}


def _given(field: JsonSchema) -> JsonSchema:
    found = {key: value for key, value in field.items() if key != "examples" and (key, value) != ("default", None)}
    alternatives = [one for one in found.pop("anyOf", []) if one.get("type") != "null"]
    if len(alternatives) == 1:
        return {**alternatives[0], **found}
    return {**found, "anyOf": alternatives} if alternatives else found
