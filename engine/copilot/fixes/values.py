"""Fixes of values: of another type than the field takes, misspelt, or beyond its limits."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from clients.wording import likeness, nearest
from engine.compiler.definition.identifiers import name_fault
from engine.compiler.definition.step_model import STEP_FIELDS
from engine.copilot.fixes.records import Idea
from engine.copilot.fixes.schemas import schemas_of
from engine.copilot.fixes.seen import SeenProblem
from engine.expressions.cel_types import Schema

_NUMBER = re.compile(r"-?\d{1,18}(\.\d{1,18})?\Z")  # 18 digits always fit in 64 bits
_ONLY_IN_LOOPS = tuple(name for name, one in STEP_FIELDS.items() if one.only_with == "foreach")
_ALIKE = 0.7
"""How much of a misspelt option must be right."""


def converted(seen: SeenProblem) -> Iterator[Idea]:
    """A value of the wrong type, where the conversion is certain; one of a list of options; one within the limits."""
    for value in [*_options(seen), *_bounded(seen), *_conversions(seen.value)]:
        yield seen.writing(value)
    yield from _without_strays(seen)
    yield from _named(seen)


def misspelt_constant(seen: SeenProblem) -> Iterator[Idea]:
    """A status that does not exist, in a comparison."""
    if not isinstance(seen.value, str):
        return
    for found in re.finditer(r"'([a-z_]+)'|\"([a-z_]+)\"", seen.value):
        near = nearest(found[1] or found[2], ["succeeded", "skipped", "failed"])
        if near is not None and near not in found[0]:
            begin, end = found.start() + 1, found.end() - 1
            new = f"{seen.value[:begin]}{near}{seen.value[end:]}"
            yield seen.writing(new, f"Write {near!r} instead of {found[0][1:-1]!r}")


def _conversions(value: Any) -> Iterator[Any]:
    match value:
        case bool():
            yield "true" if value else "false"
        case int() | float():
            if isinstance(value, float) and value.is_integer():
                yield int(value)
            yield json.dumps(value)
        case str():
            yield from _of_text(value)
        case [one]:
            yield one
    if not isinstance(value, list):
        yield [value]


def _of_text(text: str) -> Iterator[Any]:
    plain = text.strip()
    if plain.casefold() in ("true", "false"):
        yield plain.casefold() == "true"
    if _NUMBER.match(plain):
        yield float(plain) if "." in plain else int(plain)
    if plain[:1] in "[{" and not plain.startswith("{{"):
        with suppress(ValueError):
            yield json.loads(plain)
    if "," in plain and "{{" not in plain:
        yield [one.strip() for one in plain.split(",") if one.strip()]


def _options(seen: SeenProblem) -> Iterator[Any]:
    """Yield the option that was probably meant, or the only one."""
    options = [one for schema in schemas_of(seen) for one in _listed(schema)]
    if len(options) == 1 and options[0] != seen.value:
        yield options[0]
    if not isinstance(seen.value, str):
        return
    written = seen.value.strip()
    found = nearest(written, [one for one in options if isinstance(one, str)])
    if found is not None and found != seen.value and _is_alike(written.casefold(), found.casefold()):
        yield found


def _is_alike(written: str, option: str) -> bool:
    return likeness(written)(option) >= _ALIKE or option.startswith(written)


def _listed(schema: Schema) -> Sequence[Any]:
    return [*schema.get("enum", []), *([schema["const"]] if "const" in schema else [])]


def _bounded(seen: SeenProblem) -> Iterator[Any]:
    """Yield the limit that a number is beyond."""
    if isinstance(seen.value, bool) or not isinstance(seen.value, int | float):
        return
    for schema in schemas_of(seen):
        least, most = schema.get("minimum"), schema.get("maximum")
        if least is not None and seen.value < least:
            yield least
        if most is not None and seen.value > most:
            yield most


def _without_strays(seen: SeenProblem) -> Iterator[Idea]:
    """A step with keys that go only with a loop."""
    node = seen.node
    if node is None or seen.path != node.place or "foreach" in node.step.json:
        return
    stray = [one for one in _ONLY_IN_LOOPS if one in node.step.json]
    if stray:
        ops = [seen.unset((*node.place, one)) for one in stray]
        yield Idea(f"Take {', '.join(map(repr, stray))} out", ops)


def _named(seen: SeenProblem) -> Iterator[Idea]:
    """A name that expressions cannot contain."""
    if seen.key not in ("id", "as") or not isinstance(seen.value, str):
        return
    new = _plain_name(seen.value)
    for name in (new, f"my_{new}") if new else _of_type(seen):
        if name != seen.value and name_fault(name) is None and name not in seen.around.ids:
            yield _with_name(seen, name)


def _of_type(seen: SeenProblem) -> list[str]:
    """Return a name by what the step does, for one with no letter from a to z: `create_issue`."""
    name = _plain_name(seen.node.step.uses.rpartition(".")[2] if seen.node is not None else "") or "step"
    return [one for one in (name, *(f"{name}_{n}" for n in range(2, 1_000))) if one not in seen.around.ids][:1]


def _plain_name(text: str) -> str:
    """Return the letters from a to z and the digits of a text as a name; empty if it has neither."""
    plain = unicodedata.normalize("NFKD", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)).lower()
    without_marks = "".join(one for one in plain if not unicodedata.combining(one))
    return re.sub(r"[^a-z0-9]+", "_", without_marks).strip("_").lstrip("0123456789_")


def _with_name(seen: SeenProblem, name: str) -> Idea:
    if seen.key == "id" and seen.node is not None:
        ops = [{"op": "rename", "step": seen.node.step.id, "to": name}]
        return Idea(f"Call the step {name!r}", ops)
    return seen.writing(name)
