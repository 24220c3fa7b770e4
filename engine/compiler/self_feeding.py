"""Warn about a trigger that finds what the runs it starts write, and cannot tell it from what others write.

`feeds_of` and `chains_among` do so for chains of workflows in which each writes what the next one watches: the
compiler of one file does not know the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, structs

from clients.wording import listed
from engine.base.step_tree import CALL, StepNode
from engine.compiler.checks.report import Report
from engine.compiler.definition.model import WorkflowModel
from engine.compiler.definition.plan import Action, Node, Plan, Trigger
from engine.documents.json_file import JsonPath
from engine.expressions.expressions import Fixed, Template
from engine.plugins.step import Effect, fields_schema

_MAY_END = frozenset({"flow.stop", "flow.fail", "flow.assert", "flow.approve"})
_REMEDY = (
    "Let it write elsewhere, or mark what it writes and give its step an 'if' that is false for what has the mark. "
    "A trigger that often finds something after such a write pauses."
)
_INCLUDED = "Take out 'include_own'. A trigger that often finds something after such a write pauses."


_COMPUTED = re.compile(r"\{\{.*?\}\}", re.DOTALL)


class FedPlace(Struct, frozen=True):
    """Where a step writes, or a trigger looks: its type, its connection, and its fields as far as they are constant."""

    kind: Any
    connection: str | None
    fields: Mapping[str, Any]


class WorkflowFeeds(Struct, frozen=True):
    """What each run of a workflow writes, and where its triggers look."""

    workflow: str
    writes: tuple[FedPlace, ...]
    triggers: Mapping[str, FedPlace]
    """The triggers by their ids, in the order of the file."""


class FeedingChain(Struct, frozen=True):
    """A trigger whose runs may start each other by way of other workflows."""

    workflow: str
    trigger: str
    index: int
    """Its place among the triggers of its workflow."""
    message: str
    remedy: str
    way: tuple[str, ...] = ()
    """The other workflows."""


class _Write(Struct, frozen=True):
    """A write that a run may make, itself or in a workflow that it calls."""

    said: str
    """The step, for people."""
    action: Action
    is_sure: bool
    """Whether every run makes it that does not fail: no `if`, no end before it."""


def with_own_writes(model: WorkflowModel, plan: Plan, called: Mapping[str, Plan], report: Report) -> Plan:
    """Return a plan whose triggers know which steps feed them, and report those that feed them for ever."""
    writes = list(_writes(plan, called))
    places = {one.id: ("triggers", index) for index, one in enumerate(model.triggers)}
    found = []
    for trigger in plan.triggers:
        feeding = [one for one in writes if _feeds(one.action, trigger)]
        sure = next((one for one in feeding if one.is_sure), None)
        told = "" if sure is None else _warned(sure, trigger, (*places[trigger.id], "uses"), report)
        warning = " ".join(filter(None, [trigger.warning, told]))
        fed_by = frozenset(one.action.uses for one in feeding)
        found.append(structs.replace(trigger, warning=warning, fed_by=fed_by))
    return structs.replace(plan, triggers=tuple(found))


def _warned(write: _Write, trigger: Trigger, path: JsonPath, report: Report) -> str:
    """Report a write that feeds a trigger; return message and remedy."""
    message = (
        f"{write.said} writes {trigger.kind.watches} where this trigger looks, and the trigger cannot distinguish it "
        "from what others write there: each run may start the next one."
    )
    is_wanted = _values(trigger.kind, trigger.fields).get("include_own") is True
    remedy = _INCLUDED if is_wanted and not write.action.step_type.is_tool else _REMEDY
    report.warn(path, message, "feeds_itself", remedy)
    return f"{message} {remedy}"


def _feeds(action: Action, trigger: Trigger) -> bool:
    kind, step = trigger.kind, action.step_type
    if kind.watches not in step.makes or not _may_be_one_account(action.connection, trigger.connection):
        return False
    fields = _values(kind, trigger.fields)
    arguments = _values(step, action.arguments)
    return not kind.knows_own(fields, step, arguments) and kind.may_find(fields, step, arguments)


def _may_be_one_account(one: str | None, other: str | None) -> bool:
    return one == other or one is None or other is None


def _values(kind: Any, given: Any) -> dict[str, Any]:
    """Return fields as they are written, with their defaults; all of a type's defaults are constant."""
    known = fields_schema(kind.fields).get("properties", {})
    defaults = {name: one["default"] for name, one in known.items() if "default" in one}
    return {**defaults, **_written(given)} if isinstance(given, Mapping) else defaults


