"""Moves values that a Notion property cannot hold, being too long or too many, into the page's text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from clients.limits.text_limit import TextLimit, fits, shortened
from clients.listing import Json
from clients.notion.service import TITLE
from clients.notion.values import Schema, property_name

TEXT_MOST = 100_000
"""A list of 100 text objects, each with 1,000 characters that may count double."""
LIST_MOST = 100
OPTION_MOST = 100
_TEXTS: Mapping[str, TextLimit] = {
    "rich_text": TextLimit(TEXT_MOST),
    "url": TextLimit(2000),
    "email": TextLimit(200),
    "phone_number": TextLimit(200),
}
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


def told(schema: Schema, rest: Mapping[str, Any]) -> list[str]:
    """Return what became of the values that did not fit, in sentences."""
    return [f"{name}: {_told(str(schema[name]['type']))}; all of it is in the text of the page." for name in rest]


def titled(title: str, markdown: str) -> tuple[str, str, list[str]]:
    """Return a fitting title and text of a page without other properties, and sentences about changes."""
    if fits(title, TITLE):
        return title, markdown, []
    schema: Schema = {"title": {"type": "title"}}
    values, rest = fitted(schema, {"title": title})
    return values["title"], with_rest(markdown, rest), told(schema, rest)


def may_overflow(title: str, values: Mapping[str, Any]) -> bool:
    """Return whether the schema must be read to know that all values fit."""
    return not fits(title, TITLE) or any(_may_overflow(value) for value in values.values())


def _may_overflow(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) > LIST_MOST or any(map(_may_overflow, value))
    return isinstance(value, str) and not _is_option(value)


def _told(kind: str) -> str:
    if kind == "title":
        return "shortened"
    return "some values are left out" if kind in _LISTS else "too long, left empty"


def _parted(kind: str, value: Any) -> tuple[Any, Any]:
    if kind in _LISTS and isinstance(value, list):
        kept = [each for each in value if kind != "multi_select" or _is_option(each)]
        return kept[:LIST_MOST], [each for each in value if each not in kept] + kept[LIST_MOST:]
    if kind in {"select", "multi_select"} and not _is_option(value):
        return None, value
    if kind == "title" and isinstance(value, str) and not fits(value, TITLE):
        return shortened(value, TITLE), value
    if isinstance(value, str) and kind in _TEXTS and not fits(value, _TEXTS[kind]):
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
