"""The functions of the language: each is one row, from which follow CEL's declarations, remedies and documentation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from engine.base.errors import ExpressionError
from engine.base.expression_limits import A_VALUE, MOST_GROWTH
from engine.expressions import patterns
from engine.expressions.functions import lists, texts, times
from engine.expressions.functions.numbers import read_number
from engine.expressions.functions.refused import REFUSED, RefusedValue
from engine.expressions.json_values import as_json, compact_json, shown
from engine.expressions.syntax import SyntaxNode, walk
from engine.packages.in_force import packages


class Overload(Struct, frozen=True):
    """One way to call a function of ours, with types as `extensions.py` names them: "text", "list", "time"."""

    parameters: tuple[str, ...]
    result: str
    implementation: Callable[..., Any]


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
    also: str = ""
    """Other names that are accepted, separated by spaces: what other tools, and models, write."""
    implementation: Callable[[Any], str] | None = None
    """For our functions of any value. The text has at most `expression_limits.MOST_GROWTH` times its characters."""
    overloads: tuple[Overload, ...] = ()
    """For our other functions; each can be called as a method of its first argument, too."""
    arguments: int | None = None
    """For our macros, which return items of their list: the number of arguments behind it."""
    growth: int = 1
    """For our functions: the characters in the result for each one of the arguments, at most."""
    more: int = 0
    """For our functions: characters that the result may have besides."""

    @property
    def called(self) -> str:
        """The name in CEL, which has two parts for `math.abs`."""
        return f"math.{self.name}" if self.written.startswith("math.") else self.name

    @property
    def example(self) -> str:
        """A call that can be evaluated."""
        return re.sub(r"\bx\b", lambda _: self.takes, self.written)


def _text(value: Any) -> str:
    return shown(as_json(unpacked(value)))


def _json(value: Any) -> str:
    return compact_json(as_json(unpacked(value)))


def part_of_text(value: str, begin: int, end: int) -> str:
    """Return the characters from one place to before another, as CEL's strings extension defines it."""
    if not 0 <= begin <= end <= len(value):
        raise ValueError(f"substring: {begin} to {end} of {len(value)}")
    return value[begin:end]


def unpacked(value: Any) -> Any:
    """Return a plain Python value for what CEL passes to a function (its maps and lists are lazy views)."""
    if hasattr(value, "plain_value"):
        return value.plain_value()
    if isinstance(value, Mapping) or hasattr(value, "items"):
        return {key: unpacked(inner) for key, inner in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | bytearray):
        return [unpacked(inner) for inner in value]
    return value


_ANY, _MISSING, _TEXT = "any value", "missing values", "text"
_LIST, _TIME, _NUMBER, _CODE = "lists", "times", "numbers", "codes"
_DONE = "[{'name': 'a', 'done': true}, {'name': 'b', 'done': false}]"
_MOMENT = "timestamp('2026-11-20T09:00:00Z')"
_PEOPLE = "[{'name': 'Bo', 'team': 'b'}, {'name': 'Al', 'team': 'a'}, {'name': 'Cy', 'team': 'b'}]"


def _of(result: str, implementation: Callable[..., Any], *parameters: str) -> tuple[Overload, ...]:
    return (Overload(parameters, result, implementation),)


