"""What a stranger typed into a field, as a value; or why it is invalid."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from typing import Literal

from msgspec import Struct

from engine.base.json_text import whole_text
from engine.forms.fields import FormField

Code = Literal[
    "required", "too_long", "email", "number", "digits", "date", "choice", "too_large", "empty_file", "unchecked"
]
Value = str | float | bool | None

_EMAIL = re.compile(  # as browsers check it (HTML, 4.10.5.1.5), with a domain of at least two names
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@"
    r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)+"
)
_DIGITS_MOST = 15  # before the point: a float keeps 15 digits of any number
_NUMBER = re.compile(rf"[+-]?[0-9]{{1,{_DIGITS_MOST}}}(?:[.,][0-9]{{1,9}})?")
_LONG_NUMBER = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that make a text read otherwise than it is written (UAX 9)."""
_LONGEST_NAME = 120


class InvalidValue(Struct, frozen=True):
    """Why a field was not accepted. `limit`: in characters, digits, or MB."""

    code: Code
    limit: int = 0


def typed(field: FormField, text: str) -> str:
    """Return a text as the form shows it again: valid Unicode, without control characters, and one line if it has one.

    A browser sends line ends as CR LF; nothing else may have them.
    """
    text = whole_text(text.replace("\0", "")).replace("\r\n", "\n").replace("\r", "\n")
    if field.type != "long_text":
        return _one_line(text)
    return "".join(one for one in text if one in "\n\t" or unicodedata.category(one) != "Cc").strip()


def _one_line(text: str) -> str:
    kept = (" " if one in "\n\t\u2028\u2029" else one for one in text if one not in _TURNS)
    return "".join(one for one in kept if unicodedata.category(one) != "Cc").strip()


def value_of(field: FormField, text: str) -> Value | InvalidValue:
    """Return the value of a field of any type but `file`, from what `typed` returned."""
    if field.type == "checkbox":
        return InvalidValue("unchecked") if field.required and not text else bool(text)
    if not text:
        return InvalidValue("required") if field.required else None if field.type == "number" else ""
    if len(text) > field.most_characters:
        return InvalidValue("too_long", field.most_characters)
    if field.type == "number":
        return _number(text)
    if field.type == "date":
        return text if _is_date(text) else InvalidValue("date")
    if field.type == "email":
        return text if _EMAIL.fullmatch(text) else InvalidValue("email")
    if field.type == "choice":
        return text if text in field.choices else InvalidValue("choice")
    return text


def _number(text: str) -> float | InvalidValue:
    if _NUMBER.fullmatch(text):
        return float(text.replace(",", "."))
    return InvalidValue("digits", _DIGITS_MOST) if _LONG_NUMBER.fullmatch(text) else InvalidValue("number")


def _is_date(text: str) -> bool:
    try:
        return _DATE.fullmatch(text) is not None and date.fromisoformat(text) is not None
    except ValueError:
        return False


def checked(fields: list[FormField], texts: Mapping[str, str]) -> tuple[dict[str, Value], dict[str, InvalidValue]]:
    """Return (values, what is wrong) of the fields that take no file; both by name."""
    found = {one.name: value_of(one, texts.get(one.name, "")) for one in fields if one.type != "file"}
    wrong = {name: one for name, one in found.items() if isinstance(one, InvalidValue)}
    return {name: one for name, one in found.items() if not isinstance(one, InvalidValue)}, wrong


def file_name(text: str) -> str:
    """Return the name of a file that a browser sends, without folders and without what nobody sees."""
    last = re.split(r"[/\\]", _one_line(whole_text(text)))[-1].strip(". ")
    stem, dot, ending = last.rpartition(".")
    name = f"{stem[: _LONGEST_NAME - 12]}.{ending}" if dot and len(ending) < 12 else last[:_LONGEST_NAME]
    return name or "file"


def media_type(text: str) -> str:
    """Return the media type that a browser names, without parameters."""
    found = text.partition(";")[0].strip().lower()
    return (
        found if re.fullmatch(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,60}", found) else "application/octet-stream"
    )
