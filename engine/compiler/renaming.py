"""Rename a step: the compiler finds every place in the workflow that refers to it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from engine.base.errors import InUse, InvalidFile, InvalidInput, UnknownName
from engine.compiler.checks.report import StepName
from engine.compiler.compiler import read_workflow
from engine.compiler.definition.environment import Surroundings
from engine.compiler.definition.loader import load
from engine.compiler.definition.model import WorkflowModel, step_id_fault
from engine.documents.json_file import JsonFile, JsonPath, parse
from engine.expressions.templates import Token, tokens

T = TypeVar("T")
_QUOTES = "'\""


def renamed_step(file: JsonFile, name: str, around: Surroundings, old: str, new: str) -> dict[str, Any]:
    """Return the document of a workflow in which the step `old` is called `new`.

    Texts that only look like the id are kept. Raises UnknownName, InvalidInput (not an id, or the same), InUse (the id
    of another step), InvalidFile (the workflow has errors, so that not all references could be found).
    """
    compiled, report = read_workflow(file, name, around)
    model = load(file).model
    if compiled.plan is None or report is None or model is None:
        raise InvalidFile.of(file.file, compiled.problems)
    _check_ids([node.step.id for node in model.nodes()], old, new)
    document: dict[str, Any] = copy.deepcopy(file.value)
    for path, names in _by_place(report.step_names, old).items():
        holder = _at(document, path[:-1])
        holder[path[-1]] = _rewritten(holder[path[-1]], names, old, new)
    _rename_ids(document, model, old, new)
    _check(document, file, name, around)
    return document


def renamed_paths(positions: Mapping[str, T], old: str, new: str) -> dict[str, T]:
    """Return the positions of a drawing, with the new paths of the steps."""
    return {".".join(new if part == old else part for part in path.split(".")): xy for path, xy in positions.items()}


def _check_ids(ids: Sequence[str], old: str, new: str) -> None:
    if old not in ids:
        raise UnknownName("step", old, ids)
    if new == old:
        raise InvalidInput(f"The step is called {old!r} already.", remedy="Choose another id.", field="new")
    if new in ids:
        raise InUse(f"There is already a step {new!r}.", remedy="Choose another id.")
    fault = step_id_fault(new)
    if fault is not None:
        raise InvalidInput(f"The id of a step {fault[0]}, not {new!r}.", remedy=fault[1], field="new")


def _by_place(names: Sequence[StepName], old: str) -> dict[JsonPath, list[StepName]]:
    found: dict[JsonPath, list[StepName]] = {}
    for one in names:
        if one.step == old:
            found.setdefault(one.path, []).append(one)
    return found


def _rewritten(text: str, names: Sequence[StepName], old: str, new: str) -> str:
    """Return a text with the id replaced at its occurrences in the syntax tree."""
    for token in sorted({_token(text, one, old) for one in names}, key=lambda one: one.offset, reverse=True):
        begin = token.offset + token.text.index(old)
        text = text[:begin] + new + text[begin + len(old) :]
    return text


def _token(text: str, name: StepName, old: str) -> Token:
    """Return the token of the id: the one behind a dot or bracket; for has(a.b) the last in the argument."""
    following = tokens(text, name.offset)
    if name.is_asked:
        following = iter(_in_brackets(following)[::-1])
    return next(one for one in following if _is(one, old))


def _in_brackets(following: Iterator[Token]) -> list[Token]:
    inside: list[Token] = []
    depth = 0
    for token in following:
        depth += {"open": 1, "close": -1}.get(token.kind, 0)
        if depth == 0:
            break
        inside.append(token)
    return inside


def _is(token: Token, name: str) -> bool:
    return token.kind in ("name", "string") and token.text.strip(_QUOTES) == name


def _rename_ids(document: Any, model: WorkflowModel, old: str, new: str) -> None:
    for node in model.nodes():
        step, written = node.step, _at(document, node.place)
        if step.id == old:
            written["id"] = new
        if step.needs is not None:
            written["needs"] = [new if one == old else one for one in step.needs]


def _check(document: Any, file: JsonFile, name: str, around: Surroundings) -> None:
    """Raise an error unless the result compiles."""
    text = json.dumps(document, ensure_ascii=False, indent=2)
    compiled, _ = read_workflow(parse(text, file.file), name, around)
    if compiled.plan is None:
        raise InvalidFile.of(file.file, compiled.problems)


def _at(document: Any, path: JsonPath) -> Any:
    for part in path:
        document = document[part]
    return document
