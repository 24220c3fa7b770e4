"""The fields that a person fills in: what they are called, and their values as the step type takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from engine.base.errors import own_words
from engine.base.names import usable_name
from engine.copilot.wizard.records import FilledField
from engine.plugins.registry import step_type, trigger_type
from engine.plugins.step import fields_schema

_OWN = {
    "columns": FilledField(name="columns", title="Columns (Name=title, Mail=url)", is_optional=True),
    "folder": FilledField(name="folder", title="Folder"),
}
"""Places that no field of a step type is for."""


def place(name: str, uses: str, *, is_trigger: bool = False, is_optional: bool = False) -> FilledField:
    """Return a place with the title and the picker of the field of a step type or trigger."""
    schema = _field(name, uses, is_trigger=is_trigger)
    if schema is None:
        return _OWN[name]
    default = schema.get("default")
    return FilledField(
        name=name,
        title=str(schema.get("title", name)),
        format=str(schema.get("format", "")),
        default=default if isinstance(default, str) else "",
        is_list=_is_list(schema),
        is_optional=is_optional,
    )


def filled_in(places: Mapping[str, str], uses: str, *, is_trigger: bool = False) -> dict[str, Any]:
    """Return what a person has filled in as a step takes it: lists from texts with commas."""
    found: dict[str, Any] = {}
    for name, value in places.items():
        if not value.strip():
            continue
        if name == "columns":
            pairs = (one.partition("=") for one in value.split(",") if "=" in one)
            found[name] = {column.strip(): role.strip() for column, _, role in pairs}
            continue
        if _is_table(name, uses):
            found[name] = usable_name(value)
            continue
        schema = _field(name, uses, is_trigger=is_trigger)
        if schema is not None and _is_list(schema):
            found[name] = [one.strip() for one in value.split(",") if one.strip()]
        elif schema is not None or name in _OWN:
            found[name] = value.strip()
    return found


def misfit(name: str, value: object, uses: str, *, is_trigger: bool = False) -> str:
    """Return why a field of a step or trigger cannot have a value; empty if it can, or if there is no such field."""
    fields = (trigger_type(uses) if is_trigger else step_type(uses)).fields
    known = {one.alias or key: one for key, one in fields.model_fields.items()}
    if name not in known or "{{" in str(value):
        return ""
    if _is_table(name, uses) and not value:
        return "It has no letter from A to Z."
    try:
        fields.model_validate({name: value})
    except ValidationError as error:
        return next((f"{own_words(one)}." for one in error.errors() if one["loc"][:1] == (name,)), "")
    return ""


def maximum(name: str, uses: str) -> int:
    """Return the largest number that a field of a step type may have."""
    return int((_field(name, uses, is_trigger=False) or {})["maximum"])


def _is_table(name: str, uses: str) -> bool:
    return name == "table" and uses.startswith("store.")


def _field(name: str, uses: str, *, is_trigger: bool) -> Mapping[str, Any] | None:
    kind = trigger_type(uses) if is_trigger else step_type(uses)
    found = fields_schema(kind.fields).get("properties", {}).get(name)
    return found if isinstance(found, Mapping) else None


def _is_list(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "array" or any(_is_list(one) for one in schema.get("anyOf", ()))
