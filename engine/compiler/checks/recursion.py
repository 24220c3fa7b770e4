"""Warn about workflows that call themselves, directly or indirectly, without a condition that ends the recursion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.base.step_tree import CALL
from engine.compiler.checks.report import Report
from engine.compiler.definition.plan import Plan
from engine.documents.json_file import JsonPath

_MAY_END = frozenset({"flow.stop", "flow.fail", "flow.assert", "flow.approve"})
_REMEDY = "Give this step an 'if' that is false in the end: more than 8 runs inside each other are refused."


def warn_of_endless_calls(plan: Plan, called: Mapping[str, Plan], report: Report) -> None:
    """Report each call that certainly leads back to this workflow; `called` has the plans of all called workflows."""
    for path, name in _certain_calls(plan):
        way = _way_back(name, plan.name, called)
        if way:
            said = "itself" if way == [plan.name] else f"itself again by way of {' and '.join(map(repr, way[:-1]))}"
            message = f"This workflow always calls {said}, and nothing ends that."
            report.warn((*path, "with", "workflow"), message, "endless_calls", _REMEDY)


def _way_back(name: str, first: str, called: Mapping[str, Plan]) -> list[str]:
    """Return the names from a called workflow back to the first one; empty if no chain of certain calls leads there."""
    ways, seen = [[name]], {name}
    for way in ways:  # which grow meanwhile: shorter ways come first
        if way[-1] == first:
            return way
        plan = called.get(way[-1])
        following = dict.fromkeys(one for _, one in _certain_calls(plan)) if plan is not None else {}
        ways += [[*way, one] for one in following if one not in seen]
        seen.update(following)
    return []


def _certain_calls(plan: Plan) -> Iterator[tuple[JsonPath, str]]:
    """Yield path and name of each call that every run makes unless it fails: no `if`, no loop, no end before it."""
    if any(node.action is not None and node.action.uses in _MAY_END for node in plan.nodes()):
        return
    for one in plan.tree():
        action = one.step.action
        if action is None or action.uses != CALL or one.is_fallback or one.is_after_failure:
            continue
        name = action.arguments.get("workflow")
        if isinstance(name, str) and all(up.step.condition is True and up.step.loop is None for up in one.up()):
            yield one.place, name
