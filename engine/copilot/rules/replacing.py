"""One value in place of another one, without quotation marks: `use Tasks instead of Backlog`, `our database is Tasks`.

English and German. The old value must be one that the workflow holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from clients.wording import listed, nearest
from engine.base.json_text import JsonObject
from engine.copilot.fixes.places import MARKS, PLACES, is_name, is_vague, named_place, plain
from engine.copilot.rules.changes import set_value, values, with_value
from engine.copilot.rules.requests import NotThere, UnderstoodRequest

_I = re.IGNORECASE
_USE = re.compile(
    r"(?:please |bitte )?(?:use|take|nimm|nutze|benutze|verwende) (?P<new>[^,;!?]+?) "
    r"(?:instead of|rather than|statt|anstatt|anstelle von) (?P<old>[^,;!?]+?)(?: everywhere| überall)?",
    _I,
)
_INPUT = re.compile(r"\{\{ *inputs\.(?P<name>\w+) *\}\}")
_BEFORE = re.compile(rf"(?:(?:the|our|my|den|die|das|der|dem|unsere?n?)\s+)?(?:(?:{PLACES})\s+)?(?=\S)")


def replaced(said: str, document: JsonObject) -> UnderstoodRequest | None:
    """Return the change that is meant, None if no value is named.

    Raises NotThere for an old value that there is not.
    """
    return _used(plain(said), document) or _called(plain(said), document)


def which_value(said: str, document: JsonObject) -> str:
    """Return the question which value a name is for, "" if none is named."""
    named = named_place(said)
    if named is None:
        return ""
    field, new = named.field, named.name
    held = [one for one in _held(document, field) if one != new]
    if not held:
        return f"No step has another {field} than {new}." if _held(document, field) else f"No step has a {field}."
    return f'In place of which {field}? There are: {", ".join(held)}. Say: use "{new}" instead of "{held[0]}".'


def _used(said: str, document: JsonObject) -> UnderstoodRequest | None:
    found = _USE.fullmatch(said)
    new = _bare(found["new"]) if found is not None else ""
    if found is None or is_vague(new):
        return None
    known = list(dict.fromkeys(_texts(document)))
    old = _one_of(known, found["old"])
    if not is_name(new):
        if old is None:
            return None
        raise NotThere(f'Put the name into quotation marks: use "{new}" instead of "{old}".')
    new = new.strip(MARKS)
    if old is None:
        missing = _bare(found["old"]).strip(MARKS)
        meant = nearest(missing, known) or (known or [missing])[0]
        raise NotThere(f'No step has the value {missing!r}. Say, for example: use "{new}" instead of "{meant}".')
    ops = [set_value(step, path, with_value(value, old, new)) for step, path, value in _holding(document, old)]
    times = f", {len(ops)} times" if len(ops) > 1 else ""
    return UnderstoodRequest(f"{new} instead of {old}{times}", ops, (found[0],))


def _called(said: str, document: JsonObject) -> UnderstoodRequest | None:
    """Return the change of the one place of a kind that the workflow has; with several it is not said which one."""
    named = named_place(said)
    if named is None or not named.is_whole:
        return None
    field, new = named.field, named.name
    held = _held(document, field)
    others = [one for one in held if one != new]
    if not others or (len(held) > 1 and not named.is_everywhere):
        return None
    ops = [set_value(step, path, new) for step, path, value in _places(document, field) if value in others]
    return UnderstoodRequest(f"{field} {new} instead of {listed(others)}", ops, (said,))


def _held(document: JsonObject, field: str) -> list[str]:
    """Return the different values that steps have in a field, in their text or by an input."""
    return list(dict.fromkeys(value for _, _, value in _places(document, field)))


def _places(document: JsonObject, field: str) -> Iterator[tuple[str, list[Any], str]]:
    """Yield the texts of a field of steps, and the defaults of the inputs of its name or that it takes.

    Other expressions are left out.
    """
    known = list(values(document))
    taken = (_INPUT.fullmatch(value) for _, path, value in known if path[-1] == field and isinstance(value, str))
    inputs = {field, *(one["name"] for one in taken if one is not None)}
    for step, path, value in known:
        is_meant = path[2] in inputs if path[0] == "inputs" else path[-1] == field
        if is_meant and isinstance(value, str) and "{{" not in value:
            yield step, path, value


def _holding(document: JsonObject, old: str) -> Iterator[tuple[str, list[Any], Any]]:
    yield from (one for one in values(document) if one[2] == old or (isinstance(one[2], list) and old in one[2]))


def _texts(document: JsonObject) -> Iterator[str]:
    """Yield the texts that steps are given, expressions aside."""
    for _, _, value in values(document):
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str) and one and "{{" not in one:
                yield one


def _one_of(known: Sequence[str], said: str) -> str | None:
    """Return the value that is said, whatever its capital letters, and without `the database` before it."""
    for one in (said.strip(MARKS), _bare(said).strip(MARKS)):
        alike = [value for value in known if value.casefold() == one.casefold()]
        if one in known or len(alike) == 1:
            return one if one in known else alike[0]
    return None


def _bare(said: str) -> str:
    """Return words without `the database` before them."""
    return _BEFORE.sub("", said, count=1)
