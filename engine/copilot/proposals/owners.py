"""Which steps each operation is about, so that the changes of one step can be accepted without another's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.base.step_tree import FAILURE, ON_ERROR, step_nodes
from engine.copilot.proposals.records import ChangeKind, StepChange
from engine.copilot.proposals.saying import said, without_blank
from engine.outgoing.hidden_characters import shown
from engine.workflows.differences.changes import Change, changes
from engine.workflows.editing.operations import (
    AddStep,
    AnyOperation,
    MoveSteps,
    RemoveSteps,
    RenameStep,
    SetField,
    UnsetField,
    WrapSteps,
)
from engine.workspace.step_renames import StepRenames

_KINDS: Mapping[str, ChangeKind] = {"added": "added", "removed": "removed", "moved": "moved"}
_LISTS = ("steps", FAILURE, ON_ERROR)
"""The fields that have steps."""


def owners(ops: Sequence[AnyOperation], base: object) -> list[frozenset[str]]:
    """Return for each operation the steps that it is about, by their last ids; "" is the workflow.

    Steps that an added step brings along belong to it, whatever is done to them later. `base`: the document that the
    operations were made for.
    """
    now: dict[str, int] = {}
    """The step that has an id at the moment, as a number."""
    names: list[str] = []
    """The last id of each."""

    def known(id_: str) -> int:
        if id_ not in now:
            now[id_] = len(names)
            names.append(id_)
        return now[id_]

    within = {around: [known(id_) for id_ in ids] for around, ids in _within(base).items()}
    found: list[set[int]] = []
    for op in ops:
        mine = {known(id_) for id_ in _named(op)}
        if isinstance(op, RenameStep):
            number = now.pop(op.step)
            now[op.to] = number
            names[number] = op.to
        for id_ in _inside(op):
            now[id_] = next(iter(mine))
        if isinstance(op, RemoveSteps):
            for id_ in op.steps:
                now.pop(id_, None)
        found.append(mine | set(_listed(op, within)))
    return [frozenset(names[one] for one in mine) for mine in found]


def _named(op: AnyOperation) -> list[str]:
    match op:
        case AddStep():
            return [str(op.step.get("id", ""))]
        case WrapSteps():
            return [str(op.group.get("id", "")), *op.steps]
        case MoveSteps() | RemoveSteps():
            return list(op.steps)
        case _:
            return [op.step or ""]


def _within(base: object) -> dict[str, list[str]]:
    """Return the ids of the steps inside each step, and of all under the names of the lists of the workflow."""
    found: dict[str, list[str]] = {}
    for node in step_nodes(base):
        for around in [str(node.place[0]), *(up.step.id for up in node.up())]:
            found.setdefault(around, []).append(node.step.id)
    return found


def _listed(op: AnyOperation, within: Mapping[str, list[int]]) -> list[int]:
    """Return the steps that an operation changes because it sets a list of steps, or something in it."""
    if not isinstance(op, SetField | UnsetField) or op.field[0] not in _LISTS:
        return []
    return within.get(op.step or str(op.field[0]), [])


def _inside(op: AnyOperation) -> list[str]:
    if not isinstance(op, AddStep):
        return []
    inner = step_nodes({"steps": [op.step]})
    return [one.step.id for one in inner if one.depth > 0]


def step_changes(ops: Sequence[AnyOperation], old: object, new: object, renames: StepRenames) -> list[StepChange]:
    """Return what operations change, one record for each step that they are about, in the order of the operations."""
    indexes: dict[str, list[int]] = {}
    for index, steps in enumerate(owners(ops, old)):
        for step in sorted(steps):
            indexes.setdefault(step, []).append(index)
    found = changes(old, new, renames)
    now = {one.step.id: one for one in step_nodes(new)}
    done = []
    for step, at in indexes.items():
        inside = {id_ for id_, node in now.items() if id_ not in indexes and step in (up.step.id for up in node.up())}
        mine = [one for one in found if _owner(one) == step or (one.kind == "added" and _owner(one) in inside)]
        sentences = said(mine if step else without_blank(mine, old), new)
        done.append(_step_change(step, at, mine, sentences, now[step].step.title if step in now else ""))
    return done


def _owner(change: Change) -> str:
    return change.step.id if change.step is not None else ""


def _step_change(step: str, ops: list[int], mine: Sequence[Change], sentences: list[str], title: str) -> StepChange:
    kinds = [_KINDS[one.kind] for one in mine if one.kind in _KINDS and _owner(one) == step]
    is_only_moved = kinds == ["moved"] and len(mine) == 1
    kind: ChangeKind = "changed" if not kinds or (kinds[0] == "moved" and not is_only_moved) else kinds[0]
    first = mine[0].step if mine else None
    named = title or (first.title if first is not None else step)
    return StepChange(step, "workflow" if step == "" else kind, shown(named)[0], sentences, ops)
