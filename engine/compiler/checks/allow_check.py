"""Check the list of allowed values of a step (`allow`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from clients.wording import did_you_mean
from engine.base.errors import ValueNotAllowed
from engine.compiler.checks.report import Report
from engine.compiler.definition.allowed_values import faults, in_force, refused
from engine.compiler.definition.step_model import StepModel
from engine.documents.json_file import JsonPath
from engine.plugins.step import StepType, fields_schema

_LIKE = 'Write it like {"to": ["*@example.org"]}.'


def check_allowed(path: JsonPath, step: StepModel, kind: StepType, report: Report) -> dict[str, tuple[str, ...]]:
    """Return the values that fields of a step may have, by name; problems go to the report."""
    known = [*fields_schema(kind.fields).get("properties", {})]
    for name, patterns in step.allow.items():
        place = (*path, "allow", name)
        if name not in known:
            remedy = did_you_mean(name, known) or _LIKE
            report.add(place, f"{kind.name} has no field {name!r}.", "unknown_field", remedy)
        elif not patterns:
            report.add(place, f"'allow' lists nothing for {name!r}.", "wrong_value", _LIKE)
        for index, pattern in enumerate(patterns):
            fault = faults(pattern)
            if fault:
                report.add((*place, index), f"A value of 'allow' {fault}.", "wrong_value", _LIKE)
    if step.allow and kind.service is None:
        message = f"{kind.name} calls no service, so 'allow' has no meaning here."
        report.add((*path, "allow"), message, "wrong_value", "Take it out, or move it to the step that uses the value.")
    allow = {name: tuple(patterns) for name, patterns in step.allow.items()}
    for name, listed in in_force(allow, known).items():
        for place, value in _fixed((*path, "with", name), step.with_.get(name) if listed else None):
            if (text := refused(value, listed)) is not None:
                error = ValueNotAllowed(name, text, listed)
                report.add(place, error.why, "wrong_value", error.remedy)
    return allow


def _fixed(path: JsonPath, value: Any) -> Iterator[tuple[JsonPath, Any]]:
    """Yield the values of a field that no expression computes, with their paths."""
    if isinstance(value, list | dict):
        for key, inner in enumerate(value) if isinstance(value, list) else value.items():
            yield from _fixed((*path, key), inner)
    elif "{{" not in str(value):
        yield path, value
