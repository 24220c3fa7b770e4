"""Say once in a plan what an agent may do in the turns that are not known yet, rather than for each turn."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from clients.wording import counted
from engine.base.step_tree import AGENT_PREFIX
from engine.runs.planning.plan_documents import PlanDocument, PlannedWrite, PlanNote, PlanTree, PossibleWrite

_TURN = re.compile(r"turn_(?P<number>\d+)(?:\.(?:use_(?P<tool>.+)_\d+|.+))?\Z")


def folded(plan: PlanDocument, tree: PlanTree) -> PlanDocument:
    """Return the plan with the unknown turns of each agent in one line."""
    for prefix, run in tree.runs:
        if run["workflow"].startswith(AGENT_PREFIX):
            plan = _folded(plan, prefix)
    return plan


def _folded(plan: PlanDocument, agent: str) -> PlanDocument:
    turns = [number for one in plan["notes"] if (number := _turn(one["path"], agent))]
    if not turns:
        return plan
    first, count = min(turns), max(turns) - min(turns) + 1
    is_open = [one["may"] is not None and _turn(one["path"], agent) >= first for one in plan["writes"]]
    unknown = [one for one, is_it in zip(plan["writes"], is_open, strict=True) if is_it]
    said = f"From here on the agent decides what it does, in up to {counted(count, 'turn')}."
    note: PlanNote = {"path": f"{agent}turn_{first}", "note": said}
    is_said = [_turn(one["path"], agent) >= first or one["path"] == f"{agent}result" for one in plan["notes"]]
    others = [one for one, is_it in zip(plan["notes"], is_said, strict=True) if not is_it]
    return {
        **plan,
        "writes": [one for one, is_it in zip(plan["writes"], is_open, strict=True) if not is_it],
        "may_happen": [*plan["may_happen"], *_possible(unknown, agent, count)],
        "notes": [*others, note],
    }


def _possible(unknown: Sequence[PlannedWrite], agent: str, count: int) -> Iterator[PossibleWrite]:
    """Yield each tool that may write, by its first call."""
    by_tool: dict[str, PlannedWrite] = {}
    for one in unknown:
        match = _TURN.match(one["path"].removeprefix(agent))
        by_tool.setdefault((match and match["tool"]) or one["path"], one)
    for one in by_tool.values():
        said = f"The agent decides it, at most once in each of up to {counted(count, 'turn')}."
        because = f"{said} A person approves each." if one["approval"] else said
        yield {"path": one["path"], "uses": one["uses"], "because": because}


def _turn(path: str, agent: str) -> int:
    """Return the number of the turn of this agent that a step is in, 0 for any other step."""
    match = _TURN.match(path.removeprefix(agent)) if path.startswith(agent) else None
    return int(match["number"]) if match is not None else 0
