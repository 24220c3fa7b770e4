"""Warn about parts without effect: steps after the end, `once` without a write, the same key for every item."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from engine.base.step_tree import CALL, Child, StepNode, walk
from engine.compiler.checks.order import closure
from engine.compiler.checks.report import Report
from engine.compiler.definition.plan import Block, Node
from engine.compiler.definition.step_model import StepModel
from engine.documents.json_file import JsonPath
from engine.expressions.expressions import Expression, Fixed, Template
from engine.plugins.step import Effect

_MOST_LOOKED_AT = 1_000
"""The most siblings in which unreachable steps are searched for."""

_ENDS = frozenset({"flow.stop", "flow.fail"})


class PlacedStep(Struct, frozen=True):
    """A step and its node. `is_handed_on`: its output is part of another that something uses."""

    path: JsonPath
    step: StepModel
    node: Node
    is_handed_on: bool


def warn_of_the_futile(places: Sequence[PlacedStep], report: Report) -> None:
    """Warn about parts without effect; `places` are all steps, outer before inner."""
    blocks: dict[JsonPath, list[PlacedStep]] = {}
    for one in places:
        blocks.setdefault(one.path[:-1], []).append(one)
        _warn_of_once(one, report)
        _warn_of_one_key(one, report)
    for siblings in blocks.values():
        _warn_of_what_stands_behind_the_end(siblings, report)


def repeated_writes(loop: Node) -> list[str]:
    """Return the ids of the calls in a loop that write and have no `once`."""
    inside = (one for one in loop.inside() if one.place[0] == "steps")
    return [one.step.id for one in walk(inside, Node.inside) if _writes_again(one)]


def _writes_again(one: StepNode[Node]) -> bool:
    action = one.step.action
    if action is None or one.step.effect is not Effect.WRITES or action.once is not None:
        return False
    return not any(up.step.is_folded for up in one.up())


def named(steps: Iterable[str]) -> str:
    """Return ids as listed in a sentence."""
    return ", ".join(map(repr, steps))


def _warn_of_what_stands_behind_the_end(siblings: Sequence[PlacedStep], report: Report) -> None:
    if len(siblings) > _MOST_LOOKED_AT or not any(_ends_all(one.node) for one in siblings):
        return
    waits = {name: list(needed) for name, needed in Block(tuple(one.node for one in siblings)).waits.items()}
    told: set[str] = set()
    for one in siblings:
        if one.node.id in told or not _ends_all(one.node):
            continue
        behind = [
            other.node.id
            for other in siblings
            if other is not one and not other.node.is_folded and one.node.id in closure(waits[other.node.id], waits)
        ]
        told.update(behind)
        if behind:
            message = f"Step {one.node.id!r} always ends what it is part of: {named(behind)} never {_run(behind)}."
            remedy = f"Give {one.node.id!r} an 'if', or take out what stands behind it."
            report.warn((*one.path, "id"), message, "never_runs", remedy)


def _run(steps: Sequence[str]) -> str:
    return "runs" if len(steps) == 1 else "run"


def _ends_all(node: Node) -> bool:
    """Return whether no step that waits for this one ever runs, whatever the inputs."""
    ends = (
        one
        for one in walk([Child(node.id, node, ("steps", 0))], Node.inside)
        if one.step.action is not None and one.step.action.uses in _ENDS
    )
    return any(all(_is_certain(up.step) for up in one.up()) for one in ends)


def _is_certain(node: Node) -> bool:
    return node.condition is True and node.loop is None and node.on_error == "fail" and node.fallback is None


def _warn_of_once(one: PlacedStep, report: Report) -> None:
    node = one.node if one.step.foreach is None or one.node.body is None else one.node.body.nodes[0]
    if node.action is None or node.action.once is None or one.node.is_folded or node.action.uses == CALL:
        return  # a called workflow may write, even if this one is part of it
    if node.effect is not Effect.WRITES:
        message = f"Step {one.step.id!r} writes nothing, and 'once' is about writes: it runs in every run."
        report.warn((*one.path, "once"), message, "once_without_write", "Take 'once' out.")


def _warn_of_one_key(one: PlacedStep, report: Report) -> None:
    loop = one.node.loop
    if loop is None or loop.key is None or one.node.is_folded or report.has_errors_at((*one.path, "key")):
        return
    repeated = repeated_writes(one.node)
    if repeated and _may_be_several(loop.items) and not _roots(loop.key) & {loop.name, "index"}:
        verb = "writes" if len(repeated) == 1 else "write"
        message = f"Every item of this loop has the same 'key': {named(repeated)} {verb} for the first one only."
        remedy = f'Make the key of what names the item for ever, like "{{{{ {loop.name}.id }}}}".'
        report.warn((*one.path, "key"), message, "same_key", remedy)


def _may_be_several(items: Template) -> bool:
    known = items.pieces[0].known if isinstance(items.pieces[0], Fixed) else None
    return not isinstance(known, list) or len(known) > 1


def _roots(key: Any) -> set[str]:
    """Return the first names in the expressions of a key."""
    pieces = key.pieces if isinstance(key, Template) else ()
    return {one.path[0] for piece in pieces if isinstance(piece, Expression) for one in piece.references}
