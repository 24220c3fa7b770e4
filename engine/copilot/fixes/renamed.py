"""Which step is meant by the id that it had in the saved file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.base.step_tree import step_nodes

if TYPE_CHECKING:
    from engine.copilot.fixes.seen import FixContext


def renamed_step(around: FixContext, old: str) -> str | None:
    """Return the id of the step that had another id in the saved file, if it is certain which one it is now."""
    before = {one.step.id: one for one in step_nodes(around.saved)}
    if old not in before:
        return None
    was = before[old]
    new = [one for one in around.nodes if one.step.id not in before]
    same = [one for one in new if one.step.uses == was.step.uses and one.place[:-1] == was.place[:-1]]
    exact = [one for one in same if one.place == was.place] or same
    return exact[0].step.id if len(exact) == 1 else None
