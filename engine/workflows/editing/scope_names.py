"""The names that the fields of a step may use, with their types: what an editor offers while somebody types."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from msgspec import Struct

from engine.compiler.checks.report import StepNames
from engine.expressions.cel_types import Schema, resolved, within
from engine.expressions.function_table import FUNCTIONS, Function
from engine.expressions.origins import ITEM

MOST = 400
_DEEPEST = 3
_LONGEST_SAMPLE = 80
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_NOTHING: Any = object()
_INPUTS = "inputs"
_RARE = ("index", "key", "run", "env")
"""Variables that few fields use."""


@dataclass(frozen=True)
class OfferedName:
    """A name, as an expression has it."""

    name: str
    """Such as `steps.mails.output.messages`."""
    type: str
    """Such as `string`, `list of object`, or `any`."""
    may_be_missing: bool
    """Whether there may be no value, so that `default(…)` or a condition is needed."""
    from_outside: bool
    """Whether text that somebody else wrote may be in it, which must not decide a destination."""
    title: str
    sample: str | None
    """Its value in the last run as JSON, shortened; None if unknown."""


def scope_names(scope: StepNames, values: Mapping[str, Any]) -> list[OfferedName]:
    """Return the names in a scope, at most 400, first those that are wanted most: the output of the nearest step before
    it, the items of the loops around it, the inputs, the outputs of other steps. The fields of the first items of
    lists, such as `steps.mails.output.messages[0].subject`, are the last. The functions of the language follow.

    `values`: of the last run, as far as known: {"inputs": …, "steps": {id: output}}.
    """
    every = [*_all(scope)]
    ordered = sorted(every, key=lambda one: one[0].is_of_item)
    return [*(_named(name, missing or name.is_of_item, values, scope) for name, missing in ordered[:MOST]), *_CALLS]


def _call(one: Function) -> OfferedName:
    """Return a function as its example calls it, with what that gives."""
    said = f"{one.doc}: {one.example} is {one.gives}"
    return OfferedName(one.written, "function", may_be_missing=False, from_outside=False, title=said, sample=None)


_CALLS = tuple(map(_call, FUNCTIONS))


def _all(scope: StepNames) -> Iterator[tuple[_Found, bool]]:
    nearest_first = [*scope.steps][::-1]
    own = [name for name in reversed([*scope.variables]) if name != _INPUTS and name not in _RARE]
    for step in nearest_first[:1]:
        yield from _of_step(scope, step)
    for variable in (*own, _INPUTS):
        yield from _of_variable(scope, variable)
    for step in nearest_first[1:]:
        yield from _of_step(scope, step)
    for variable in _RARE:
        yield from _of_variable(scope, variable)


def _of_variable(scope: StepNames, variable: str) -> Iterator[tuple[_Found, bool]]:
    if variable in scope.variables:
        for one in _inside(_Found(variable, scope.variables[variable], (variable,))):
            yield one, False


def _of_step(scope: StepNames, step: str) -> Iterator[tuple[_Found, bool]]:
    whole = _Found(f"steps.{step}.output", scope.steps[step], ("steps", step, "output"))
    missing = scope.may_be_missing(whole.name)
    for one in _inside(whole):
        yield one, missing or (one.depth == 1 and scope.may_be_missing(one.name))


class _Found(Struct, frozen=True):
    name: str
    schema: Schema
    path: tuple[str, ...]
    depth: int = 0

    @property
    def is_of_item(self) -> bool:
        """Whether it is in an item of a list, which may be empty."""
        return ITEM in self.path


def _inside(whole: _Found) -> Iterator[_Found]:
    """Yield a value and the fields in it."""
    yield whole
    schema = resolved(whole.schema)
    properties = schema.get("properties")
    if whole.depth < _DEEPEST and isinstance(properties, Mapping):
        for key, inner in properties.items():
            name = f"{whole.name}.{key}" if _PLAIN.match(key) else f"{whole.name}[{json.dumps(key)}]"
            yield from _inside(_Found(name, within(schema, inner), (*whole.path, key), whole.depth + 1))
    items = schema.get("items")
    if schema.get("type") == "array" and isinstance(items, Mapping) and not whole.is_of_item:
        first = _Found(f"{whole.name}[0]", within(schema, items), (*whole.path, ITEM), _DEEPEST - 1)
        yield from islice(_inside(first), 1, None)  # its fields, not the item as a whole


def _named(found: _Found, is_missing: bool, values: Mapping[str, Any], scope: StepNames) -> OfferedName:  # noqa: FBT001
    schema = resolved(found.schema)
    title = schema.get("title") or schema.get("description") or ""
    is_outside = scope.is_from_outside(found.path)
    return OfferedName(found.name, type_of(schema), is_missing, is_outside, str(title), _sample(found.path, values))


def type_of(schema: Schema) -> str:
    """Return the type of a value in a word or two: `string`, `list of object`, `any`."""
    schema = resolved(schema)
    kind = schema.get("type")
    kinds = [kind] if isinstance(kind, str) else kind if isinstance(kind, list) else []
    words = [_list_type(schema) if one == "array" else str(one) for one in kinds]
    return " or ".join(words) or "any"


def _list_type(schema: Schema) -> str:
    items = schema.get("items")
    inner = resolved(within(schema, items)).get("type") if isinstance(items, Mapping) else None
    return f"list of {inner}" if isinstance(inner, str) else "list"


def _sample(path: Sequence[str], values: Mapping[str, Any]) -> str | None:
    is_step = path[0] == "steps"
    value: Any = values
    for part in (*path[:2], *path[3:]) if is_step else path:  # without `output`
        if part == ITEM and isinstance(value, list) and value:
            value = value[0]
        else:
            value = value.get(part, _NOTHING) if isinstance(value, Mapping) else _NOTHING
    if value is _NOTHING or isinstance(value, Mapping | list):
        return None
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_SAMPLE else f"{text[:_LONGEST_SAMPLE]}…"
