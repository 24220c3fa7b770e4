"""Questions to a Notion data source: plain filters and sorts in Notion's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clients.errors import InvalidRequest
from clients.notion_values import Json, Schema, property_name

_LISTS = frozenset({"multi_select", "people", "relation"})
_EQUALS = frozenset(
    {"title", "rich_text", "number", "select", "status", "date", "checkbox", "url", "email", "phone_number"}
)
_TIMESTAMPS = frozenset({"created_time", "last_edited_time"})


def filter_of(schema: Schema, asked: Mapping[str, Any]) -> Json | None:
    """Write a filter: {property: value} means that each is equal (lists contain it), None that it is empty.

    A filter in Notion's own form is taken as it is. Raises InvalidRequest for an unknown property.
    """
    if not asked:
        return None
    if is_notion_filter(asked):
        return dict(asked)
    conditions = [
        condition
        for name, value in asked.items()
        for condition in _conditions(schema, property_name(schema, name), value)
    ]
    return conditions[0] if len(conditions) == 1 else {"and": conditions}


def is_notion_filter(asked: Mapping[str, Any]) -> bool:
    """Tell Notion's own filters (`and`, `or`, `property`, `timestamp`) from plain ones."""
    compound = any(isinstance(asked.get(word), list) for word in ("and", "or"))
    named = any(isinstance(asked.get(word), str) for word in ("property", "timestamp"))
    return compound or (named and any(isinstance(value, dict) for value in asked.values()))


def _conditions(schema: Schema, name: str, value: Any) -> list[Json]:
    kind = str(schema[name]["type"])
    if kind not in _LISTS | _EQUALS:
        raise InvalidRequest(
            f"The property {name!r} is of type {kind}: give a filter in Notion's own form for it.", service="notion"
        )
    if value is None:
        test: Json = {"equals": False} if kind == "checkbox" else {"is_empty": True}
        return [{"property": name, kind: test}]
    if kind in _LISTS:
        values = value if isinstance(value, list) else [value]
        return [{"property": name, kind: {"contains": each}} for each in values]
    return [{"property": name, kind: {"equals": value}}]


def sorts_of(schema: Schema, asked: Sequence[str | Mapping[str, Any]]) -> list[Json]:
    """Write sorts: `"Due"` is ascending, `"-Due"` descending; `created_time` and `last_edited_time` work too."""
    return [dict(each) if isinstance(each, Mapping) else _sort(schema, each) for each in asked]


def _sort(schema: Schema, asked: str) -> Json:
    name = asked.removeprefix("-")
    direction = "descending" if asked.startswith("-") else "ascending"
    if name in _TIMESTAMPS and name not in schema:
        return {"timestamp": name, "direction": direction}
    return {"property": property_name(schema, name), "direction": direction}
