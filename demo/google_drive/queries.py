"""The queries and field masks of the stand-in for Google Drive, as far as steps use them.

https://developers.google.com/workspace/drive/api/guides/ref-search-terms
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from demo.service import Refused

Item = dict[str, Any]
Test = Callable[[Item], bool]
_TEXT = r"'((?:[^'\\]|\\['\\])*)'"
_TERMS: list[tuple[re.Pattern[str], Callable[..., Test]]] = [
    (re.compile(rf"{_TEXT} in parents"), lambda parent: lambda one: one["parent"] == parent),
    (re.compile(rf"name = {_TEXT}"), lambda name: lambda one: one["name"].lower() == name.lower()),
    (re.compile(rf"name contains {_TEXT}"), lambda start: lambda one: _has_word(one["name"], start)),
    (re.compile(rf"mimeType = {_TEXT}"), lambda kind: lambda one: one["mimeType"] == kind),
    (re.compile(rf"mimeType != {_TEXT}"), lambda kind: lambda one: one["mimeType"] != kind),
    (re.compile(r"trashed = false"), lambda: lambda one: not one["trashed"]),
    (
        re.compile(rf"appProperties has \{{ key={_TEXT} and value={_TEXT} \}}"),
        lambda key, value: lambda one: one["marks"].get(key) == value,
    ),
]


def parsed(query: str) -> Test:
    """Return the test of a query whose terms are joined by `and`. Raises Refused 400."""
    tests: list[Test] = []
    rest = query
    while True:
        match, make = next(((found, make) for term, make in _TERMS if (found := term.match(rest))), (None, None))
        if match is None or make is None:
            raise Refused(400, f"Invalid Value: {rest!r}")
        tests.append(make(*(re.sub(r"\\(.)", r"\1", one) for one in match.groups())))
        rest = rest[match.end() :]
        if not rest:
            return lambda one: all(test(one) for test in tests)
        if not rest.startswith(" and "):
            raise Refused(400, f"Invalid Value: {rest!r}")
        rest = rest.removeprefix(" and ")


def _has_word(name: str, start: str) -> bool:
    """Return whether a word of a name begins with `start`: Drive does not search inside words."""
    return any(word.startswith(start.lower()) for word in name.lower().split())


def masked(value: Any, mask: str) -> Any:
    """Return the members that a mask names, such as `id,files(name,user/email)`; unknown ones are refused."""
    if isinstance(value, list):
        return [masked(one, mask) for one in value]
    kept: Item = {}
    for name, inner in _members(mask):
        if name in value:
            kept[name] = masked(value[name], inner) if inner else value[name]
    return kept


def _members(mask: str) -> list[tuple[str, str]]:
    """Return the names of a mask, each with the mask of its members."""
    parts, depth, start = [], 0, 0
    for at, sign in enumerate(f"{mask},"):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if sign == "," and depth == 0:
            parts.append(mask[start:at])
            start = at + 1
    if depth or not all(parts):
        raise Refused(400, f"Invalid field selection {mask}")
    return [_member(part) for part in parts]


def _member(part: str) -> tuple[str, str]:
    if part.endswith(")"):
        name, _, inner = part.partition("(")
        return name, inner[:-1]
    name, _, inner = part.partition("/")
    return name, inner
