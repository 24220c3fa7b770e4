"""A form from a JSON Schema: the right widget for each input."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, BinaryIO

import streamlit as st

from dashboard.base import fields, session
from dashboard.base.language import t
from dashboard.base.plain import field_label, plain
from dashboard.parts.buttons import remove_button
from dashboard.parts.times import viewer_zone
from engine.base.errors import InvalidInput
from engine.base.run_file import WORKSPACE_FILE
from engine.base.services import pickers
from engine.record.acceptance import from_text

ABSENT = object()
"""The value of an input that was left empty and is not sent."""

Choices = Callable[[str], Sequence[str]]
"""Returns what a picker offers for a format such as `github-repository`."""
AddFile = Callable[[str, BinaryIO], str]
"""Stores a file of this name in the workspace, and returns its path."""

_LONG_TEXT = 300
_MOST_ENTRIES = 12
"""Entries of a list that are shown as fields; a longer list is shown as JSON."""
_FIELDS_AT_ONCE = 4
"""Fields of an entry that are always shown; the others can be opened."""


@dataclass(frozen=True)
class _Field:
    """One input, as its widget needs it."""

    name: str
    schema: Mapping[str, Any]
    is_required: bool
    key: str

    @property
    def label(self) -> str:
        title = field_label(str(self.schema.get("title") or self.name))
        return t("{title} (required)", title=title) if self.is_required else title

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

    @property
    def items(self) -> Mapping[str, Any]:
        items = self.schema.get("items")
        return items if isinstance(items, Mapping) else {}


def inputs_form(
    schema: Mapping[str, Any], key: str, choices: Choices, add_file: AddFile | None = None
) -> tuple[dict[str, Any], list[InvalidInput]]:
    """Show a widget for each property of `schema`; return the values, and the errors of those that cannot be read.

    An input left empty is not sent. The engine decides whether values are valid. `key` distinguishes two forms. Fields
    for files take new ones if there is `add_file`.
    """
    return _values((_with_own_key(one) for one in _fields(schema, key)), choices, add_file)


def _with_own_key(field: _Field) -> _Field:
    """Return a field with another key if its default has changed: a widget would still show the default before."""
    default, slot = json.dumps(field.default, sort_keys=True, default=str), f"first-default.{field.key}"
    first = session.draft(slot, "")
    if not first:
        session.keep_draft(slot, default)
    changed = hashlib.sha256(default.encode()).hexdigest()[:8]
    return field if first in ("", default) else replace(field, key=f"{field.key}-{changed}")


def _values(
    found: Iterable[_Field], choices: Choices, add_file: AddFile | None
) -> tuple[dict[str, Any], list[InvalidInput]]:
    values: dict[str, Any] = {}
    errors: list[InvalidInput] = []
    for row in _rows(found):
        for field, column in zip(row, st.columns(len(row), gap="medium"), strict=True):
            try:
                with column:
                    value = _widget(field, choices, add_file)
            except InvalidInput as error:
                errors.append(error)
            else:
                if value is not ABSENT:
                    values[field.name] = value
    return values, errors


def _fields(schema: Mapping[str, Any], key: str) -> Iterator[_Field]:
    required, shared = schema.get("required", []), schema.get("$defs", {})
    for name, one in schema.get("properties", {}).items():
        plain_one = _plain(resolved(one, shared)) if isinstance(one, Mapping) else {}
        yield _Field(name, plain_one, name in required, f"{key}-{name}")


def resolved(schema: Mapping[str, Any], shared: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a schema with what its `$ref` names in `$defs` in its place, and the same for the items of a list."""
    name = str(schema.get("$ref", "")).removeprefix("#/$defs/")
    if isinstance(shared.get(name), Mapping):
        schema = {**shared[name], **{key: one for key, one in schema.items() if key != "$ref"}}
    items = schema.get("items")
    if not isinstance(items, Mapping):
        return schema
    return {**schema, "items": {"$defs": shared, **resolved(items, shared)} if shared else items}


