"""The commands that work without a model, each in one exact form. Nothing else is read as a request."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from clients.wording import nearest
from engine.base.errors import OrchestraError
from engine.base.json_text import JsonObject
from engine.base.step_tree import step_nodes
from engine.copilot.fixes.records import asking_always
from engine.plugins.registry import step_type
from engine.workflows.editing.canvas_steps import CanvasStep

Operation = dict[str, Any]
COMMANDS = (
    "rename STEP to ID",
    "remove STEP",
    "set STEP.FIELD to VALUE",
    "retry STEP N times",
    "ask me before STEP",
    "explain",
    "fix",
    "why did it fail",
)
"""Their forms, for people. STEP is the id of a step; `explain` may have one, too."""
_FEWEST = 2
"""Attempts: fewer are no retry."""
_SHOWN = 20
_NEXT_ITEM = "The next item begins once you have answered; with `parallel`, more begin at once"
_OF_STEP = frozenset({"title", "if", "foreach", "key", "retry", "timeout_seconds", "connection", "note", "approve"})
"""Fields that belong to a step itself, unless its type has one of the same name."""


class Command(Struct, frozen=True):
    """A command, with the words that it was given."""

    name: Literal["rename", "remove", "set", "retry", "ask", "explain", "fix", "why"]
    step: str = ""
    value: str = ""
    """The new id, the new value or the number of attempts."""
    field: str = ""


class CommandedChange(Struct, frozen=True):
    """What a command changes."""

    words: str
    """What would be done, as people read it."""
    ops: list[Operation]
    """Empty if there is nothing to do."""


class NotThere(Exception):
    """A command cannot be done with this workflow; the message says what there is instead."""


def command_in(said: str) -> Command | None:
    """Return the command in a text, if it is one. Upper and lower case do not matter in its words."""
    given = said.split()
    match [one.casefold() for one in given]:
        case ["rename", step, "to", _]:
            return Command("rename", step, given[3])
        case ["remove", step]:
            return Command("remove", step)
        case ["set", place, "to", _, *_] if "." in place:
            step, _, field = given[1].partition(".")
            return Command("set", step.casefold(), said.split(maxsplit=3)[3].rstrip(), field)
        case ["retry", step, count, "times"] if count.isascii() and count.isdigit():
            return Command("retry", step, count)
        case ["ask", "me", "before", step]:
            return Command("ask", step)
        case ["explain"] | ["fix"]:
            return Command("explain" if given[0].casefold() == "explain" else "fix")
        case ["explain", step]:
            return Command("explain", step)
        case ["why", "did", "it", "fail" | "fail?"]:
            return Command("why")
    return None


def changed(command: Command, document: JsonObject, steps: Sequence[CanvasStep]) -> CommandedChange:
    """Return what a command changes in a workflow. Raises NotThere."""
    step = named_step(command.step, steps)
    match command.name:
        case "rename":
            ops: list[Operation] = [{"op": "rename", "step": step.id, "to": command.value}]
            return CommandedChange(f"Rename {step.id} to {command.value}", ops)
        case "remove":
            return CommandedChange(f"Remove {step.title}", _removal(step, document))
        case "retry":
            return _tried(step, int(command.value), document)
        case "ask":
            return _asked_before(step, document)
    return _set(command, step, document)


def named_step(name: str, steps: Sequence[CanvasStep]) -> CanvasStep:
    """Return the step of an id. Raises NotThere."""
    known = {one.id: one for one in steps}
    if name in known:
        return known[name]
    near = nearest(name, list(known))
    hint = f"Did you mean {near!r}?" if near else f"The steps are: {', '.join([*known][:_SHOWN]) or 'none'}."
    raise NotThere(f"There is no step {name!r}. {hint}")


def _set(command: Command, step: CanvasStep, document: JsonObject) -> CommandedChange:
    field, value = command.field, _value(command.value)
    is_own = field.startswith("with.") or (field in _OF_STEP and not _takes(step, field))
    path = field if is_own else f"with.{field}"
    if path == "approve" and value == "always":
        value = asking_always(_given(document, "approve").get(step.id))
    op = {"op": "set", "step": step.id, "field": path, "value": value}
    return CommandedChange(f"Set {field} of {step.title}", [op])


def _value(text: str) -> Any:
    """Return a value as it was written: JSON, or else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _takes(step: CanvasStep, field: str) -> bool:
    """Return whether the type of a step has a field of this name."""
    try:
        return field in step_type(step.uses).fields.model_fields
    except OrchestraError:
        return False


def _tried(step: CanvasStep, attempts: int, document: JsonObject) -> CommandedChange:
    """Try a step so often; its pauses stay."""
    if attempts < _FEWEST:
        raise NotThere(f"A step is tried once in any case: say how often in all, {_FEWEST} times or more.")
    before = _given(document, "retry").get(step.id)
    value = {**(before if isinstance(before, Mapping) else {}), "attempts": attempts}
    op = {"op": "set", "step": step.id, "field": "retry", "value": value}
    return CommandedChange(f"Try {attempts} times: {step.title}", [op])


def _asked_before(step: CanvasStep, document: JsonObject) -> CommandedChange:
    """Ask a person before each write of a step; who is asked, and how long the question stays open, stays."""
    if step.effect != "writes":
        raise NotThere(f"{step.id} writes nothing, so there is nothing to approve.")
    before = _given(document, "approve").get(step.id)
    value = asking_always(before)
    if value == before:
        return CommandedChange(f"You are asked already before: {step.title}", [])
    words = f"Ask before: {step.title}"
    if _is_one_by_one(step, document):
        words = f"{words}. {_NEXT_ITEM}"
    return CommandedChange(words, [{"op": "set", "step": step.id, "field": "approve", "value": value}])


def _is_one_by_one(step: CanvasStep, document: JsonObject) -> bool:
    """Return whether a step is in a loop whose items begin one after another."""
    around = next((node.parent for node in step_nodes(document) if node.step.id == step.id), None)
    while around is not None:
        if "foreach" in around.step.json and around.step.json.get("parallel", 1) == 1:
            return True
        around = around.parent
    return False


def _removal(step: CanvasStep, document: JsonObject) -> list[Operation]:
    """Return the operations that remove a step, and the outputs of the workflow that use it."""
    ops: list[Operation] = [{"op": "remove", "steps": [step.id]}]
    outputs = document.get("outputs")
    parent = next((node.parent for node in step_nodes(document) if node.step.id == step.id), None)
    for name, value in outputs.items() if isinstance(outputs, Mapping) else ():
        if _uses(json.dumps(value, ensure_ascii=False), step.id, parent.step.id if parent is not None else ""):
            ops.append({"op": "unset", "field": ["outputs", name]})
    return ops


def _uses(written: str, id_: str, around: str) -> bool:
    """Return whether a text uses the output of a step, directly or as a member of the output around it."""
    if re.search(rf"\bsteps\.{re.escape(id_)}\b", written):
        return True
    is_inside = bool(around) and re.search(rf"\bsteps\.{re.escape(around)}\b", written) is not None
    return is_inside and re.search(rf"\.{re.escape(id_)}\b", written) is not None


def _given(document: JsonObject, field: str) -> Mapping[str, Any]:
    """Return a field of the steps that have it, by id."""
    return {node.step.id: node.step.json[field] for node in step_nodes(document) if field in node.step.json}