def _of_time(
    result: str, implementation: Callable[..., Any], *more: str, before: tuple[str, ...] = ()
) -> tuple[Overload, ...]:
    """Return the overloads of a function of a time or of a text that is one, each with the last arguments left out."""
    forms = [(*before, kind, *more[:count]) for kind in ("time", "text") for count in range(len(more) + 1)]
    return tuple(Overload(one, result, implementation) for one in forms)


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
             growth=MOST_GROWTH, implementation=_text),
    Function("json", _ANY, "json(x)", "{'a': 1}", r'"{\"a\":1}"', "compact JSON", "JSON toJson stringify toJSON",
             also="to_json", growth=MOST_GROWTH, implementation=_json),
    Function("parse_json", _ANY, "parse_json(x)", "'[1, true]'", "[1,true]", "the value of JSON text",
             "fromJson parseJson json_decode", overloads=_of("any", texts.parsed_json, "text"), growth=A_VALUE),
    Function("string", _ANY, "string(x)", "12", '"12"', "a number, time or truth value as text", "str toString"),
    Function("int", _NUMBER, "int(x)", "'12'", "12", "a whole number", "parseInt integer toInt"),
    Function("double", _NUMBER, "double(x)", "3", "3.0", "a number with a point", "float number Number parseFloat"),
    Function("parse_number", _NUMBER, "parse_number(x, 'de')", "'1.234,50 €'", "1234.5",
             "the number that a text is in a language; without one, in English", "toNumber",
             overloads=(Overload(("text", "text"), "double", read_number), Overload(("text",), "double", read_number),
                        Overload(("int", "text"), "double", read_number), Overload(("int",), "double", read_number),
                        Overload(("double", "text"), "double", read_number),
                        Overload(("double",), "double", read_number))),
    Function("bool", _ANY, "bool(x)", "'true'", "true", "true or false, from such a text"),
    Function("type", _ANY, "type(x) == string", "'a'", "true", "the type, for comparing"),
    Function("timestamp", _TIME, "timestamp('2026-11-20T09:00:00Z')", "", '"2026-11-20T09:00:00.000Z"', "a time",
             "date datetime DateTime"),
    Function("duration", _TIME, "duration('90s')", "", "90.0", "a duration; as JSON its seconds"),
    Function("format_date", _TIME, "format_date(x, 'dd.MM.yyyy', 'Europe/Berlin')", _MOMENT, '"20.11.2026"',
             "a time as text in a time zone; a language may follow: `'d. MMMM yyyy', 'UTC', 'de'`",
             "formatDate strftime toFormat date_format", growth=6,
             overloads=tuple(one for one in _of_time("text", times.formatted, "text", "text", "text")
                             if len(one.parameters) > 1)),
    Function("parse_date", _TIME, "parse_date(x, 'dd.MM.yyyy', 'Europe/Berlin')", "'20.11.2026'",
             '"2026-11-19T23:00:00.000Z"', "the time that a text in this form means in a time zone",
             "parseDate strptime",
             overloads=tuple(Overload(("text",) * count, "time", times.parsed) for count in (2, 3, 4))),
    Function("day", _TIME, "day(x, 'Europe/Berlin')", "'2026-11-20T23:30:00Z'", '"2026-11-21"',
             "the day in a time zone", "toDate", overloads=_of_time("text", times.day, "text")),
    Function("start_of", _TIME, "start_of('week', x, 'Europe/Berlin')", _MOMENT, '"2026-11-15T23:00:00.000Z"',
             "when the hour, day, week (Monday), month, quarter or year began in a time zone", "startOf date_trunc",
             overloads=_of_time("time", times.start_of, "text", before=("text",))),
    Function("startsWith", _TEXT, "x.startsWith('a')", "'abc'", "true", "whether it begins so"),
    Function("endsWith", _TEXT, "x.endsWith('a')", "'abc'", "false", "whether it ends so"),
    Function("contains", _TEXT, "x.contains('a')", "'abc'", "true", "whether that is in it", "includes include"),
    Function("matches", _TEXT, "x.matches('^[a-z]+$')", "'abc'", "true", "whether an RE2 pattern is found in it",
             "test regex"),
    Function("regex.extract", _TEXT, "regex.extract(x, '#([0-9]+)').orValue('none')", "'Invoice #17'", '"17"',
             "the first match of a pattern, or of its brackets, as an optional value", "match regexExtract",
             overloads=_of("texts", patterns.extracted, "text", "text")),
    Function("regex_extract", _TEXT, "regex_extract(x, '#([0-9]+)')", "'Invoice #17'", '"17"',
             "the first match of a pattern, or of its brackets; without one, `''`", "",
             overloads=_of("text", patterns.extracted_text, "text", "text")),
    Function("regex.extractAll", _TEXT, "regex.extractAll(x, '[0-9]+')", "'3 of 17'", '["3","17"]',
             "all matches of a pattern, or of its brackets", "findall matchAll", also="regex_extract_all",
             overloads=_of("texts", patterns.extracted_all, "text", "text"), growth=A_VALUE),
    Function("regex.replace", _TEXT, r"regex.replace(x, '([0-9]+)/([0-9]+)', r'\2/\1')", "'3/17'", '"17/3"',
             r"with each match of a pattern replaced; `\1` is what its first brackets matched", "regexReplace sub gsub",
             also="regex_replace", growth=MOST_GROWTH,
             overloads=_of("text", patterns.replaced, "text", "text", "text")),
    Function("split", _TEXT, "x.split(', ')", "'a, b'", '["a","b"]', "the parts between separators"),
    Function("join", _LIST, "x.join(', ')", "['a', 'b']", '"a, b"', "the texts of a list in one, with separators"),
    Function("replace", _TEXT, "x.replace('a', 'b')", "'banana'", '"bbnbnb"', "with each occurrence replaced"),
    Function("substring", _TEXT, "x.substring(0, 10)", "'a long sentence'", '"a long sen"',
             "from one place to before another, counted from 0", "substr"),
    Function("trim", _TEXT, "x.trim()", "' a '", '"a"', "without white space at its ends", "strip trimStart trimEnd"),
    Function("lowerAscii", _TEXT, "x.lowerAscii()", "'ABC'", '"abc"', "with A to Z in lower case",
             "toLowerCase lowercase downcase"),
    Function("upperAscii", _TEXT, "x.upperAscii()", "'abc'", '"ABC"', "with a to z in upper case",
             "toUpperCase uppercase upcase"),
    Function("lower", _TEXT, "x.lower()", "'ÄPFEL'", '"äpfel"', "in lower case, in all languages",
             overloads=_of("text", str.lower, "text"), growth=3),
    Function("upper", _TEXT, "x.upper()", "'äpfel'", '"ÄPFEL"', "in upper case, in all languages",
             overloads=_of("text", str.upper, "text"), growth=3),
    Function("title", _TEXT, "x.title()", "'open invoices'", '"Open Invoices"', "with each word begun in upper case",
             "titleCase capitalize toTitleCase", overloads=_of("text", texts.titled, "text"), growth=3),
    Function("pad", _TEXT, "x.pad(4, '0')", "'17'", '"0017"', "filled up on its left; without a character, with spaces",
             "padStart zfill rjust", more=texts.LONGEST_PADDED,
             overloads=(*_of("text", texts.padded, "text", "int"), *_of("text", texts.padded, "text", "int", "text"))),
    Function("truncate", _TEXT, "x.truncate(8)", "'a long sentence'", '"a long…"',
             "cut to so many characters, with a “…”", "shorten ellipsis",
             overloads=_of("text", texts.truncated, "text", "int")),
    Function("split_lines", _TEXT, r"x.split_lines()", r"'a\nb'", '["a","b"]', "its lines", "splitlines lines",
             overloads=_of("texts", texts.lines, "text"), growth=A_VALUE),
    Function("strip_html", _TEXT, "x.strip_html()", "'<p>Hi <b>Ann</b></p>'", '"Hi Ann"',
             "what a reader sees of HTML", "striptags stripHtml removeTags removeMarkup",
             overloads=_of("text", texts.without_html, "text"), growth=50),
    Function("address", _TEXT, "address(x)", "'\"bo@b.example\" <Ann@a.example>'", '"ann@a.example"',
             "the mail address of a sender in lower case, without the name; `''` if there is none, or several",
             "email emailAddress", overloads=_of("text", texts.address, "text"), growth=3),
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
             "the items it is true for", "find", is_macro=True),
    Function("map", _LIST, "x.map(item, item.name)", _DONE, '["a","b"]', "what each item becomes", is_macro=True),
    Function("sum", _LIST, "sum(x)", "[1, 2.5]", "3.5", "the sum of numbers", "total",
             overloads=_of("any", lists.total, "list")),
    Function("avg", _LIST, "avg(x)", "[1, 2]", "1.5", "the average of numbers", "average mean",
             overloads=_of("double", lists.average, "list")),
    Function("min", _LIST, "min(x)", "['b', 'a']", '"a"', "the least of a list of numbers or texts",
             arguments=0),
    Function("max", _LIST, "max(x)", "[1, 3, 2]", "3", "the greatest of a list of numbers or texts",
             arguments=0),
    Function("sort", _LIST, "x.sort()", "['b', 'a']", '["a","b"]', "numbers or texts in order",
             "sorted toSorted", arguments=0),
    Function("sortBy", _LIST, "x.sortBy(item, item.name).map(item, item.name)", _PEOPLE, '["Al","Bo","Cy"]',
             "in the order of what each item has", "orderBy sorted_by", also="sort_by", is_macro=True, arguments=2),
    Function("group_by", _LIST, "x.group_by(item, item.team).map(group, [group.key, size(group.items)])", _PEOPLE,
             '[["b",2],["a",1]]', "groups of items that have the same: a list of {key, items}", "groupBy groupby",
             is_macro=True, arguments=2),
    Function("distinct", _LIST, "x.distinct()", "['b', 'a', 'b']", '["b","a"]', "each item once", "unique uniq dedupe",
             arguments=0),
    Function("reverse", _LIST, "x.reverse()", "[1, 2, 3]", "[3,2,1]", "in reverse order", "reversed toReversed",
             arguments=0),
    Function("slice", _LIST, "x.slice(0, 2)", "[1, 2, 3]", "[1,2]",
             "the items from one place to before another, counted from 0", "take limit", arguments=2),
    Function("flatten", _LIST, "x.flatten()", "[[1, 2], [3]]", "[1,2,3]", "the items of the lists in it",
             "flat flatMap", overloads=_of("list", lists.flattened, "list")),
    Function("zip", _LIST, "zip(x, ['a', 'b'])", "[1, 2]", '[[1,"a"],[2,"b"]]', "pairs of the items of two lists",
             overloads=_of("list", lists.zipped, "list", "list"), growth=4),
    Function("lists.range", _LIST, "lists.range(x)", "3", "[0,1,2]", "the whole numbers from 0 to before that",
             also="range", overloads=_of("list", lists.numbers_to, "int"), more=A_VALUE * lists.MOST_ITEMS),
    Function("url_encode", _CODE, "url_encode(x)", "'a b&c'", '"a%20b%26c"', "as part of an address",
             "encodeURIComponent urlEncode urlencode encodeUrl", overloads=_of("text", texts.url_encoded, "text"),
             growth=12),
    Function("url_decode", _CODE, "url_decode(x)", "'a%20b%26c'", '"a b&c"', "the text of a part of an address",
             "decodeURIComponent urlDecode urldecode", overloads=_of("text", texts.url_decoded, "text")),
    Function("base64_encode", _CODE, "base64_encode(x)", "'Grüße'", '"R3LDvMOfZQ=="', "a text in Base64",
             "base64Encode btoa", overloads=_of("text", texts.base64_encoded, "text"), growth=6),
    Function("base64_decode", _CODE, "base64_decode(x)", "'R3LDvMOfZQ=='", '"Grüße"', "the text that Base64 encodes",
             "base64Decode atob", overloads=_of("text", texts.base64_decoded, "text")),
    Function("sha256", _CODE, "sha256(x)", "''", '"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"',
             "the SHA-256 of a text", "hash", overloads=_of("text", texts.sha256, "text"), more=64),
    Function("hmac_sha256", _CODE, "hmac_sha256(x, 'key')", "'text'",
             '"6afa9046a9579cad143a384c1b564b9a250d27d6f6a63f9f20bf3a7594c9e2c6"', "the HMAC of a text with a key",
             "hmac", overloads=_of("text", texts.hmac_sha256, "text", "text"), more=64),
    Function("uuid", _CODE, "uuid(x)", "'order 17'", '"515544ed-98bc-5b76-be69-01f02be99ffc"',
             "an id made from a text, always the same for it",
             "uuid4 guid randomUUID", overloads=_of("text", texts.id_of, "text"), more=64),
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
    Function("greatest", _NUMBER, "math.greatest(x, y)", "1", "2", "the greatest of several", "maximum math.max"),
    Function("least", _NUMBER, "math.least(x, y)", "1", "1", "the least of several", "minimum math.min"),
    Function("abs", _NUMBER, "math.abs(x)", "-2", "2", "without its sign"),
    Function("round", _NUMBER, "math.round(x)", "1.5", "2.0", "the nearest whole number, as a number with a point"),
    Function("ceil", _NUMBER, "math.ceil(x)", "1.2", "2.0", "rounded up, as a number with a point"),
    Function("floor", _NUMBER, "math.floor(x)", "1.8", "1.0", "rounded down, as a number with a point"),
)  # fmt: skip
"""In the order in which they are listed."""

