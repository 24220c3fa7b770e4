"""JSON values for people: short ones on a line, long texts as text (a model's as Markdown), the rest as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import streamlit as st

from dashboard.base.language import number, t
from dashboard.base.plain import outside_code, plain
from dashboard.base.prose import is_simple, outside_answer
from dashboard.parts.unconfirmed import unconfirmed_mark
from engine.record.differences import is_reference, shown

_MOST_LETTERS = 12_000
_MOST_FIELDS = 16
_SHORT = 90


def shown_value(value: Any, answer: str = "", words: Mapping[str, str] = MappingProxyType({})) -> None:
    """Show a value; an object with few fields is shown field by field, each by its name or what `words` calls it.

    Texts are shown as they are; as Markdown, with a switch, if `answer` is the key of a model's answer on the page.
    Mails whose sender is not confirmed are marked.
    """
    unconfirmed_mark(value)
    if _has_fields(value):
        with st.container(gap="xsmall"):
            for name, one in value.items():
                _field(words.get(name, str(name)), one, answer and f"{answer}-{name}")
    elif isinstance(value, Mapping) and is_reference(value):
        st.markdown(plain(shown(value)))
    else:
        _long(value, answer)


def _has_fields(value: Any) -> bool:
    return isinstance(value, Mapping) and 0 < len(value) <= _MOST_FIELDS and not is_reference(value)


def _field(name: str, value: Any, answer: str) -> None:
    if _has_fields(value) and "." not in name:  # one level deep, so that long texts inside stay readable
        for inner, one in value.items():
            _field(f"{name}.{inner}", one, answer and f"{answer}-{inner}")
        return
    text = _one_line(value)
    if text is not None and not (answer and isinstance(value, str) and not is_simple(value)):
        st.markdown(f":gray[{plain(name)}]  {plain(text) or t(':gray[(empty)]')}")
        return
    if answer and isinstance(value, str):
        outside_answer(cut(value), answer, f":gray[{plain(name)}]")
        return
    st.markdown(f":gray[{plain(name)}]")
    _long(value)


def _long(value: Any, answer: str = "") -> None:
    if not isinstance(value, str):
        outside_code(cut(json_text(value)), "json")
    elif answer:
        outside_answer(cut(value), answer)
    else:
        outside_code(cut(value))


def _one_line(value: Any) -> str | None:
    """Return a value that fits on a line as text, else None; for a file, its name, size and type."""
    if isinstance(value, Mapping) and is_reference(value):
        return shown(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if len(text) > _SHORT or "\n" in text:
        return None
    return told_apart(text) if isinstance(value, str) else text


def told_apart(text: str, *words: str) -> str:
    """Return a text, in quotes if it could be taken for another value: "5" for a number, "null" for none.

    `words`: other texts to show in place of values.
    """
    if not text or (text.strip() and text.casefold() not in (t("(empty)"), *words) and not _is_json(text)):
        return text
    return json.dumps(text, ensure_ascii=False)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def json_text(value: Any) -> str:
    """Return a value as indented JSON."""
    return json.dumps(value, ensure_ascii=False, indent=2)


def cut(text: str, most: int = _MOST_LETTERS) -> str:
    """Return a text cut to a length that a page can show, with a note of what is left out."""
    if len(text) <= most:
        return text
    return f"{text[:most]}\n" + t(
        "… {count} more characters; the full text is in the run's JSON.", count=number(len(text) - most)
    )
