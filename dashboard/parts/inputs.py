"""A form from a JSON Schema: the right widget for each input."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import streamlit as st

from dashboard.parts.plain import plain
from dashboard.parts.times import viewer_zone
from engine.errors import InvalidInput
from engine.runs.acceptance import from_text

ABSENT = object()
"""Stands for an input that was left empty and is not sent."""

Choices = Callable[[str], Sequence[str]]
"""Gives what a picker offers for a format such as `github-repository`."""

_PICKERS = frozenset({"github-repository", "imap-folder", "notion-database"})
_LONG_TEXT = 300


@dataclass(frozen=True)
class _Field:
    """One input, as its widget needs it."""

    name: str
    schema: Mapping[str, Any]
    is_required: bool
    key: str

    @property
    def label(self) -> str:
        title = plain(str(self.schema.get("title") or self.name))
        return f"{title} :gray[(required)]" if self.is_required else title

    @property
    def help(self) -> str | None:
        text = self.schema.get("description")
        return plain(str(text)) if text else None

    @property
    def kind(self) -> str:
        kind = self.schema.get("type")
        return kind if isinstance(kind, str) else ""

    @property
    def is_wide(self) -> bool:
        return self.kind not in ("string", "integer", "number", "boolean") or self.is_long

    @property
    def is_long(self) -> bool:
        return self.format == "multiline" or self.schema.get("maxLength", 0) > _LONG_TEXT or "\n" in str(self.default)

    @property
    def format(self) -> str:
        return str(self.schema.get("format") or "")

    @property
    def default(self) -> Any:
        return self.schema.get("default")


def inputs_form(schema: Mapping[str, Any], key: str, choices: Choices) -> tuple[dict[str, Any], list[InvalidInput]]:
    """Show a widget for each property of `schema`; return the values, and what cannot be read.

    An input left empty is not sent. Whether values fit is the engine's to say. `key` tells two forms apart.
    """
    values: dict[str, Any] = {}
    errors: list[InvalidInput] = []
    for row in _rows(_fields(schema, key)):
        for field, column in zip(row, st.columns(len(row), gap="medium"), strict=True):
            try:
                with column:
                    value = _widget(field, choices)
            except InvalidInput as error:
                errors.append(error)
            else:
                if value is not ABSENT:
                    values[field.name] = value
    return values, errors


def _fields(schema: Mapping[str, Any], key: str) -> Iterator[_Field]:
    required = schema.get("required", [])
    for name, one in schema.get("properties", {}).items():
        yield _Field(name, _plain(one) if isinstance(one, Mapping) else {}, name in required, f"{key}-{name}")


def _plain(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema of what may also be null as that of the other: left empty, it is not sent."""
    others = [one for one in schema.get("anyOf", []) if one.get("type") != "null"]
    if len(others) != 1:
        return schema
    rest = {name: value for name, value in schema.items() if name != "anyOf" and (name, value) != ("default", None)}
    return {**others[0], **rest}


def _rows(fields: Iterable[_Field]) -> Iterator[list[_Field]]:
    """Put fields side by side in twos; one that needs room has a row of its own."""
    row: list[_Field] = []
    for field in fields:
        if row and (len(row) == 2 or field.is_wide or row[0].is_wide):
            yield row
            row = []
        row.append(field)
    if row:
        yield row


def _widget(field: _Field, choices: Choices) -> Any:
    if isinstance(field.schema.get("enum"), list):
        return _one_of(field, field.schema["enum"])
    if field.format in _PICKERS:
        return _picker(field, choices(field.format))
    if field.format in _BY_FORMAT and field.kind == "string":
        return _BY_FORMAT[field.format](field)
    return _BY_KIND.get(field.kind, _as_json)(field)


def _one_of(field: _Field, options: Sequence[Any]) -> Any:
    index = options.index(field.default) if field.default in options else (0 if field.is_required else None)
    value = st.selectbox(
        field.label, options, index, format_func=_shown, key=field.key, help=field.help, persist_state="session"
    )
    return ABSENT if value is None else value


