"""The values that a workflow allows for a field (`allow`): texts, in which `*` is any part of an address or name.

A `*` does not match what ends an address or a part of one, so that `*@example.org` is one address there, and
`https://*.example.org/a` one host. Only at the end of a text, after a `/`, it matches a path of several parts, none of
which leads up.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

RECIPIENTS = ("to", "cc", "bcc")
"""The fields with the recipients of a mail."""
_ANSWERS = "in_reply_to"
"""The field whose mail names the recipient if `to` is empty."""

_PART = r"""[^\s\pZ\x{85}\x00-\x1f/\\@?#:,;<>"'()\[\]]*"""
_PATH = r"""[^\s\pZ\x{85}\x00-\x1f\\<>"']*"""
_NAMED = re.compile(r"""[^<>,;@\r\n]*<([^<>,;@\s"]+@[^<>,;@\s"]+)>\Z""")
"""An address after a name: `Ann <ann@example.org>`."""
_LOCAL = _PART.replace("[^", "[^%!")
"""Before an `@`: `x%evil.test@example.org` and `evil.test!x@example.org` ask a server to relay the mail."""
_UPWARD = re.compile(r"(?:\A|[/\\])\.{1,2}(?:[/\\?#;]|\Z)")
_OLD_ENCODINGS = re.compile(r"%(?:(c0%ae|u002e)|c0%af|c1%9c|u002f|u005c)", re.IGNORECASE)
"""A dot and slashes, as some servers read them: overlong UTF-8, and the `%u` of IIS."""
_IGNORED = re.compile(r"[\x00-\x20]+")
_MOST_ENCODINGS = 8


def faults(pattern: str) -> str:
    """Return why a pattern is not accepted; an empty text if it is."""
    if "{{" in pattern:
        return "takes no expression: what is allowed is fixed in the file"
    if not re.search(r"[^\s*@/.:]", pattern):
        return f"would allow everything: {pattern!r}"
    if "**" in pattern:
        return f"has two stars in a row, where one says the same: {pattern!r}"
    if re.search(r"(@|://)[^/]*\*\Z", pattern):
        return f"would allow other hosts, which begin like {pattern[:-1]!r}"
    return ""


def in_force(allow: Mapping[str, Sequence[str]], known: Collection[str]) -> dict[str, Sequence[str]]:
    """Return what is allowed for each field: a list for one recipient field counts for those without their own.

    `known`: the fields of the step type.
    """
    listed = tuple(dict.fromkeys(one for name in RECIPIENTS for one in allow.get(name, ())))
    others = {name: listed for name in RECIPIENTS if listed and name in known and name not in allow}
    return {**others, **allow}


def goes_to_sender(allow: Mapping[str, Sequence[str]], arguments: Mapping[str, Any]) -> bool:
    """Return whether a mail whose recipients are listed would go to the sender of the mail that it answers.

    Nobody knows that address before the call.
    """
    is_listed = any(name in allow for name in RECIPIENTS)
    return is_listed and bool(arguments.get(_ANSWERS)) and not any(one.strip() for one in _texts(arguments.get("to")))


def refused(value: Any, patterns: Sequence[str]) -> str | None:
    """Return the first text in a value that no pattern allows, None if all are allowed."""
    return next((text for text in _texts(value) if not is_allowed(text, patterns)), None)


def is_allowed(text: str, patterns: Iterable[str]) -> bool:
    """Return whether one of the patterns allows a text; upper and lower case are the same."""
    named = _NAMED.match(text)
    forms = {text, named[1]} if named else {text}
    return any(_matches(pattern, form) for pattern in patterns for form in forms)


def _matches(pattern: str, text: str) -> bool:
    if "*" not in pattern:
        return pattern.casefold() == text.casefold()
    return _expression(pattern).fullmatch(text) is not None and not _leads_up(text)


def _leads_up(text: str) -> bool:
    """Return whether some server may read a part of a path as its parent, however often it is encoded."""
    for _ in range(_MOST_ENCODINGS):
        plain = unquote(_OLD_ENCODINGS.sub(lambda found: "." if found[1] else "/", text))
        if plain == text:
            plain = _IGNORED.sub("", unicodedata.normalize("NFKC", text))  # U+2025, U+FF0E and others become dots
            return _UPWARD.search(plain) is not None
        text = plain
    return True  # nobody encodes a path so often in good faith


@lru_cache(maxsize=1_000)
def _expression(pattern: str) -> Any:
    """Return the pattern for RE2, whose time is linear: Python's own could take for ever on a text with many dashes."""
    import re2

    is_open = pattern.endswith("/*")
    first, *others = (pattern[:-1] if is_open else pattern).split("*")
    compiled: Any = re2.compile  # it has no types
    escaped: Any = re2.escape
    source = str(escaped(first))
    for place, part in enumerate(others):
        is_local = any("@" in one for one in others[place:])
        source += (_LOCAL if is_local else _PART) + escaped(part)
    return compiled("(?is)" + source + (_PATH if is_open else ""))


def _texts(value: Any) -> Iterator[str]:
    """Yield all texts and numbers in a value; empty ones decide nothing."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield str(name)
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif value is not None and value != "":
        yield value if isinstance(value, str) else str(value)
