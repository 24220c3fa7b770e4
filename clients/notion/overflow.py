"""Moves values that a Notion property cannot hold, being too long or too many, into the page's text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from clients.listing import Json
from clients.notion.values import Schema, property_name

TITLE_MOST = 2000
TEXT_MOST = 100_000
"""A list of 100 text objects, each with 1,000 characters that may count double."""
LIST_MOST = 100
OPTION_MOST = 100
_LONGEST: Mapping[str, int] = {"rich_text": TEXT_MOST, "url": 2000, "email": 200, "phone_number": 200}
"""developers.notion.com, request limits."""
_LISTS = frozenset({"multi_select", "people", "relation", "files"})
_SPECIAL = re.compile(r"([\\`*_~\[\]<>|$#])")
_HEAD = "**What the properties could not hold**"


def fitted(schema: Schema, values: Mapping[str, Any]) -> tuple[Json, Json]:
    """Split plain values into those that fit their properties, and the rest, both {property: value}."""
    taken: Json = {}
    rest: Json = {}
    for given, value in values.items():
        name = property_name(schema, given)
        taken[name], left = _parted(str(schema[name]["type"]), value)
        if left:
            rest[name] = left
    return taken, rest


def with_rest(markdown: str, rest: Mapping[str, Any]) -> str:
    """Append the values that did not fit to a page's text."""
    return "\n\n".join(text for text in (markdown, note(rest)) if text.strip())


def note(rest: Mapping[str, Any]) -> str:
    """Return Markdown that lists the values that did not fit, or ""."""
    lines = [f"- {_plain(name)}: {_plain(value)}" for name, left in rest.items() for value in _listed(left)]
    return "\n".join([_HEAD, *lines]) if lines else ""


def _parted(kind: str, value: Any) -> tuple[Any, Any]:
    if kind in _LISTS and isinstance(value, list):
        fits = [each for each in value if kind != "multi_select" or _is_option(each)]
        return fits[:LIST_MOST], [each for each in value if each not in fits] + fits[LIST_MOST:]
    if kind in {"select", "multi_select"} and not _is_option(value):
        return None, value
    if kind == "title" and isinstance(value, str) and len(value) > TITLE_MOST:
        return value[: TITLE_MOST - 1] + "…", value
    if isinstance(value, str) and len(value) > _LONGEST.get(kind, len(value)):
        return None, value
    return value, None


def _is_option(value: Any) -> bool:
    """Return whether a text can be an option's name; other values are refused later, with a better message."""
    return not isinstance(value, str) or (len(value) <= OPTION_MOST and "," not in value)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _plain(value: Any) -> str:
    """Return a text escaped for Markdown, on one line."""
    return "<br>".join(_SPECIAL.sub(r"\\\1", str(value)).splitlines())