def with_defaults(schema: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a form that begins with these values."""
    properties = {
        name: {**one, "default": values[name]} if name in values else one
        for name, one in schema.get("properties", {}).items()
    }
    return {**schema, "properties": properties}


def _plain(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema without `null` as an alternative: an empty field is not sent."""
    others = [one for one in schema.get("anyOf", []) if one.get("type") != "null"]
    if len(others) != 1:
        return schema
    rest = {name: value for name, value in schema.items() if name != "anyOf" and (name, value) != ("default", None)}
    return {**others[0], **rest}


def _rows(found: Iterable[_Field]) -> Iterator[list[_Field]]:
    """Put fields side by side in pairs; a wide one has a row of its own."""
    row: list[_Field] = []
    for field in found:
        if row and (len(row) == 2 or field.is_wide or row[0].is_wide):
            yield row
            row = []
        row.append(field)
    if row:
        yield row


def _widget(field: _Field, choices: Choices, add_file: AddFile | None) -> Any:
    if isinstance(field.schema.get("enum"), list):
        return _one_of(field, field.schema["enum"])
    if field.format == WORKSPACE_FILE and field.kind == "string" and add_file is not None:
        return _file(field, choices(field.format), add_file)
    if field.format in pickers():
        return _picker(field, choices(field.format))
    if field.format in _BY_FORMAT and field.kind == "string":
        return _BY_FORMAT[field.format](field)
    if _has_entries(field):
        return _entries(field, choices, add_file)
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
    """Offer what the account has; anything else can be typed."""
    options = list(dict.fromkeys([*([field.default] if field.default else []), *offered]))
    value = st.selectbox(
        field.label,
        options,
        index=0 if field.default else None,
        key=field.key,
        help=field.help,
        accept_new_options=True,
        placeholder=t("Choose, or type a name"),
        persist_state="session",
    )
    return value or ABSENT


def _file(field: _Field, offered: Sequence[str], add_file: AddFile) -> Any:
    """Offer the files of the workspace, and a place to drop another one, which is chosen then."""
    above, place = st.container(), f"dropped.{field.key}"
    times = session.draft(place, 0)
    dropped = st.file_uploader(
        t("A file for {title}", title=field.label), key=f"{field.key}-drop-{times}", label_visibility="collapsed"
    )
    if dropped is not None:
        session.set_widget(field.key, add_file(dropped.name, dropped))
        session.keep_draft(place, times + 1)
        st.rerun()
    chosen = session.widget_value(field.key, None)
    with above:
        return _picker(field, [*([chosen] if chosen else []), *offered])


def _text(field: _Field) -> Any:
    default = field.default if isinstance(field.default, str) else ""
    show = fields.text_area if field.is_long else fields.text_input
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
    value = number(
        field.label,
        (low, high),
        default if fits else None,
        name=str(field.schema.get("title") or field.name),
        step=step,
        key=field.key,
        help=field.help,
        persist_state="session",
    )
    return ABSENT if value is None else cast(value)


def number(label: str, limits: tuple[Any, Any], value: Any, *, name: str = "", **how: Any) -> Any:
    """Show a field for a number and return it, or None if empty. Raises InvalidInput for a number outside the limits.

    If Streamlit knew the limits, it would silently go on with the previous number.
    """
    low, high = limits
    typed = st.number_input(label, value=value, **how)
    if typed is None or ((low is None or low <= typed) and (high is None or typed <= high)):
        return typed
    allowed = (
        t("at least {low}", low=low)
        if high is None
        else t("at most {high}", high=high)
        if low is None
        else t("between {low} and {high}", low=low, high=high)
    )
    raise InvalidInput(
        t("{name}: {typed} is not {allowed}.", name=name or label, typed=typed, allowed=allowed),
        remedy=t("Enter another number."),
    )


def _limits(field: _Field) -> tuple[Any, Any]:
    return field.schema.get("minimum"), field.schema.get("maximum")


def _boolean(field: _Field) -> Any:
    return st.toggle(field.label, bool(field.default), key=field.key, help=field.help, persist_state="session")


def _list(field: _Field) -> Any:
    items = field.items
    default = field.default if isinstance(field.default, list) else []
    if isinstance(items.get("enum"), list):
        known = [one for one in default if one in items["enum"]]
        return st.multiselect(
            field.label, items["enum"], known, key=field.key, help=field.help, persist_state="session"
        )
    if items.get("type", "string") != "string" or "$ref" in items:
        return _as_json(field)
    return st.multiselect(
        field.label,
        default,
        default,
        key=field.key,
        help=field.help,
        accept_new_options=True,
        placeholder=t("Type one and press Enter")
        if field.is_required
        else t("Type one and press Enter, or leave this empty"),
        persist_state="session",
    )


def _has_entries(field: _Field) -> bool:
    """Return whether an input is a list of objects with known members, and short enough to be shown as fields."""
    if field.kind != "array" or not field.items.get("properties"):
        return False
    default = field.default if isinstance(field.default, list) else []
    known = field.items["properties"].keys()
    return len(default) <= _MOST_ENTRIES and all(isinstance(one, Mapping) and one.keys() <= known for one in default)


def _entries(field: _Field, choices: Choices, add_file: AddFile | None) -> Any:
    """Show the fields of each entry of a list of objects, and buttons to add and remove entries."""
    default = field.default if isinstance(field.default, list) else []
    first = max(len(default), 1 if field.is_required else 0)
    # A number is not used again: the widgets of a removed entry may still have their values.
    numbers, free = session.draft(f"entries.{field.key}", (list(range(first)), first))
    st.markdown(field.label, help=field.help)
    values: list[Any] = []
    errors: list[InvalidInput] = []
    for place, number_ in enumerate(numbers, 1):
        given = default[number_] if number_ < len(default) else {}
        with st.container(border=True, key=f"{field.key}-entry-{number_}"):
            _entry_top(field, number_, place, ([one for one in numbers if one != number_], free))
            value, unreadable = _entry(with_defaults(field.items, given), f"{field.key}-{number_}", choices, add_file)
        values.append(value)
        errors += unreadable
    _add_entry(field, ([*numbers, free], free + 1))
    if errors:
        raise errors[0]
    return values if values or "default" in field.schema else ABSENT


def _add_entry(field: _Field, more: tuple[list[int], int]) -> None:
    st.button(
        t("Add an entry"),
        key=f"{field.key}-add",
        icon=":material/add:",
        on_click=session.keep_draft,
        args=(f"entries.{field.key}", more),
    )


def _entry_top(field: _Field, number_: int, place: int, without: tuple[list[int], int]) -> None:
    """Show which entry it is, and the button that removes it."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.caption(t("Entry {number}", number=place))
        remove_button(f"{field.key}-remove-{number_}", f"entries.{field.key}", without)


def _entry(
    schema: Mapping[str, Any], key: str, choices: Choices, add_file: AddFile | None
) -> tuple[dict[str, Any], list[InvalidInput]]:
    """Show the fields of one entry: the first ones and all required ones at once, the others when opened."""
    found = list(_fields(schema, key))
    shown = [one for place, one in enumerate(found) if place < _FIELDS_AT_ONCE or one.is_required]
    values, errors = _values(shown, choices, add_file)
    rest = [one for one in found if one not in shown]
    if rest:
        with st.expander(t("More: {names}", names=", ".join(one.label for one in rest))):
            others, unreadable = _values(rest, choices, add_file)
        values, errors = values | others, errors + unreadable
    return values, errors


def _as_json(field: _Field) -> Any:
    """Read an input without a widget of its own as JSON."""
    default = json.dumps(field.default, ensure_ascii=False, indent=2) if "default" in field.schema else ""
    text = fields.text_area(
        f"{field.label} (JSON)",
        default,
        key=field.key,
        help=field.help,
        persist_state="session",
        placeholder=_example(field),
    )
    kind = field.kind or "any"
    return from_text(field.name, str(text), {"type": kind}) if str(text).strip() else ABSENT


def _example(field: _Field) -> str | None:
    """Return what the empty field for a list of objects shows."""
    is_of_objects = field.kind == "array" and (field.items.get("type") == "object" or "$ref" in field.items)
    return t("For example: {example}", example='[{"name": "Bonn", "count": 2}]') if is_of_objects else None


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
