"""From the text of a workflow file to its model, with every problem of its form at once."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError

from engine.errors import Problem
from engine.jsonfile import JsonFile, JsonPath
from engine.model import StepModel, WorkflowModel

_STEP_KEYS = [field.alias or name for name, field in StepModel.model_fields.items()]
_FILE_KEYS = list(WorkflowModel.model_fields)


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
        return None, list(form_problems(file, error, WorkflowModel))
    problems = list(_unavailable(file, model))
    return model, problems


def _unavailable(file: JsonFile, model: WorkflowModel) -> Iterator[Problem]:
    if model.triggers:
        yield problem(
            file,
            ("triggers",),
            "Triggers are not available yet.",
            code="not_available_yet",
            remedy="Take the 'triggers' block out and start the workflow by hand, by API or by cron.",
        )


def form_problems(file: JsonFile, error: ValidationError, _model: type[BaseModel]) -> Iterator[Problem]:
    """Turn pydantic's errors into Problems with places; alternatives of one field are told once."""
    seen: set[JsonPath] = set()
    for one in error.errors(include_url=False):
        path = _real_path(file.value, tuple(one["loc"]))
        if path in seen and one["type"] != "extra_forbidden":
            continue
        seen.add(path)
        yield _form_problem(file, path, dict(one))


def _real_path(document: Any, location: tuple[str | int, ...]) -> JsonPath:
    """Leave out the parts that pydantic adds for alternatives ("FallbackModel", "literal[...]")."""
    path: list[str | int] = []
    value = document
    for position, part in enumerate(location):
        inside = isinstance(value, dict) and part in value
        inside = inside or (isinstance(value, list) and isinstance(part, int) and part < len(value))
        if inside:
            value = value[part]
            path.append(part)
        elif position == len(location) - 1 and isinstance(value, dict) and "[" not in str(part):
            path.append(part)  # a missing key
    return tuple(path)


def _form_problem(file: JsonFile, path: JsonPath, error: dict[str, Any]) -> Problem:
    name = str(path[-1]) if path else ""
    if error["type"] == "extra_forbidden":
        known = _STEP_KEYS if len(path) >= 2 and isinstance(path[-2], int) else _FILE_KEYS
        near = get_close_matches(name, known, n=1)
        remedy = f"Did you mean {near[0]!r}?" if near else f"Known here: {', '.join(known)}."
        line, column = file.key_place(path)
        step, field = step_and_field(file.value, path)
        return Problem(
            f"There is no field {name!r} here.",
            "unknown_field",
            "error",
            file.file,
            line,
            column,
            step,
            field,
            remedy,
        )
    if error["type"] == "missing":
        return problem(file, path, f"{name!r} is missing.", code="missing_field")
    if error["type"] == "too_short":
        return problem(file, path, f"{name!r} must not be empty.", code="form")
    seen = error.get("input")
    value = f" Seen: {seen!r}." if isinstance(seen, str | int | float | bool) and len(repr(seen)) < 80 else ""
    return problem(file, path, _sentence(str(error["msg"])) + value, code="form")


def _sentence(message: str) -> str:
    text = message.removeprefix("Value error, ")
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
