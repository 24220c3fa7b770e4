"""Rules of a step of which a request says one member, while the others stay: who approves it, and its attempts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.base.json_text import JsonObject
from engine.base.step_tree import step_nodes
from engine.copilot.fixes.records import asking_always
from engine.workflows.editing.graph import CanvasStep

Said = tuple[str, list[dict[str, Any]]]
"""What is changed, for people, and the operations that do so."""


def given(document: JsonObject, field: str) -> dict[str, Any]:
    """Return a field of the steps that have it, by id."""
    return {node.step.id: node.step.json[field] for node in step_nodes(document) if field in node.step.json}


def asked_before(steps: Sequence[CanvasStep], document: JsonObject) -> Said:
    """Return that a person is asked before each of these steps; no operation for those that ask already."""
    before = given(document, "approve")
    made = [(one, asking_always(before.get(one.id))) for one in steps]
    changed = [(one, value) for one, value in made if value != before.get(one.id)]
    if not changed:
        return f"You are asked already before: {_titles(steps)}", []
    ops = [{"op": "set", "step": one.id, "field": "approve", "value": value} for one, value in changed]
    said = f"Ask before: {_titles([one for one, _ in changed])}"
    if _one_by_one(document) & {one.id for one, _ in changed}:
        said += ". The next item begins once you have answered; with `parallel`, more begin at once"
    return said, ops


def _one_by_one(document: JsonObject) -> set[str]:
    """Return the steps inside loops whose items begin one after another."""
    found = set[str]()
    for node in step_nodes(document):
        around = node.parent
        while around is not None:
            if "foreach" in around.step.json and around.step.json.get("parallel", 1) == 1:
                found.add(node.step.id)
            around = around.parent
    return found


def tried(steps: Sequence[CanvasStep], attempts: int, document: JsonObject) -> Said:
    """Return that each of these steps is tried so often; its pauses stay."""
    before = given(document, "retry")
    kept = {one.id: before[one.id] if isinstance(before.get(one.id), Mapping) else {} for one in steps}
    ops: list[dict[str, Any]] = [
        {"op": "set", "step": one.id, "field": "retry", "value": {**kept[one.id], "attempts": attempts}}
        for one in steps
    ]
    return f"Try {attempts} times: {_titles(steps)}", ops


def _titles(steps: Sequence[CanvasStep]) -> str:
    return ", ".join(one.title for one in steps)
