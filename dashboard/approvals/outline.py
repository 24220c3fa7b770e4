"""What a question is about, as an outline that a person reads: fields, lists as bullets, long texts as they are."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any

import streamlit as st

from dashboard.base.language import t
from dashboard.base.plain import outside_code, plain
from dashboard.parts.values import cut, json_text, shown_value, told_apart
from engine.record.differences import is_reference, shown

_MOST_LETTERS = 100_000
_MOST_PARTS = 400
_MOST_DEPTH = 6
_DEEPEST_TEXT = 3
_LONG = 300
_INDENT = "  "


@dataclass(frozen=True)
class OutlineLine:
    """A line of the outline, as Markdown in which values are literal."""

    markdown: str
    depth: int
    """0: a paragraph; more: a bullet."""


@dataclass(frozen=True)
class OutlineText:
    """A text with several lines, or a long one."""

    text: str


def shown_outline(value: Any) -> None:
    """Show a value as an outline, with its JSON behind a button; if it is too large, show only the JSON."""
    if not _is_nested(value) or not _is_readable(value):
        shown_value(value)
        return
    with st.container(gap="xsmall"):
        for _, parts in groupby(outline(value), type):
            found = list(parts)
            if lines := [one for one in found if isinstance(one, OutlineLine)]:
                st.markdown(_markdown(lines))
            for one in found:
                if isinstance(one, OutlineText):
                    outside_code(cut(one.text))
    with st.expander(t("As JSON"), icon=":material/data_object:"):
        outside_code(json_text(value), "json")


def outline(value: Any, depth: int = 0) -> Iterator[OutlineLine | OutlineText]:
    """Yield the parts of an object, of a list or of a long text."""
    if depth > _MOST_DEPTH:
        yield OutlineText(json_text(value))
    elif isinstance(value, Mapping):
        for name, one in value.items():
            yield from _named(_label(name), one, depth)
    elif isinstance(value, list):
        for number, one in enumerate(value, 1):
            yield from _item(number, one, max(1, depth))
    else:
        yield OutlineText(str(value))


def _named(label: str, value: Any, depth: int) -> Iterator[OutlineLine | OutlineText]:
    short = _short(value)
    yield OutlineLine(label if short is None else f"{label}  {short}", depth)
    if short is None:
        yield from outline(value, depth + 1)


def _item(number: int, value: Any, depth: int) -> Iterator[OutlineLine | OutlineText]:
    """Yield the parts of an item of a list; the short fields of an object are one line, the others are below it."""
    if not isinstance(value, Mapping) or not value or is_reference(value):
        short = _short(value)
        yield from [OutlineLine(short, depth)] if short is not None else _named(_label(str(number)), value, depth)
        return
    shorts = {name: short for name, one in value.items() if (short := _short(one)) is not None}
    yield OutlineLine(
        " · ".join(f"{_label(name)} {short}" for name, short in shorts.items()) or _label(str(number)), depth
    )
    for name, one in value.items():
        if name not in shorts:
            yield from _named(_label(name), one, depth + 1)


def _short(value: Any) -> str | None:
    """Return a value as Markdown if it fits on a line, else None."""
    if isinstance(value, Mapping) and is_reference(value):
        return plain(shown(value))
    if value == "":
        return t(":gray[(empty)]")
    if isinstance(value, bool):
        return t("yes") if value else t("no")
    if isinstance(value, str):
        is_short = len(value) <= _LONG and "\n" not in value.strip()
        return plain(told_apart(value, t("yes"), t("no"))) if is_short else None
    return None if isinstance(value, (Mapping, list)) and value else plain(json.dumps(value))


def _label(name: str) -> str:
    return f":gray[{plain(name.replace('_', ' '))}:]"


def _markdown(lines: Iterable[OutlineLine]) -> str:
    """Return lines as paragraphs, and as bullets where they are indented."""
    text, before = "", 0
    for one in lines:
        depth = min(one.depth, before + 1)  # more would be code in Markdown
        bullet = f"{_INDENT * (depth - 1)}- " if depth else ""
        text += ("\n" if before and depth else "\n\n") + bullet + one.markdown
        before = depth
    return text.strip("\n")


def _is_nested(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(isinstance(one, (Mapping, list)) and not _short(one) for one in value.values())
    return isinstance(value, list)


def _has_deep_text(value: Any, depth: int = 0) -> bool:
    """Return whether a text of several lines lies so deep that what follows it could be taken for an outer field."""
    if isinstance(value, str):
        return depth > _DEEPEST_TEXT and _short(value) is None
    inside = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return any(_has_deep_text(one, depth + 1) for one in inside)


def _is_readable(value: Any) -> bool:
    if len(json_text(value)) > _MOST_LETTERS or _has_deep_text(value):
        return False
    return len(list(islice(outline(value), _MOST_PARTS + 1))) <= _MOST_PARTS
