"""Refuse a test run that goes past a question of `flow.approve` which the person who starts it may not answer.

An output that is given for the question, or one step that runs alone behind it, counts as the answer. So does an
output that decides whether the question is asked at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from engine.base.errors import InvalidInput
from engine.base.step_path import StepPath
from engine.base.step_tree import StepNode
from engine.compiler.definition.approval_rules import NOT_SELF, Rules
from engine.compiler.definition.plan import Node, Plan
from engine.people.access import ROLES, Principal
from engine.plugins.step import Effect
from engine.record.types.kind import kind_of
from engine.record.types.run import RunKind, RunOptions

_QUESTION = "flow.approve"


def why_not(p: Principal, by: Sequence[str], behind: Sequence[str]) -> str | None:
    """Return why a person may not answer a question that waits for `by`, or None if they may.

    `behind`: who started its run, or let it continue with another definition.
    """
    if NOT_SELF in by and p.id in behind:
        return f"{p.id} started this run or changed it, and somebody else has to answer this question."
    wanted = [one for one in by if one != NOT_SELF]
    powerful = ROLES[ROLES.index(p.role) :]  # a role includes the ones below it
    if wanted and p.id not in wanted and not {*wanted} & {*powerful}:
        return f"{p.id} has the role {p.role} and may not answer this question."
    return None


def require_asked(p: Principal, plan: Plan, options: RunOptions, rules: Rules) -> None:
    """Raise InvalidInput if a test run may write without an answer that `p` may not give; `rules`: of config.yaml."""
    if kind_of(options) is not RunKind.PART or not any(_writes(one, options) for one in plan.tree()):
        return  # it goes past no question, or writes nothing
    for path, by in _passed(plan, options, rules):
        because = why_not(p, by, (p.id,))
        if because is not None:
            raise InvalidInput(
                f"This test run would write without the answer to {path!r}. {because}",
                remedy="Start the whole workflow without given outputs, or choose a step that writes nothing.",
                field="only" if "only" in options else "pins",
            )


def _writes(one: StepNode[Node], options: RunOptions) -> bool:
    """Return whether a step may write for at least one item."""
    if one.step.action is None or one.step.effect is not Effect.WRITES:
        return False
    pins = [pin for pin in options.get("pins") or {} if not any(True for _ in StepPath.parse(pin).items())]
    return _is_chosen(one.path, options) and not any(_is_in(one.path, pin) for pin in pins)


def _passed(plan: Plan, options: RunOptions, rules: Rules) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield (path, who may answer) of the questions that are not asked in any case."""
    is_behind, is_sequence = False, all(node.needs is None for node in plan.nodes())
    for one in plan.tree():
        action = one.step.action
        is_behind |= "only" in options and _is_chosen(one.path, options)
        if is_sequence and is_behind and not _is_chosen(one.path, options):
            continue  # it would be asked after what runs
        if action is None or (_runs(one.path, options) and not _may_be_skipped(one)):
            continue
        if action.uses == _QUESTION:
            yield one.path, action.approval.own.over(rules.get(_QUESTION)).by
        elif action.step_type.name == "workflow.run" and not _runs(one.path, options):
            yield from ((one.path, by) for by in _inside(plan, rules))


def _runs(path: str, options: RunOptions) -> bool:
    """Return whether a step runs for all items: no output is given for it or what is around it."""
    pins = [StepPath.parse(pin).in_workflow for pin in options.get("pins") or {}]
    return _is_chosen(path, options) and not any(_is_in(path, pin) for pin in pins)


def _is_chosen(path: str, options: RunOptions) -> bool:
    """Return whether a step is the one that runs alone, or inside it; without such a choice, all are."""
    only = options.get("only")
    return only is None or _is_in(path, StepPath.parse(only).in_workflow)


def _is_in(path: str, around: str) -> bool:
    return path == around or path.startswith(f"{around}.")


def _may_be_skipped(one: StepNode[Node]) -> bool:
    """Return whether given outputs may decide that a step does not run."""
    around: StepNode[Node] | None = one
    while around is not None:
        if around.is_fallback or around.step.loop is not None or around.step.condition not in (None, True):
            return True
        around = around.parent
    return False


def _inside(plan: Plan, rules: Rules) -> Iterator[Sequence[str]]:
    """Yield who may answer the questions of called workflows: of all of them, as a call may lead to any."""
    configured = rules.get(_QUESTION)
    for document in plan.workflows.values():
        rules_of_file: Any = document.get("approvals") or {}
        of_type = rules_of_file.get(_QUESTION)
        for step in _questions(document):
            near = [one.get("by") for one in (step.get("approve"), of_type) if isinstance(one, dict)]
            by: Any = next((one for one in near if one), configured.by if configured is not None else ())
            yield (by,) if isinstance(by, str) else by


def _questions(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        if tree.get("uses") == _QUESTION:
            yield tree
        for inner in tree.values():
            yield from _questions(inner)
    elif isinstance(tree, list):
        for inner in tree:
            yield from _questions(inner)
