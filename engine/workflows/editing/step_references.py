"""Which steps the fields of a step name, as they are written: also where the workflow has problems."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.base.errors import ExpressionError
from engine.base.step_tree import ON_ERROR
from engine.expressions.templates import Token, parts, tokens

_OTHERS = frozenset({"steps", ON_ERROR})
"""The keys of a step that contain other steps."""
_QUOTES = "'\""


@dataclass(frozen=True)
class StepReference:
    """A reference to a step, and the field that has it, such as `with.title`."""

    step: str
    field: str


def reads_of(step: Mapping[str, Any], ids: Container[str]) -> list[StepReference]:
    """Return the references of a step to those with these ids, each once, in the order of its fields."""
    fields = {key: value for key, value in step.items() if key not in _OTHERS}
    found = (StepReference(name, field) for field, text in _texts(fields, "") for name in _named(text) if name in ids)
    return list(dict.fromkeys(found))


def _texts(value: Any, field: str) -> Iterator[tuple[str, str]]:
    """Yield (field, text) of each text with an expression in a value."""
    if isinstance(value, str):
        if "{{" in value:
            yield field, value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _texts(one, f"{field}.{key}" if field else str(key))
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one, field)


def _named(text: str) -> Iterator[str]:
    """Yield the ids that follow `steps` in the expressions of a text."""
    try:
        found = [part.text for part in parts(text) if part.is_expression]
    except ExpressionError:  # it does not end: the problems say where
        return
    for expression in found:
        run = [token for token in tokens(expression) if token.kind != "space"]
        for position, token in enumerate(run):
            if token.text == "steps" and token.kind == "name" and (position == 0 or run[position - 1].text != "."):
                yield from _id(run[position + 1 : position + 4])


def _id(run: list[Token]) -> Iterator[str]:
    """Yield the id behind `steps`: in `.id`, `.?id`, `["id"]`."""
    if run and run[0].text in (".", "["):
        name = next((one for one in run[1:] if one.kind in ("name", "string")), None)
        if name is not None:
            yield name.text.strip(_QUOTES)
