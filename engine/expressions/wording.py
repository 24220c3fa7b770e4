"""CEL's own messages in words that a person can act on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

_TYPE_WORDS = {
    "string": "text",
    "int": "a whole number",
    "double": "a number with a point",
    "bool": "true or false",
    "null_type": "null",
    "timestamp": "a time",
    "duration": "a duration",
}


def plain_reason(reason: str, known: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    """Return (message, remedy) for one of CEL's compile errors; `known` maps message types to their fields."""
    for pattern, word in _PATTERNS:
        found = re.search(pattern, reason)
        if found:
            return word(found, known)
    return reason[0].upper() + reason[1:] + ("" if reason.endswith(".") else "."), ""


def did_you_mean(name: str, names: Sequence[str]) -> str:
    """Return a suggestion for a misspelt name, or the list of names."""
    near = get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f"Did you mean {near[0]!r}?"
    return f"There are: {', '.join(sorted(names)[:20])}." if names else ""


def _field(found: re.Match[str], known: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    return f"There is no field {found[1]!r} here.", did_you_mean(found[1], known.get(found[2], ()))


def _name(found: re.Match[str], known: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    name = found[1].split(".")[0]
    return f"There is nothing named {name!r} here.", did_you_mean(name, known.get("", ()))


def _overload(found: re.Match[str], _known: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    operator = found[1].strip("_").replace("_", " ").strip()
    kinds = [kind.strip() for kind in found[2].split(",")]
    words = " and ".join(_TYPE_WORDS.get(kind, kind) for kind in kinds)
    return f"{operator!r} does not work on {words}.", _overload_remedy(kinds)


def _overload_remedy(kinds: Sequence[str]) -> str:
    plain = {re.sub(r"wrapper\((.*)\)", r"\1", kind) for kind in kinds}
    if plain == {"int", "double"}:
        return "Write the whole number with a point, like 1.0, or convert with double(x)."
    if "string" in plain and len(plain) > 1:
        return "Turn the other side into text with string(x) or text(x)."
    return ""


def _select(found: re.Match[str], _known: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    return f"This is {_TYPE_WORDS.get(found[1], found[1])}; it has no fields.", "Take the last name off the path."


def _syntax(found: re.Match[str], _known: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    seen = re.search(r"(?:input|at|symbol:?) '?([^']*?)'?(?: expecting|$)", found[1])
    at = seen[1] if seen else ""
    place = "the end" if at in ("<EOF>", "") else repr(at)
    return f"The expression cannot be read at {place}.", "Texts stand in quotes; conditions are like a == 'b'."


def _reserved(found: re.Match[str], _known: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    return f"{found[1]!r} is a word of the expression language.", "Choose another name, or use item['name']."


_PATTERNS = (
    (r"undefined field '([^']*)' not found in struct '([^']*)'", _field),
    (r"undeclared reference to '([^']*)'", _name),
    (r"found no matching overload for '([^']*)' applied to '\((.*)\)'", _overload),
    (r"expression of type '([^']*)' cannot be the operand of a select", _select),
    (r"reserved identifier: (\w+)", _reserved),
    (r"Syntax error: (.*)", _syntax),
)
