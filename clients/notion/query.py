"""Filters and sorts of a database: plain values are converted to Notion's form by the type of each property."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from clients.errors import InvalidRequest
from clients.listing import Json
from clients.notion.values import Schema, check_status, property_name, zoned
from clients.wording import guess

IdOf = Callable[[Mapping[str, Any], str], str]
"""Resolves a name in a property of type people or relation to an id: (the property, the name) -> id."""

_TIMESTAMPS = frozenset({"created_time", "last_edited_time"})
_EMPTY = frozenset({"is_empty", "is_not_empty"})
_TEXT = ("equals", "does_not_equal", "contains", "does_not_contain", "starts_with", "ends_with")
_NUMBER = (
    "equals",
    "does_not_equal",
    "greater_than",
    "less_than",
    "greater_than_or_equal_to",
    "less_than_or_equal_to",
)
_DATE = ("equals", "before", "after", "on_or_before", "on_or_after")
_SPANS = ("past_week", "past_month", "past_year", "this_week", "next_week", "next_month", "next_year")
_OPTION = ("equals", "does_not_equal")
_LIST = ("contains", "does_not_contain")
_CONDITIONS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("title", "rich_text", "url", "email", "phone_number"), _TEXT),
    **dict.fromkeys(("number", "unique_id"), _NUMBER),
    **dict.fromkeys(("date", *_TIMESTAMPS), _DATE + _SPANS),
    **dict.fromkeys(("select", "status", "checkbox"), _OPTION),
    **dict.fromkeys(("multi_select", "people", "relation", "created_by", "last_edited_by"), _LIST),
    "files": (),
}
"""The conditions of each property type (developers.notion.com, filter data source entries); `is_empty` for all."""
_SIGNS: Mapping[str, tuple[str, ...]] = {
    "=": ("equals", "contains"),
    "!=": ("does_not_equal", "does_not_contain"),
    ">": ("greater_than", "after"),
    "<": ("less_than", "before"),
    ">=": ("greater_than_or_equal_to", "on_or_after"),
    "<=": ("less_than_or_equal_to", "on_or_before"),
}
"""What an operator maps to: the first of these that the type supports."""


def filter_of(schema: Schema, asked: Mapping[str, Any], id_of: IdOf | None = None, zone: str = "UTC") -> Json | None:
    """Return a filter: {property: value} tests equality (for lists: contains), None tests for empty.

    {property: {condition: value}} tests something else: `=`, `!=`, `<`, `<=`, `>`, `>=` or one of Notion's conditions,
    such as `contains`; a time without a zone is one of `zone`. A filter in Notion's own form is used as it is. Raises
    InvalidRequest for an unknown property or condition.
    """
    if not asked:
        return None
    if is_notion_filter(asked):
        return dict(asked)
    conditions = [condition for name, value in asked.items() for condition in _of_one(schema, name, value, id_of, zone)]
    return conditions[0] if len(conditions) == 1 else {"and": conditions}


def is_notion_filter(asked: Mapping[str, Any]) -> bool:
    """Return whether this is a filter in Notion's own form (`and`, `or`, `property`, `timestamp`)."""
    compound = any(isinstance(asked.get(word), list) for word in ("and", "or"))
    named = any(isinstance(asked.get(word), str) for word in ("property", "timestamp"))
    return compound or (named and any(isinstance(value, dict) for value in asked.values()))


def _of_one(schema: Schema, given: str, value: Any, id_of: IdOf | None, zone: str) -> Iterator[Json]:
    """Yield the conditions for one property."""
    if given in _TIMESTAMPS and given not in schema:
        name, described = given, {"type": given}
    else:
        name = property_name(schema, given)
        described = dict(schema[name])
    kind = str(described["type"])
    if kind == "formula":
        kind = _kind_of_formula(value)
        yield from ({"property": name, "formula": {kind: test}} for test in _tests(name, _FORMULAS[kind], value))
        return
    tests = _tests(name, kind, value)
    if kind == "date" or kind in _TIMESTAMPS:
        tests = [{word: zoned(moment, zone) for word, moment in test.items()} for test in tests]
    for test in tests:
        _check_options(described, name, test)
    if id_of and kind in {"people", "relation"}:
        tests = [
            {word: id_of(described, one) if word not in _EMPTY else one for word, one in test.items()} for test in tests
        ]
    head = {"timestamp": kind} if kind in _TIMESTAMPS else {"property": name}
    yield from ({**head, kind: test} for test in tests)


def _check_options(described: Mapping[str, Any], name: str, test: Json) -> None:
    """Refuse an unknown option: Notion would silently find nothing.

    A select gains options as they are written, so an unknown one may be valid, unless it differs only in letter case.
    """
    asked = [value for word, value in test.items() if word not in _EMPTY and isinstance(value, str)]
    kind = str(described["type"])
    options = [str(option["name"]) for option in (described.get(kind) or {}).get("options", ())]
    for value in asked if options else ():
        if kind == "status":
            check_status(described, name, value)
        meant = [one for one in options if one.strip().casefold() == value.strip().casefold()]
        if meant and value not in options:
            said = f"The property {name!r} has no option {value!r}. Did you mean {meant[0]!r}?"
            raise InvalidRequest(said, service="notion", remedy=f"Its options are: {', '.join(options)}.")


_FORMULAS: Mapping[str, str] = {"string": "rich_text", "number": "number", "checkbox": "checkbox", "date": "date"}


def _kind_of_formula(value: Any) -> str:
    """Return a formula's type, from the value it is compared with."""
    plain = next(iter(value.values()), None) if isinstance(value, dict) else value
    if isinstance(plain, bool):
        return "checkbox"
    return "number" if isinstance(plain, int | float) else "string"


def _tests(name: str, kind: str, value: Any) -> list[Json]:
    """Return the conditions on a property of this type: [{condition: value}]; all must hold."""
    if kind not in _CONDITIONS:
        raise InvalidRequest(
            f"The property {name!r} is of type {kind}: give a filter in Notion's own form for it.", service="notion"
        )
    if value is None:
        # A checkbox is never empty: Notion refuses that condition for it.
        return [{"equals": False} if kind == "checkbox" else {"is_empty": True}]
    if isinstance(value, dict):
        return [_test(name, kind, str(word), one) for word, one in value.items()]
    values = value if isinstance(value, list) else [value]
    return [_test(name, kind, "=", one) for one in values]


def _test(name: str, kind: str, word: str, value: Any) -> Json:
    known = (*_CONDITIONS[kind], *sorted(_EMPTY))
    named = next((each for each in _SIGNS.get(word, (word,)) if each in known), "")
    if not named:
        raise InvalidRequest(
            f"The property {name!r} is of type {kind}: it has no condition {word!r}; it has"
            f" {', '.join(known)}. {guess(word, known)}".rstrip(),
            service="notion",
            remedy="Use one of these conditions, or a filter in Notion's own form.",
        )
    return {named: {} if named in _SPANS else value}


def sorts_of(schema: Schema, asked: Sequence[str | Mapping[str, Any]]) -> list[Json]:
    """Return sorts: `"Due"` is ascending, `"-Due"` descending; `created_time` and `last_edited_time` work too."""
    return [dict(each) if isinstance(each, Mapping) else _sort(schema, each) for each in asked]


def _sort(schema: Schema, asked: str) -> Json:
    name = asked.removeprefix("-")
    direction = "descending" if asked.startswith("-") else "ascending"
    if name in _TIMESTAMPS and name not in schema:
        return {"timestamp": name, "direction": direction}
    return {"property": property_name(schema, name), "direction": direction}
