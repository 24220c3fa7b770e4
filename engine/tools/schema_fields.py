"""The fields of a tool: one for each property of the JSON Schema of its input."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, ConfigDict, Field, WithJsonSchema, create_model

from engine.base.json_text import JsonSchema
from engine.documents.schema_check import misfits
from engine.plugins.step import Fields, JsonValue, Role

_NONE: Mapping[str, tuple[Any, Any]] = {}


class ToolInputFields(Fields):
    """What a tool takes."""

    model_config = ConfigDict(protected_namespaces=())
    arguments: ClassVar[Mapping[str, str]] = {}
    """The name of each field that has another name as an argument of the tool."""
    defaults: ClassVar[frozenset[str]] = frozenset()

    def given(self) -> dict[str, JsonValue]:
        """Return the arguments that the step names, and those with a default."""
        names = [one for one in type(self).model_fields if one in self.model_fields_set or one in self.defaults]
        return {self.arguments.get(one, one): getattr(self, one) for one in names}


def is_field_name(name: str) -> bool:
    """Return whether a field may have the name of an argument."""
    return bool(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,62}", name)) and not hasattr(ToolInputFields, name)


def fields_of(
    schema: JsonSchema, roles: Mapping[str, str], role: Role, ready: Mapping[str, tuple[Any, Any]] = _NONE
) -> type[Fields]:
    """Return the fields for the properties of an object; `role` is for the ones not in `roles`.

    `ready` has the annotation and the field of each property that is not a plain value.
    """
    required = set(schema.get("required", []))
    properties = schema.get("properties", {})
    named: dict[str, Any] = {}
    others: dict[str, str] = {}
    for number, (name, one) in enumerate(properties.items()):
        if name in ready:
            named[name] = ready[name]
            continue
        # The names of pydantic's own attributes begin with `model_`, also the ones that a later release adds.
        field = name if is_field_name(name) and not name.startswith("model_") else f"argument_{number}"
        if field != name:
            others[field] = name
        default = ... if name in required else one.get("default")
        annotated = _annotated(name, one, roles.get(name, str(role)))
        named[field] = (annotated, Field(default, alias=None if field == name else name))
    made: type[ToolInputFields] = create_model("ToolFields", __base__=ToolInputFields, **named)
    made.arguments = others
    made.defaults = frozenset(one for one in named if "default" in properties[others.get(one, one)])
    return made


def _annotated(name: str, schema: JsonSchema, role: str) -> Any:
    shown = {"title": name.replace("_", " ").capitalize(), **schema, "role": role}
    return Annotated[Any, AfterValidator(_fitting(schema)), WithJsonSchema(shown)]


def _fitting(schema: JsonSchema) -> Callable[[Any], Any]:
    def fit(value: Any) -> Any:
        for misfit in misfits(value, schema):
            raise ValueError(misfit)
        return value

    return fit
