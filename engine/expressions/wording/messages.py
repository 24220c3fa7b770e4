"""Translate CEL's messages into plain words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from clients.wording import did_you_mean
from engine.expressions.functions.lists import ARRANGE
from engine.expressions.functions.refused import REFUSED
from engine.expressions.wording.kinds import index_words, join_words, overload_remedy, refusal, split_kinds, word

_LONG_WORD = re.compile(r"[^\s'\"]{201,}")


def plain_reason(reason: str, known: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    """Return (message, remedy) for one of CEL's compile errors; `known` maps message types to their fields."""
    return _worded(reason, _PATTERNS, known)


def without_code(text: str) -> str:
    """Return CEL's message without its status code."""
    return re.sub(r"^[A-Z_]+: |\s*\[[A-Z_]+\]$", "", text.splitlines()[0] if text else "no reason given")


def plain_failure(reason: str) -> tuple[str, str]:
    """Return (message, remedy) for one of CEL's runtime errors."""
    return _worded(reason, _FAILURES, {})


def _worded(reason: str, patterns: Sequence[Any], known: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    reason = _LONG_WORD.sub(lambda found: f"{found[0][:80]}…", reason)  # the patterns take time for each letter
    for pattern, words in patterns:
        found = re.search(pattern, reason)
        if found:
            message, remedy = words(found, known) if callable(words) else words
            return message, remedy
    return reason[:1].upper() + reason[1:] + ("" if reason.endswith(".") else "."), ""


_NOT_THE_LAST = "Take the last name off the path."
NOTHING_YET = "There is nothing to name yet; take it out."


def _field(found: re.Match[str], known: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    remedy = did_you_mean(found[1], known.get(found[2], ()))
    return f"There is no field {found[1]!r} here.", remedy or NOTHING_YET


def _name(found: re.Match[str], known: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    name = found[1].split(".")[0]
    return f"There is nothing named {name!r} here.", did_you_mean(name, known.get("", ()))


def _overload(found: re.Match[str], _known: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    return refusal(found[1], split_kinds(found[2]))


def _select(found: re.Match[str], _known: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    seen = word(found[1])
    remedy = "Name an item first, like x[0], or go through all of them: x.map(i, i.name)."
    return f"This is {seen}; it has no fields.", remedy if seen == "a list" else _NOT_THE_LAST


def _range(found: re.Match[str], _known: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    said = f"This goes through a list, and what stands here is {word(found[1])}."
    return said, "Name a list, or write one: [a, b]."


def _syntax(found: re.Match[str], _known: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    seen = re.search(r"(?:input|at|symbol:?) '?([^']*?)'?(?: expecting|$)", found[1])
    at = seen[1] if seen else ""
    place = "the end" if at in ("<EOF>", "") else repr(at)
    return f"The expression cannot be read at {place}.", "Texts stand in quotes; conditions are like a == 'b'."


def _reserved(found: re.Match[str], _known: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    return f"{found[1]!r} is a word of the expression language.", "Choose another name, or use item['name']."


def _index(found: re.Match[str], _known: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    index, size = int(found[1]), int(found[2])
    holds = "is empty" if size == 0 else f"has {size} item{'s' * (size != 1)}, counted from 0"
    return f"There is no item {index} in the list: it {holds}.", "Ask size(list) first, like size(x) > 0 ? x[0] : …"


def _key(found: re.Match[str], _known: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    return f"There is no {found[1]!r} in the object.", f"Use default(path.{found[1]}, value) where it may be missing."


def _index_kind(found: re.Match[str], _known: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    return index_words(word(found[1]))


def _no_overload(found: re.Match[str], _known: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    target, name, kinds = found[1], found[2], split_kinds(found[3])
    kinds = ([target] if target else []) + kinds
    if name in ("_?._", "_[?_]"):
        return f"This is {word(kinds[0])}; it has no field or item of that name.", _NOT_THE_LAST
    if name == ARRANGE:
        return (
            f"This goes through a list, and what stands here is {word(kinds[1])}.",
            "Name a list, or write one: [a, b].",
        )
    operator = name.strip("_@").replace("_", " ").strip() or name
    words = " and ".join(map(word, kinds)) or "this"
    return f"{operator!r} does not work on {words}.", overload_remedy(kinds)


def _no_overload_kind(found: re.Match[str], _known: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    name = found[1]
    if name in ("<jump_condition>", "_&&_", "_||_", "!_", "<not_strictly_false>"):
        return "A condition is neither true nor false.", "Compare it with something, like x == 'yes' or x != null."
    if name == "<iter_range>":
        return "This goes through a list, but the value is not a list.", "Look at the value; lists are written [a, b]."
    if name in ("_?._", "_[?_]"):
        return "It is neither an object nor a list.", _NOT_THE_LAST
    if name == "join":
        return join_words("a list with others")
    operator = {"@in": "in", "_[_]": "[ ]"}.get(name, name.strip("_"))
    return f"{operator!r} does not work on this kind of value.", "Look at the kinds of the values it is used on."


def _conversion(found: re.Match[str], _known: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    return f"{word(found[1]).capitalize()} cannot be turned into {word(found[2])}.", "Look at the text it is made of."


def _moment(found: re.Match[str], _known: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    wanted = {"Timestamp": "a time", "Duration": "a duration"}[found[1]]
    example = {"Timestamp": "2026-11-20T09:00:00Z", "Duration": "90s"}[found[1]]
    return f"The text is not {wanted}.", f"Write it like {example!r}."


def _container(found: re.Match[str], _known: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    return f"This is {word(found[1])}; only a list or an object has items.", "Take the brackets off."


def _item_name(found: re.Match[str], _known: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    return f"The first word in {found[1]}() names the item; it is one plain name.", f"Write x.{found[1]}(item, …)."


def _pattern(found: re.Match[str], _known: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    remedy = "Patterns are RE2: https://github.com/google/re2/wiki/Syntax; a sign that means itself has \\ before it."
    return f"The pattern is not a regular expression: {found[1].rstrip('.')}.", remedy


def _part_of_text(found: re.Match[str], _known: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    begin, end, size = map(int, found.groups())
    call = f"substring({begin}, {end})"
    if begin < 0:
        return f"{call} begins before the text.", "Characters are counted from 0."
    if end < begin:
        return f"{call} ends before it begins.", "Give the lower place first."
    has = f"{size} character{'s' * (size != 1)}"
    return f"{call} ends after the text, which has {has}.", f"Ask size(x) first, like size(x) > {end} ? … : x."


def _missing_value(found: re.Match[str], _known: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    return f"There is no value number {int(found[1]) + 1} for the text.", _FORMAT


def _clause(found: re.Match[str], _known: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    return f"The text has '%{found[1]}', which has no value.", _FORMAT


def _clause_kind(found: re.Match[str], _known: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    clause = {"decimal": "%d", "hex": "%x", "octal": "%o", "binary": "%b"}.get(found[1].lower(), "%e or %f")
    return f"{clause} does not take {word(found[2])}.", _ANY_VALUE


def _extreme(found: re.Match[str], _known: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    name = {"max": "greatest", "min": "least"}.get(found[1], found[1])
    said = f"math.{name} takes numbers, or a list of numbers that is not empty."
    return said, f"Ask first: size(x) > 0 ? math.{name}(x) : 0; double(x) makes a number of a text."


_EXTREMES = (r"^math\.@?(\w+)(?:\(\))? .*?(?:empty|numeric|single)", _extreme)
_ANY_VALUE = "%s takes any value; double(x) makes a number of a text."
_FORMAT = "Write %s for each value of the list, and %% for a percent sign."
_RANGE = "Whole numbers lie between -2^63 and 2^63 - 1."
_TOO_LARGE = ("The whole number does not fit into 64 bits.", _RANGE)
_NO_TIME = ("The time is before the year 1 or after the year 9999.", "Look at the time, and at what is added to it.")
_NO_DURATION = ("The duration is longer than 10,000 years.", "Write a shorter one.")
_TOO_LARGE_RESULT = (
    "The result does not fit into 64 bits.",
    f"{_RANGE} Durations that are calculated are at most 292 years long.",
)
_PATTERNS = (
    (r"invalid u?int literal", _TOO_LARGE),
    (r"(\w+)\(\) variable name must be a simple identifier", _item_name),
    (
        r"has\(\) argument must be a field selection",
        ("has() asks for a field.", "Write it like has(steps.read.output); of a list ask size(x) > 0."),
    ),
    _EXTREMES,
    (r"undefined field '([^']*)' not found in struct '([^']*)'", _field),
    (r"undeclared reference to '([^']*)'", _name),
    (r"found no matching overload for '([^']*)' applied to '\((.*)\)'", _overload),
    (r"expression of type '([^']*)' cannot be the operand of a select", _select),
    (r"expression of type '([^']*)' cannot be the range of a comprehension", _range),
    (r"reserved identifier: (\w+)", _reserved),
    (r"Syntax error: (.*)", _syntax),
)
_FAILURES = (
    (REFUSED, lambda found, _known: found.groups()),
    (
        "Unable to convert function return value",
        ("The result is a value that may be missing.", "Say what stands in for it: x.orValue('')"),
    ),
    (
        r"^Iteration budget exceeded",
        (
            "Its map, filter, all and exists go through more than the limit of 10,000 items together.",
            "Go through the items with foreach, or take less at once.",
        ),
    ),
    (
        r"truth values as keys: \d+ lost",
        (
            "This object has keys such as 1 and true side by side, which cannot be distinguished here.",
            "Write the keys as text: {'1': …, 'true': …}.",
        ),
    ),
    (r"^Index error: index=(-?\d+) size=(\d+)", _index),
    (r"^Index error: expected integer type, got (\w+)", _index_kind),
    (r"^Key not found in map : \"?(.*?)\"?$", _key),
    (
        r"^Applying SELECT to non-message type",
        ("It is not an object; it has no fields.", _NOT_THE_LAST),
    ),
    (r"^No matching overloads found : (?:\((\w+)\)\.)?([^\s(]+)\((.*)\)$", _no_overload),
    (r"^No matching overloads found : (\S+)", _no_overload_kind),
    (
        r"construction from null is not valid",
        (
            "A text has half of a character in it (a surrogate without its other half).",
            "Look where the text comes from: it was cut within a character, or is not Unicode.",
        ),
    ),
    (r"^(?:divide|modulus) by zero", ("This divides by zero.", "Guard it: y == 0 ? 0 : x / y.")),
    (r"timestamp overflow", _NO_TIME),
    (r"[Dd]uration .*(?:above|below) m\w+ allowed duration", _NO_DURATION),
    (r"integer overflow", _TOO_LARGE_RESULT),
    (r"out of u?int64 range", _TOO_LARGE),
    (r"^[Ii]nvalid regular expression: (.*)", _pattern),
    (r"^[Ii]nvalid timezone", ("There is no such time zone.", "Write one such as 'Europe/Berlin' or '+02:00'.")),
    (
        r"null stands in the middle",
        ("A null stands in the middle of text.", "Say what stands there: x == null ? 'text' : x"),
    ),
    (r"^index (\d+) out of range", _missing_value),
    (r"^unexpected end of format string", ("The text ends with a single '%'.", _FORMAT)),
    (r'^unrecognized formatting clause "(.*)"', _clause),
    (r"^(\w+) clause can only be used on .* was given (\w+)", _clause_kind),
    (r'^only "NaN", .* are supported', ("%e and %f take a number, and this is text.", _ANY_VALUE)),
    _EXTREMES,
    (r"^cannot convert (\w+) to (\w+)", _conversion),
    (r"^Type conversion error from '(\w+)' to '(\w+)'", _conversion),
    (r"^String to (Timestamp|Duration) conversion failed", _moment),
    (r"^Invalid container type: '(\w+)'", _container),
    (r"^substring: (-?\d+) to (-?\d+) of (\d+)", _part_of_text),
    (
        r"<\w+> is less than 0|^index out of range: -",
        ("Characters are counted from 0; a negative number is not a place.", "Count from 0."),
    ),
    (
        r"is greater than <string>\.size|^index out of range",
        ("The text is shorter than that.", "Ask size(text) first."),
    ),
)
