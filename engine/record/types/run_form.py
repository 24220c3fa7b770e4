"""Check that a document has the form of a run, so that nothing acts on a log that somebody has damaged."""

from __future__ import annotations

import types
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Literal, NotRequired, TypeGuard, Union, get_args, get_origin

import msgspec
from typing_extensions import TypedDict, get_type_hints, is_typeddict

from engine.base.definitions import PromptDefinition, WorkflowDefinition
from engine.base.step_path import StepPath
from engine.base.typed_json import decoder_of
from engine.record.types.run import Run

_MOMENT = Annotated[datetime, msgspec.Meta(tz=True)]
_OPEN: frozenset[Any] = frozenset({WorkflowDefinition, PromptDefinition})
"""Checked when they were saved; readers skip what does not fit."""


def is_run(document: Any, faults: list[str]) -> TypeGuard[Run]:
    """Return whether a document has the form of a run; else add to `faults` what is wrong, and where."""
    try:
        msgspec.convert(document, _run_form())
        for step in document["steps"]:
            StepPath.parse(step["path"])
    except ValueError as error:  # also msgspec's ValidationError, which ends with the place
        faults.append(str(error).removesuffix("."))
    return not faults


@cache
def _run_form() -> Any:
    form = _form(Run, "")
    decoder_of(form)
    return form


def _form(kind: Any, name: str) -> Any:
    """Return a type as msgspec checks it: without ReadOnly, and with texts named `…_at` as times."""
    if kind in _OPEN:
        return Mapping[str, Any]
    if is_typeddict(kind):
        return _members(kind)
    if kind is str:
        return _MOMENT if name.endswith("_at") else str
    origin, parts = get_origin(kind), get_args(kind)
    if origin is None or origin is Literal:
        return kind
    if origin not in (Union, types.UnionType):
        return origin[tuple(_form(part, name) for part in parts)]
    if sum(map(is_typeddict, parts)) > 1:  # msgspec could not tell them apart
        parts = (Mapping[str, Any], *(part for part in parts if not is_typeddict(part)))
    return Union[tuple(_form(part, name) for part in parts)]  # noqa: UP007 - the parts are known only now


@cache
def _members(kind: Any) -> Any:
    members = {name: _form(hint, name) for name, hint in get_type_hints(kind).items()}
    known = {name: one if name in kind.__required_keys__ else NotRequired[one] for name, one in members.items()}
    return TypedDict(kind.__name__, known)  # type: ignore[operator]  # made of a type that exists
