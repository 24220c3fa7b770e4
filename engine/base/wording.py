"""Words for names, paths and values."""

from __future__ import annotations

import json
import re
from typing import Any

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
