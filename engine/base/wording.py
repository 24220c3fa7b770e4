"""Words for names and values: what was probably meant, lists of names, and the kinds of values."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

_MOST_LISTED = 20
_LONGEST_NAME, _MOST_NAMES = 200, 1_000  # limits of the comparison letter by letter
_MANY_NAMES = 100
"""Of more names than these, only those of the same first letter are compared: a file may have thousands of faults."""
_PLAIN_MEMBER = re.compile(r"[^\s.\[\]\"']+")
_VALUE_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text", list: "a list"}


_WORD = re.compile(r"[a-z]{2,}(_[a-z]{2,})*\Z")


def noun(name: str, otherwise: str) -> str:
    """Return the name of a step or loop variable as a word, or `otherwise` if it is not a word (`x`, `step2`)."""
    return name.replace("_", " ") if _WORD.match(name) else otherwise


def kind_of(value: Any) -> str:
    """Return the type of a JSON value for use in a sentence: "text", "a whole number", "a list"."""
    return "null" if value is None else _VALUE_WORDS.get(type(value), "an object")


def member_path(path: str, name: str) -> str:
    """Return the path of a member of a value, as expressions have it; a name that is no single word is in brackets."""
    if not _PLAIN_MEMBER.fullmatch(name):
        return f"{path}[{json.dumps(name, ensure_ascii=False)}]"
    return f"{path}.{name}" if path else name


def number_text(value: float) -> str:
    """Return a number with all its digits: "31622400", "0.5"."""
    return str(int(value)) if float(value).is_integer() else f"{value:.15g}"


_NEAR = 0.65
"""The share of letters in common, in order, from which two names are near: `nope` and `openai` have 0.6."""


def nearest(name: str, names: Sequence[str]) -> str | None:
    """Return the name that was probably meant: one that differs in few letters, or the long form of a short one."""
    if len(name) > _LONGEST_NAME:
        return None
    if len(names) > _MANY_NAMES:
        names = [one for one in names if one[:1].lower() == name[:1].lower()]
    names = [one for one in names[:_MOST_NAMES] if len(one) <= _LONGEST_NAME]
    from difflib import get_close_matches  # here: most processes never compare names

    near = [one for one in names if one.lower() == name.lower()] or get_close_matches(name, names, n=1, cutoff=_NEAR)
    if near:
        return near[0]
    begun = [one for one in names if min(len(one), len(name)) > 2 and (one.startswith(name) or name.startswith(one))]
    return begun[0] if len(begun) == 1 else None


def listed(names: Sequence[str]) -> str:
    """Return the names separated by commas; a long list ends with the number of remaining names."""
    more = len(names) - _MOST_LISTED
    return ", ".join(names[:_MOST_LISTED]) + (f", … and {more} more" if more > 0 else "")


def did_you_mean(name: str, names: Sequence[str]) -> str:
    """Return a suggestion for a misspelt name, or the list of names."""
    near = nearest(name, names)
    if near is not None:
        return f"Did you mean {near!r}?"
    return f"There are: {listed(sorted(names))}." if names else ""
