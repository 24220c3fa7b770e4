"""The functions of the language: each is one row, from which follow CEL's declarations, remedies and documentation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct

from engine.expressions.json_values import as_json, compact_json, shown


class Function(Struct, frozen=True):
    """One function, method or macro."""

    name: str
    group: str
    written: str
    """A call of it, as remedies show it: `x` is any value."""
    takes: str
    """What `x` is in the example, as an expression."""
    gives: str
    """The result of the example, as JSON."""
    doc: str
    elsewhere: str = ""
    """Its names in other languages, separated by spaces."""
    is_macro: bool = False
    """Whether it names a variable of its own."""
    implementation: Callable[[Any], str] | None = None
    """Of our own functions of any value; all others are CEL's. The text has at most `expression_limits.MOST_GROWTH`
    times the characters of the value.
    """

    @property
    def example(self) -> str:
        """A call that can be evaluated."""
        return re.sub(r"\bx\b", lambda _: self.takes, self.written)


def _text(value: Any) -> str:
    return shown(as_json(_unpacked(value)))


def _json(value: Any) -> str:
    return compact_json(as_json(_unpacked(value)))


def part_of_text(value: str, begin: int, end: int) -> str:
    """Return the characters from one place to before another, as CEL's strings extension defines it."""
    if not 0 <= begin <= end <= len(value):
        raise ValueError(f"substring: {begin} to {end} of {len(value)}")
    return value[begin:end]


def _unpacked(value: Any) -> Any:
    """Return a plain Python value for what CEL passes to a function (its maps and lists are lazy views)."""
    if hasattr(value, "plain_value"):
        return value.plain_value()
    if isinstance(value, Mapping) or hasattr(value, "items"):
        return {key: _unpacked(inner) for key, inner in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | bytearray):
        return [_unpacked(inner) for inner in value]
    return value


_ANY, _MISSING, _TEXT = "any value", "missing values", "text"
_LIST, _TIME, _NUMBER = "lists", "times", "numbers"
_DONE = "[{'name': 'a', 'done': true}, {'name': 'b', 'done': false}]"
_MOMENT = "timestamp('2026-11-20T09:00:00Z')"

