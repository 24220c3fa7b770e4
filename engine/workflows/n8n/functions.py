"""What JavaScript's operators, methods and functions are in CEL."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence

from msgspec import Struct

from engine.compiler.definition.identifiers import is_speakable

SIMPLE = re.compile(r"[A-Za-z_]\w*\Z")
NOW = "timestamp(run.started_at)"


class Untranslatable(Exception):
    """An expression of n8n that has no counterpart."""


class Cel(Struct, frozen=True):
    """A translated part: its CEL, and what is known of it."""

    cel: str
    kind: str = ""  # text, number, truth, time, list, null, items (of a node), or unknown
    is_path: bool = False
    is_single: bool = True  # needs no brackets as a part of another

    @property
    def part(self) -> str:
        """This value as a part of another one, in brackets where it needs them."""
        return self.cel if self.is_single else f"({self.cel})"


def literal(value: object) -> str:
    """Return a JSON value as CEL."""
    if isinstance(value, str):
        return quoted(value)
    return json.dumps(value, ensure_ascii=False)


def quoted(text: str) -> str:
    """Return a text as CEL writes it."""
    inner = json.dumps(text, ensure_ascii=False)[1:-1].replace('\\"', '"').replace("'", "\\'")
    return f"'{inner}'"


def step_into(name: str | int) -> str:
    """Return the CEL that selects a field, or an item by its place."""
    if isinstance(name, int):
        return f"[{name}]"
    return f".{name}" if is_speakable(name) else f"[{quoted(name)}]"


_FALSE = "[null, false, 0, '']"
"""What JavaScript takes for false."""


def truth_of(one: Cel) -> Cel:
    """Return whether JavaScript takes a path or a truth for true. Raises Untranslatable for anything else."""
    if one.kind == "truth":
        return one
    if one.is_path:
        return Cel(f"!({_or_null(one)} in {_FALSE})", "truth")
    raise Untranslatable


def is_null(one: Cel) -> Cel:
    """Return whether a path is null or missing. Raises Untranslatable for an input, whose default fills it up."""
    if not one.is_path or one.cel.startswith("inputs."):
        raise Untranslatable
    return Cel(f"{_or_null(one)} == null", "truth", is_single=False)


def _or_null(one: Cel) -> str:
    return f"default({one.cel}, null)"


def text_part(one: Cel) -> str:
    """Return the CEL of a value as a text."""
    return one.part if one.kind == "text" else f"text({one.cel})"


def joined(left: Cel, sign: str, right: Cel) -> Cel:
    """Return what an operator of JavaScript makes of two values. Raises Untranslatable."""
    if sign in ("&&", "||") and left.kind == right.kind == "truth":
        return Cel(f"{left.part} {sign} {right.part}", "truth", is_single=False)
    if sign == "||" and left.is_path:
        return Cel(f"{_or_null(left)} in {_FALSE} ? {right.part} : {left.part}", right.kind, is_single=False)
    if sign == "??":
        return Cel(f"{is_null(left).cel} ? {right.part} : {left.part}", right.kind, is_single=False)
    if sign in ("==", "===", "!=", "!=="):
        return _compared(left, sign, right)
    if sign in ("<", ">", "<=", ">="):
        return Cel(f"{left.part} {sign} {right.part}", "truth", is_single=False)
    if sign == "+" and "text" in (left.kind, right.kind):
        return Cel(f"{text_part(left)} + {text_part(right)}", "text", is_single=False)
    if sign in ("+", "-", "*"):
        return Cel(f"{left.part} {sign} {right.part}", left.kind or right.kind, is_single=False)
    raise Untranslatable  # && gives a value; / and % of whole numbers differ


def _compared(left: Cel, sign: str, right: Cel) -> Cel:
    is_equal = sign.startswith("=")
    if right.kind == "null":
        found = is_null(left)
        return found if is_equal else Cel(f"!({found.cel})", "truth")
    if len(sign) == 2 and not _is_plain_word(right) and (left.kind or right.kind) != "truth":
        raise Untranslatable  # 5 == '5' in JavaScript
    return Cel(f"{left.part} {'==' if is_equal else '!='} {right.part}", "truth", is_single=False)


def _is_plain_word(one: Cel) -> bool:
    """Return whether a value is a text that no number or truth value equals."""
    return one.kind == "text" and bool(re.fullmatch(r"'[^'\\]*[A-Za-z][^'\\]*'", one.cel))


PLAIN = {
    "$now": Cel(NOW, "time"),
    "$today": Cel(f"start_of('day', {NOW})", "time"),
    "$itemIndex": Cel("index", "number"),
    "$execution.id": Cel("run.id", "text"),
}
_Method = Callable[[Cel, Sequence[Cel]], Cel]


def _method(cel: str, kind: str = "text", count: int = 0) -> _Method:
    """Return a method with this CEL: {0} is its receiver, {1} and so on what it is given."""

    def made(receiver: Cel, given: Sequence[Cel]) -> Cel:
        if len(given) != count:
            raise Untranslatable
        return Cel(cel.format(receiver.part, *(one.cel for one in given)), kind, is_single=" " not in cel)

    return made


def _includes(receiver: Cel, given: Sequence[Cel]) -> Cel:
    if len(given) != 1:
        raise Untranslatable
    if receiver.kind == "list":
        return Cel(f"{given[0].part} in {receiver.part}", "truth", is_single=False)
    return Cel(f"{receiver.part}.contains({given[0].cel})", "truth")


def _cut(receiver: Cel, given: Sequence[Cel]) -> Cel:
    if not given or any(not one.cel.isdigit() for one in given):
        raise Untranslatable  # a negative place counts from the end
    if not receiver.is_path and len(given) == (1 if receiver.kind == "list" else 2):
        raise Untranslatable  # it would be written twice, and again at each further cut
    places = ", ".join(one.cel for one in given)
    if receiver.kind == "list":
        end = "" if len(given) == 2 else f", size({receiver.cel})"
        return Cel(f"{receiver.part}.slice({places}{end})", "list")
    if len(given) == 1:
        return Cel(f"{receiver.part}.substring({places})", "text")
    end = given[1].cel  # CEL wants a place within the text
    return Cel(f"{receiver.part}.substring({given[0].cel}, math.least({end}, size({receiver.cel})))", "text")


def _formatted(receiver: Cel, given: Sequence[Cel]) -> Cel:
    if len(given) != 1 or given[0].kind != "text":
        raise Untranslatable
    return Cel(f"format_date({time_part(receiver)}, {given[0].cel}, 'UTC')", "text")


def _iso(receiver: Cel, given: Sequence[Cel]) -> Cel:
    if given:
        raise Untranslatable
    return Cel("run.started_at" if receiver.cel == NOW else f"string({time_part(receiver)})", "text")


def time_part(one: Cel) -> str:
    """Return the CEL of a value as a time."""
    return one.cel if one.kind == "time" else f"timestamp({one.cel})"


EACH = {
    "map": ("map", "list"),
    "filter": ("filter", "list"),
    "some": ("exists", "truth"),
    "every": ("all", "truth"),
}
METHODS: dict[str, _Method] = {
    "toLowerCase": _method("{0}.lower()"),
    "toUpperCase": _method("{0}.upper()"),
    "trim": _method("{0}.trim()"),
    "toTitleCase": _method("{0}.title()"),
    "removeTags": _method("{0}.strip_html()"),
    "extractEmail": _method("address({0})"),
    "urlEncode": _method("url_encode({0})"),
    "toString": _method("text({0})"),
    "toJsonString": _method("json({0})"),
    "parseJson": _method("parse_json({0})", ""),
    "split": _method("{0}.split({1})", "list", 1),
    "replaceAll": _method("{0}.replace({1}, {2})", "text", 2),
    "replace": _method("{0}.replace({1}, {2}, 1)", "text", 2),
    "startsWith": _method("{0}.startsWith({1})", "truth", 1),
    "endsWith": _method("{0}.endsWith({1})", "truth", 1),
    "indexOf": _method("{0}.indexOf({1})", "number", 1),
    "join": _method("{0}.join({1})", "text", 1),
    "isEmpty": _method("size({0}) == 0", "truth"),
    "isNotEmpty": _method("size({0}) > 0", "truth"),
    "first": _method("{0}[0]", ""),
    "removeDuplicates": _method("{0}.distinct()", "list"),
    "unique": _method("{0}.distinct()", "list"),
    "sum": _method("sum({0})", "number"),
    "average": _method("avg({0})", "number"),
    "toDateTime": _method("timestamp({0})", "time"),
    "includes": _includes,
    "slice": _cut,
    "substring": _cut,
    "format": _formatted,
    "toFormat": _formatted,
    "toISO": _iso,
    "toISOString": _iso,
}
_Function = Callable[[Sequence[Cel]], Cel]


def _function(cel: str, kind: str) -> _Function:
    """Return a function of one value with this CEL."""

    def made(given: Sequence[Cel]) -> Cel:
        if len(given) != 1:
            raise Untranslatable
        return Cel(cel.format(given[0].cel), kind)

    return made


def _now(given: Sequence[Cel]) -> Cel:
    if given:
        raise Untranslatable
    return Cel(NOW, "time")


def _many(name: str) -> _Function:
    def made(given: Sequence[Cel]) -> Cel:
        if len(given) < 2:
            raise Untranslatable
        return Cel(f"math.{name}({', '.join(one.cel for one in given)})", "number")

    return made


FUNCTIONS: dict[str, _Function] = {
    "Number": _function("parse_number({0})", "number"),
    "parseFloat": _function("parse_number({0})", "number"),
    "parseInt": _function("int(parse_number({0}))", "number"),
    "String": _function("text({0})", "text"),
    "JSON.stringify": _function("json({0})", "text"),
    "JSON.parse": _function("parse_json({0})", ""),
    "Math.round": _function("math.round({0})", "number"),
    "Math.ceil": _function("math.ceil({0})", "number"),
    "Math.floor": _function("math.floor({0})", "number"),
    "Math.abs": _function("math.abs({0})", "number"),
    "Math.max": _many("greatest"),
    "Math.min": _many("least"),
    "encodeURIComponent": _function("url_encode({0})", "text"),
    "DateTime.fromISO": _function("timestamp({0})", "time"),
    "DateTime.now": _now,
}
