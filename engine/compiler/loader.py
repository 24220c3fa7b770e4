"""From the text of a workflow file to its model, with every problem of its form at once."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import ValidationError

from engine.compiler.model import WorkflowModel
from engine.compiler.shapes import Fault, faults
from engine.errors import Problem
from engine.workspace.jsonfile import JsonFile, JsonPath


def problem(file: JsonFile, path: JsonPath, message: str, *, offset: int = 0, **more: str) -> Problem:
    """Return a Problem at a value of the file, with the step and field that the path leads to."""
    line, column = file.place(path, offset)
    step, field = step_and_field(file.value, path)
    return Problem(message, file=file.file, line=line, column=column, step=step, field=field, **more)


def step_and_field(document: Any, path: JsonPath) -> tuple[str | None, str | None]:
    """Return the id of the innermost step on a path, and the dotted field below it."""
    step, start, value = None, 0, document
    for depth, part in enumerate(path):
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            break
        if isinstance(part, int) and depth and path[depth - 1] == "steps" and isinstance(value, dict):
            step, start = str(value.get("id", f"number {part + 1}")), depth + 1
    return step, ".".join(str(part) for part in path[start:]) or None


def load(file: JsonFile) -> tuple[WorkflowModel | None, list[Problem]]:
    """Check the form of a parsed workflow file; return (model or None, problems)."""
    if not isinstance(file.value, dict):
        return None, [problem(file, (), "A workflow file holds one JSON object.", code="form")]
    try:
        model = WorkflowModel.model_validate(file.value)
    except ValidationError as error:
        found = faults(error, WorkflowModel, file.value)
        problems = [_form_problem(file, fault) for fault in found]
        rest = _without_strays(file.value, found)
        return rest, problems + (list(_unavailable(file, rest)) if rest else [])
    return model, list(_unavailable(file, model))


def _without_strays(document: Any, found: Sequence[Fault]) -> WorkflowModel | None:
    """Return the model of what is left without unknown fields, so that one typing error hides no other."""
    rest = copy.deepcopy(document)
    for fault in found:
        if fault.is_about_key:
            *outer, name = fault.path
            holder = rest
            for part in outer:
                holder = holder[part]
            holder.pop(name, None)
    try:
        return WorkflowModel.model_validate(rest)
    except ValidationError:
        return None


def _unavailable(file: JsonFile, model: WorkflowModel) -> Iterator[Problem]:
    if model.triggers:
        yield problem(
            file,
            ("triggers",),
            "Triggers are not available yet.",
            code="not_available_yet",
            remedy="Take the 'triggers' block out and start the workflow by hand, by API or by cron.",
        )


def _form_problem(file: JsonFile, fault: Fault) -> Problem:
    line, column = file.key_place(fault.path) if fault.is_about_key else file.place(fault.path)
    step, field = step_and_field(file.value, fault.path)
    return Problem(
        fault.message,
        code=fault.code,
        file=file.file,
        line=line,
        column=column,
        step=step,
        field=field,
        remedy=fault.remedy,
    )