def _shown(option: Any) -> str:
    return option if isinstance(option, str) else json.dumps(option, ensure_ascii=False)


def _picker(field: _Field, offered: Sequence[str]) -> Any:
    """Offer what the account has; anything else may be typed."""
    options = list(dict.fromkeys([*([field.default] if field.default else []), *offered]))
    value = st.selectbox(
        field.label,
        options,
        index=0 if field.default else None,
        key=field.key,
        help=field.help,
        accept_new_options=True,
        placeholder="Choose, or type a name",
        persist_state="session",
    )
    return value or ABSENT


def _text(field: _Field) -> Any:
    default = field.default if isinstance(field.default, str) else ""
    show = st.text_area if field.is_long else st.text_input
    value = str(show(field.label, default, key=field.key, help=field.help, persist_state="session"))
    return value if value or "default" in field.schema else ABSENT


def _integer(field: _Field) -> Any:
    return _number(field, int, 1)


def _float(field: _Field) -> Any:
    return _number(field, float, None)


def _number(field: _Field, cast: Callable[[Any], Any], step: int | None) -> Any:
    low, high = (None if limit is None else cast(limit) for limit in _limits(field))
    default = cast(field.default) if isinstance(field.default, int | float) else None
    fits = default is not None and (low is None or low <= default) and (high is None or default <= high)
    value = st.number_input(
        field.label,
        min_value=low,
        max_value=high,
        value=default if fits else None,
        step=step,
        key=field.key,
        help=field.help,
        persist_state="session",
    )
    return ABSENT if value is None else cast(value)


def _limits(field: _Field) -> tuple[Any, Any]:
    return field.schema.get("minimum"), field.schema.get("maximum")


def _boolean(field: _Field) -> Any:
    return st.toggle(field.label, bool(field.default), key=field.key, help=field.help, persist_state="session")


def _list(field: _Field) -> Any:
    items = field.schema.get("items")
    items = items if isinstance(items, Mapping) else {}
    default = field.default if isinstance(field.default, list) else []
    if isinstance(items.get("enum"), list):
        known = [one for one in default if one in items["enum"]]
        return st.multiselect(
            field.label, items["enum"], known, key=field.key, help=field.help, persist_state="session"
        )
    if items.get("type", "string") != "string":
        return _as_json(field)
    return st.multiselect(
        field.label,
        default,
        default,
        key=field.key,
        help=field.help,
        accept_new_options=True,
        placeholder="Type one and press Enter; empty for none",
        persist_state="session",
    )


def _as_json(field: _Field) -> Any:
    """Take what has no widget of its own as JSON."""
    default = json.dumps(field.default, ensure_ascii=False, indent=2) if "default" in field.schema else ""
    text = st.text_area(
        f"{field.label} :gray[(JSON)]", default, key=field.key, help=field.help, persist_state="session"
    )
    kind = field.kind or "any"
    return from_text(field.name, str(text), {"type": kind}) if str(text).strip() else ABSENT


def _date(field: _Field) -> Any:
    value = st.date_input(
        field.label, _moment(field, date.fromisoformat), key=field.key, help=field.help, persist_state="session"
    )
    return value.isoformat() if isinstance(value, date) else ABSENT


def _date_time(field: _Field) -> Any:
    default = _moment(field, datetime.fromisoformat)
    value = st.datetime_input(field.label, default, key=field.key, help=field.help, persist_state="session")
    if value is None:
        return ABSENT
    return (value if value.tzinfo else value.replace(tzinfo=viewer_zone())).isoformat()


def _moment(field: _Field, read: Callable[[str], Any]) -> Any:
    try:
        return read(field.default)
    except (TypeError, ValueError):
        return None


_BY_KIND: Mapping[str, Callable[[_Field], Any]] = {
    "string": _text,
    "integer": _integer,
    "number": _float,
    "boolean": _boolean,
    "array": _list,
}
_BY_FORMAT: Mapping[str, Callable[[_Field], Any]] = {"date": _date, "date-time": _date_time}
