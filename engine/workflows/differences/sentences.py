"""Changes of a workflow as sentences: "Issue: title now takes '{{ mail.subject }}'", "Step label was removed"."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from clients.wording import listed
from engine.workflows.differences.changes import ABSENT, Change, ChangedStep, changes
from engine.workflows.differences.writes_again import writes_moved
from engine.workspace.step_renames import StepRenames

_LONGEST = 80
_MOST_WHOLE = 2000
_Words = Callable[[Any], str]


def differences(old: object, new: object, renames: StepRenames = ()) -> list[str]:
    """Return what has changed from one document to another, in sentences without a full stop.

    `renames`: the steps known to have another id, (old, new); others are found by their fields.
    """
    said = [sentence(one) for one in changes(old, new, renames)]
    return [*said, *(one.words for one in writes_moved(old, new, renames))]


def sentence(change: Change) -> str:
    """Return one change as a sentence."""
    if change.step is None:
        return _of_workflow(change)
    if change.kind == "set":
        return f"{_named(change.step, change)}: {field_words(change)}"
    return _of_step(change, change.step)


def _named(step: ChangedStep, change: Change) -> str:
    """Return a step by its title, a loop by its id; a step that gets another title by the one that people know."""
    kind = "Loop " if step.json.get("foreach") is not None else "Group " if "steps" in step.json else ""
    if kind:
        return f"{kind}{step.id}"
    if change.field == ("title",):
        return change.before if isinstance(change.before, str) and change.before else step.id
    return step.title


def _of_step(change: Change, step: ChangedStep) -> str:
    match change.kind:
        case "removed":
            return f"Step {step.id} was removed"
        case "renamed":
            return f"Step {change.before} is now called {change.after}"
        case "added":
            return f"Step {step.id} was added {_place(step)}"
        case _:
            return f"Step {step.id} was moved {_place(step)}"


def _place(step: ChangedStep) -> str:
    where = f"after {step.previous}" if step.previous else "as the first step"
    return where + (f" in {step.parent}" if step.parent else "")


def field_words(change: Change) -> str:
    """Return what became of a field of a step, without its name."""
    field, value = change.field, change.after
    name = field[0]
    if name == "with" and len(field) > 1:
        return _argument(".".join(field[1:]), change)
    words = _SET.get(name) if len(field) == 1 else None
    if value is ABSENT:
        return _UNSET.get(name, "{} was removed").format(".".join(field)) if len(field) == 1 else _removed(field)
    return words(value) if words is not None else f"{'.'.join(field)} is now {shown(value)}"


def _argument(name: str, change: Change) -> str:
    return f"{name} is no longer given" if change.after is ABSENT else f"{name} now takes {shown(change.after)}"


def _removed(field: Sequence[str]) -> str:
    return f"{'.'.join(field)} was removed"


def _names(value: Any) -> str:
    return listed([str(one) for one in value]) if isinstance(value, list) else str(value)


_SET: Mapping[str, _Words] = {
    "title": lambda value: f"the title is now {shown(value)}",
    "note": lambda value: f"the note is now {shown(value)}",
    "uses": lambda value: f"it now uses {value}",
    "connection": lambda value: f"it now uses the connection {value}",
    "if": lambda value: f"it runs only if {_expression(value)}",
    "needs": lambda value: "it no longer waits for any step" if value == [] else f"it waits for {_names(value)}",
    "foreach": lambda value: f"it goes through {_expression(value)}",
    "as": lambda value: f"an item is called {value}",
    "key": lambda value: f"an item is identified by {_expression(value)}",
    "parallel": lambda value: "it runs one item at a time" if value == 1 else f"it runs at most {value} items at once",
    "timeout_seconds": lambda value: f"it may take at most {value} s",
    "approve": lambda value: f"approval: {shown(value)}",
    "on_error": lambda value: (
        "if it fails, the run goes on" if value == "continue" else f"on_error is now {shown(value)}"
    ),
}
_UNSET = {
    "if": "it always runs",
    "needs": "it waits for all steps before it",
    "foreach": "it is no longer a loop",
    "parallel": "it runs one item at a time",
    "title": "it no longer has a title",
    "note": "the note was removed",
    "approve": "it no longer has a rule for approvals of its own",
    "timeout_seconds": "it no longer has a time limit of its own",
}


def _of_workflow(change: Change) -> str:
    field = change.field
    if field[:2] == ("inputs", "properties") and len(field) > 2:
        return _member("Input", field[2], field[3:], change)
    if field[0] == "outputs" and len(field) > 1:
        return _member("Output", field[1], field[2:], change)
    if field[0] == "triggers" and len(field) > 1:
        return _member("Trigger", field[1], field[2:], change)
    name = f"The {field[0]}" if field in (("title",), ("description",)) else f"The field {'.'.join(field)}"
    return f"{name} was removed" if change.after is ABSENT else f"{name} is now {shown(change.after)}"


def _member(kind: str, name: str, rest: Sequence[str], change: Change) -> str:
    if not rest:
        if change.before is ABSENT:
            return f"{kind} {name} was added"
        return f"{kind} {name} was removed" if change.after is ABSENT else f"{kind} {name} is now {shown(change.after)}"
    said = "was removed" if change.after is ABSENT else f"is now {shown(change.after)}"
    return f"{kind} {name}: {'.'.join(rest)} {said}"


def _expression(value: Any) -> str:
    text = str(value).strip().removeprefix("{{").removesuffix("}}").strip()
    return _short(text)


def shown(value: Any) -> str:
    """Return a value as JSON on one line, shortened."""
    return _short(json.dumps(value, ensure_ascii=False))


def whole(value: Any) -> str:
    """Return a value as JSON on one line, without its middle if it is longer than a person can read."""
    text = _printable(json.dumps(value, ensure_ascii=False))
    cut = len(text) - _MOST_WHOLE
    if cut <= 0:
        return text
    return f"{text[: _MOST_WHOLE // 2]} … {cut:,} characters are not shown … {text[-_MOST_WHOLE // 2 :]}"


def _short(text: str) -> str:
    text = _printable(text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else "�" for one in text)
