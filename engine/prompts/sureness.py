"""How sure a model is of what it has chosen: a second question about each field of an answer with fixed choices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.plugins.step import JsonValue

UNSURE = "unsure"
"""The choice that means that a model cannot tell."""


def chosen_fields(schema: Any) -> dict[str, list[JsonValue]]:
    """Return the fields of an answer with two fixed choices (`enum`) or more, each with its choices."""
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    known = properties if isinstance(properties, Mapping) else {}
    choices = {name: one.get("enum") for name, one in known.items() if isinstance(one, Mapping)}
    return {name: found for name, found in choices.items() if isinstance(found, list) and len(found) > 1}