OWN: Mapping[str, Function] = {one.called: one for one in FUNCTIONS if one.implementation or one.overloads}
"""Our functions by their names in CEL."""
BY_NAME: Mapping[str, Function] = {
    name: one
    for one in FUNCTIONS
    if one.implementation or one.overloads or one.arguments is not None
    for name in (one.called, *one.also.split())
}
"""Our functions and macros by each name that is accepted."""


def packaged(name: str, doc: str, call: Callable[[Any], str]) -> Function:
    """Return the function of a package, of any value. It has no bound, so that only the child process calls it, which
    has limits of its own (engine/expressions/costly.py).
    """

    def called(value: Any) -> str:
        try:
            found = call(as_json(unpacked(value)))
        except Exception as error:  # noqa: BLE001 - code of others
            raise RefusedValue(f"{name}: {type(error).__name__}: {error}", "") from None
        if not isinstance(found, str):
            raise RefusedValue(f"{name} returned {type(found).__name__} in place of a text.", "")
        return found

    return Function(name, _ANY, f"{name}(x)", "", "", doc, implementation=called)


def packaged_functions() -> tuple[Function, ...]:
    """Return the functions that installed packages add."""
    return tuple(one for added in packages().added for one in added.functions.values())


EXAMPLE_NAMES: Mapping[str, object] = {"steps": {"read": {"status": "skipped"}}, "y": 2}
"""What the examples may name."""


_AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
_GROUPS = "()" * 9  # a replacement may name \1 to \9

_Trial = tuple[tuple[str | None, ...], Callable[..., Any]]
"""What replaces each argument that is not a literal text (None: any argument at all), and the call that is tried."""
_DATE: _Trial = ((None, "yyyy", "UTC", "en"), lambda _, *how: times.formatted(_AT, *how))
_PATTERN: _Trial = ((None, "."), lambda _, pattern: patterns.extracted_text("", pattern))
_TRIALS: Mapping[str, _Trial] = {
    "format_date": _DATE,
    "parse_date": _DATE,
    "day": ((None, "UTC"), lambda _, *zone: times.day(_AT, *zone)),
    "start_of": (("day", None, "UTC"), lambda unit, _, *zone: times.start_of(unit, _AT, *zone)),
    "parse_number": ((None, "en"), lambda _, *language: read_number("1", *language)),
    "regex.extract": _PATTERN,
    "regex_extract": _PATTERN,
    "regex.extractAll": _PATTERN,
    "regex.replace": ((None, _GROUPS, ""), lambda _, pattern, new: patterns.replaced("", pattern, new)),
}


_CALLED = re.compile("|".join({name.rpartition(".")[2] for name in _TRIALS}))


def may_call_one(source: str) -> bool:
    """Return whether an expression may have such an argument, without reading it."""
    return _CALLED.search(source) is not None


def require_arguments(tree: SyntaxNode) -> None:
    """Raise ExpressionError for an argument that no value can make right: a time zone or a unit that does not exist."""
    for call in walk(tree):
        if call.kind != "call" or call.name not in _TRIALS:
            continue
        instead, trial = _TRIALS[call.name]
        given = [_written(part, one) for part, one in zip(call.parts, instead, strict=False)]
        try:
            trial(*given)
        except RefusedValue as error:
            told = REFUSED.match(str(error))
            raise ExpressionError(told[1] if told else str(error), remedy=told[2] if told else "") from error


def _written(argument: SyntaxNode, instead: str | None) -> str | None:
    is_text = argument.kind == "constant" and argument.value[0] == "string_value"
    return argument.value[1] if is_text and instead is not None else instead