FUNCTIONS: tuple[Function, ...] = (
    Function("size", _ANY, "size(x)", "'abc'", "3", "the length of a text, list or object", "length len count"),
    Function("has", _MISSING, "has(steps.read.output)", "", "false", "whether there is such a field"),
    Function(
        "default",
        _MISSING,
        "default(steps.read.output.kind, 'none')",
        "",
        '"none"',
        "the value of a path, or another value if any part of it is missing",
        "coalesce ifempty ifNull",
    ),
    Function("text", _ANY, "text(x)", "[1, 2]", '"[1,2]"', "the text that it would be in mixed text", "",
             implementation=_text),
    Function("json", _ANY, "json(x)", "{'a': 1}", r'"{\"a\":1}"', "compact JSON", "JSON toJson stringify toJSON",
             implementation=_json),
    Function("string", _ANY, "string(x)", "12", '"12"', "a number, time or truth value as text", "str toString"),
    Function("int", _NUMBER, "int(x)", "'12'", "12", "a whole number", "parseInt integer toInt"),
    Function("double", _NUMBER, "double(x)", "3", "3.0", "a number with a point", "float number Number parseFloat"),
    Function("bool", _ANY, "bool(x)", "'true'", "true", "true or false, from such a text"),
    Function("type", _ANY, "type(x) == string", "'a'", "true", "the type, for comparing"),
    Function("timestamp", _TIME, "timestamp('2026-11-20T09:00:00Z')", "", '"2026-11-20T09:00:00.000Z"', "a time",
             "date datetime parseDate DateTime"),
    Function("duration", _TIME, "duration('90s')", "", "90.0", "a duration; as JSON its seconds"),
    Function("startsWith", _TEXT, "x.startsWith('a')", "'abc'", "true", "whether it begins so"),
    Function("endsWith", _TEXT, "x.endsWith('a')", "'abc'", "false", "whether it ends so"),
    Function("contains", _TEXT, "x.contains('a')", "'abc'", "true", "whether that is in it", "includes include"),
    Function("matches", _TEXT, "x.matches('^[a-z]+$')", "'abc'", "true", "whether an RE2 pattern is found in it",
             "test match regex"),
    Function("split", _TEXT, "x.split(', ')", "'a, b'", '["a","b"]', "the parts between separators"),
    Function("join", _LIST, "x.join(', ')", "['a', 'b']", '"a, b"', "the texts of a list in one, with separators"),
    Function("replace", _TEXT, "x.replace('a', 'b')", "'banana'", '"bbnbnb"', "with each occurrence replaced"),
    Function("substring", _TEXT, "x.substring(0, 10)", "'a long sentence'", '"a long sen"',
             "from one place to before another, counted from 0", "slice substr"),
    Function("trim", _TEXT, "x.trim()", "' a '", '"a"', "without white space at its ends", "strip trimStart trimEnd"),
    Function("lowerAscii", _TEXT, "x.lowerAscii()", "'ABC'", '"abc"', "with A to Z in lower case",
             "toLowerCase lower lowercase downcase"),
    Function("upperAscii", _TEXT, "x.upperAscii()", "'abc'", '"ABC"', "with a to z in upper case",
             "toUpperCase upper uppercase upcase"),
    Function("indexOf", _TEXT, "x.indexOf('a')", "'banana'", "1", "where that is first found, -1 if it is not"),
    Function("lastIndexOf", _TEXT, "x.lastIndexOf('a')", "'banana'", "5", "where that is last found, -1 if it is not"),
    Function("charAt", _TEXT, "x.charAt(0)", "'abc'", '"a"', "one character, counted from 0"),
    Function("format", _TEXT, "'%s of %d'.format([x, 3])", "2", '"2 of 3"', "with values put in"),
    Function("all", _LIST, "x.all(item, item.done)", _DONE, "false", "whether it is so for every item", "every",
             is_macro=True),
    Function("exists", _LIST, "x.exists(item, item.done)", _DONE, "true", "whether it is so for an item", "some any",
             is_macro=True),
    Function("exists_one", _LIST, "x.exists_one(item, item.done)", _DONE, "true", "whether it is so for just one item",
             is_macro=True),
    Function("filter", _LIST, "x.filter(item, item.done)", _DONE, '[{"done":true,"name":"a"}]',
             "the items for which it is so", "find", is_macro=True),
    Function("map", _LIST, "x.map(item, item.name)", _DONE, '["a","b"]', "what each item becomes", is_macro=True),
    Function("orValue", _MISSING, "x.?name.orValue('none')", "{'a': 'b'}", '"none"',
             "the value of an optional field, or another value"),
    Function("hasValue", _MISSING, "x.?name.hasValue()", "{'a': 1}", "false", "whether an optional field is there"),
    Function("getFullYear", _TIME, "x.getFullYear()", _MOMENT, "2026", "the year, in UTC or a time zone"),
    Function("getMonth", _TIME, "x.getMonth()", _MOMENT, "10", "the month, counted from 0"),
    Function("getDate", _TIME, "x.getDate()", _MOMENT, "20", "the day of the month, counted from 1"),
    Function("getDayOfWeek", _TIME, "x.getDayOfWeek()", _MOMENT, "5", "the day of the week; Sunday is 0"),
    Function("getHours", _TIME, "x.getHours('Europe/Berlin')", _MOMENT, "10", "the hour"),
    Function("getMinutes", _TIME, "x.getMinutes()", _MOMENT, "0", "the minute"),
    Function("getSeconds", _TIME, "x.getSeconds()", _MOMENT, "0", "the second"),
    Function("greatest", _NUMBER, "math.greatest(x, y)", "1", "2", "the greatest of several", "max maximum"),
    Function("least", _NUMBER, "math.least(x, y)", "1", "1", "the least of several", "min minimum"),
    Function("abs", _NUMBER, "math.abs(x)", "-2", "2", "without its sign"),
    Function("round", _NUMBER, "math.round(x)", "1.5", "2.0", "the nearest whole number, as a number with a point"),
    Function("ceil", _NUMBER, "math.ceil(x)", "1.2", "2.0", "rounded up, as a number with a point"),
    Function("floor", _NUMBER, "math.floor(x)", "1.8", "1.0", "rounded down, as a number with a point"),
)  # fmt: skip
"""In the order in which they are listed."""

OWN_FUNCTIONS = frozenset(one.name for one in FUNCTIONS if one.implementation is not None)
"""The names of those that are not CEL's."""

EXAMPLE_NAMES: Mapping[str, object] = {"steps": {"read": {"status": "skipped"}}, "y": 2}
"""What the examples may name."""