def _written(tree: Any) -> Any:
    if isinstance(tree, Mapping):
        return {name: _written(value) for name, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [_written(value) for value in tree]
    if not isinstance(tree, Template):
        return tree
    first = tree.pieces[0]
    return first.known if len(tree.pieces) == 1 and isinstance(first, Fixed) else tree.source


def _writes(plan: Plan, called: Mapping[str, Plan]) -> Iterator[_Write]:
    """Yield the writes of a workflow and of those that it calls; `called` has their plans, and maybe others."""
    # The list grows while it is walked. A workflow is looked at again if a call of it is certain after all.
    open_calls, seen = [(plan, "", True)], {plan.name: True}
    for its_plan, caller, is_sure in open_calls:
        ends = any(node.action is not None and node.action.uses in _MAY_END for node in its_plan.nodes())
        for one in its_plan.tree():
            action = one.step.action
            if action is None or one.step.effect is not Effect.WRITES or any(up.step.is_folded for up in one.up()):
                continue
            sure = is_sure and not ends and _is_certain(one)
            said = f"{one.step.id!r} in {its_plan.name!r}, which {caller!r} calls," if caller else f"{one.step.id!r}"
            name = action.arguments.get("workflow") if action.uses == CALL else ""
            if action.uses != CALL:
                yield _Write(said, action, sure)
            elif name in called and seen.get(name) not in {True, sure}:
                seen[name] = sure
                open_calls.append((called[name], caller or one.step.id, sure))


def _is_certain(one: StepNode[Node]) -> bool:
    is_after = one.is_fallback or one.is_after_failure
    return not is_after and all(up.step.condition is True for up in one.up())


def feeds_of(plan: Plan) -> WorkflowFeeds:
    """Return what each run writes itself, and where the triggers look."""
    made = [one.action for one in _writes(plan, {}) if one.is_sure and one.action.step_type.makes]
    writes = [FedPlace(one.step_type, one.connection, _known(_values(one.step_type, one.arguments))) for one in made]
    triggers = {one.id: FedPlace(one.kind, one.connection, _values(one.kind, one.fields)) for one in plan.triggers}
    return WorkflowFeeds(plan.name, tuple(writes), triggers)


def chains_among(every: Sequence[WorkflowFeeds]) -> Iterator[FeedingChain]:
    """Yield the triggers whose runs may start each other by way of other workflows, as far as the places are known."""
    for feeds in every:
        for index, (trigger, place) in enumerate(feeds.triggers.items()):
            if place.kind.watches and (way := _way_back(feeds, place, every)):
                named = listed([repr(one) for one in way])
                message = (
                    f"Its runs may start each other by way of the workflow{'s' * (len(way) > 1)} {named}: each run "
                    "writes where a trigger of the next workflow looks."
                )
                yield FeedingChain(feeds.workflow, trigger, index, message, _REMEDY, way)


def _way_back(begin: WorkflowFeeds, trigger: FedPlace, every: Sequence[WorkflowFeeds]) -> tuple[str, ...]:
    """Return the shortest way, by other workflows, from the runs of one back to its trigger; () if there is no way."""
    ahead: list[tuple[WorkflowFeeds, tuple[str, ...]]] = [(begin, ())]
    seen = {begin.workflow}
    for here, way in ahead:  # which grows meanwhile: shorter ways come first
        if way and any(_is_found(one, trigger) for one in here.writes):
            return way
        for other in every:
            is_fed = other.workflow not in seen and any(
                _is_found(one, place) for one in here.writes for place in other.triggers.values()
            )
            if is_fed:
                seen.add(other.workflow)
                ahead.append((other, (*way, other.workflow)))
    return ()


def _is_found(write: FedPlace, trigger: FedPlace) -> bool:
    """Return whether a trigger of another workflow finds what a step writes; it leaves out what any workflow marked."""
    kind, step = trigger.kind, write.kind
    if kind.watches not in step.makes or not _may_be_one_account(write.connection, trigger.connection):
        return False
    is_marked = trigger.fields.get("include_own") is False and not step.is_tool
    return not is_marked and bool(kind.may_find(trigger.fields, step, write.fields))


def _known(tree: Any) -> Any:
    """Return fields with a mark that is part of no place in place of what is computed."""
    if isinstance(tree, Mapping):
        return {name: _known(value) for name, value in tree.items()}
    if isinstance(tree, list):
        return [_known(value) for value in tree]
    return _COMPUTED.sub("\N{REPLACEMENT CHARACTER}", tree) if isinstance(tree, str) else tree
