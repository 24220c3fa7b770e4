"""The tags of the names that expressions see at a place of a run: inputs, loop variables, the outputs of steps.

Nothing is stored while the run goes on. A tag is worked out when a field asks for it, from the plan and from the values
that the run has at hand: so it is the same after a restart, for a replayed answer, and for a value in a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace

from clients.service import OTHER_LINK
from engine.base.services import service_of
from engine.base.step_path import PathPart
from engine.base.step_tree import CALL, FAILURE
from engine.compiler.definition.plan import Action, Block, Node, Plan, Trigger
from engine.plugins.registry import link_word
from engine.record.frames import Frame
from engine.record.types.run import OutsideInput
from engine.runner.execution.step_call import StepCall
from engine.runner.tags.plan_facts import facts_of
from engine.runner.tags.tagging import KnownTexts, Tagging
from engine.runner.tags.tags import (
    CLEAN,
    NOT_KNOWN,
    FieldTags,
    Gathered,
    Given,
    Later,
    Outside,
    Place,
    Tag,
    TypedTag,
    either,
    places,
)

if TYPE_CHECKING:
    from engine.runner.execution.run_context import RunContext

_DEEPEST = 8
"""Calls of workflows are nested no deeper (engine/runner/suspension/children.py)."""
_STOP = "flow.stop"
_MESSAGE = {"type": "string", "outside": True}
_QUOTES = "a message of an error, which may quote anything"
_OUTDATED = "what an earlier definition of the step has given"

Called = Callable[[str], Plan]
"""Returns the plan of a workflow that this one calls. Raises InvalidFile."""


Memo = dict[tuple[int, bool, bool], Later]
"""The tags of outputs: by step, whether its block is running, and whether clean texts are being looked for."""


class Level(Struct, frozen=True):
    """A block around a place, from the outside in."""

    block: Block
    loop: Node | None = None
    """The loop whose item it is."""
    item: Any = NOT_KNOWN
    key: Any = NOT_KNOWN
    is_running: bool = True
    """Whether the place that is looked at is inside it; else it has ended, and the values in it are not at hand."""


class PlanTags:
    """The tags of one plan. The inputs have the tag that they are given."""

    def __init__(
        self, plan: Plan, inputs: Tag, called: Called, depth: int = 0, outdated: AbstractSet[str] = frozenset()
    ) -> None:
        """`outdated`: the steps whose outputs another definition has made; whatever this one says, all is outside."""
        self.plan, self.inputs, self.called, self.depth, self.outdated = plan, inputs, called, depth, outdated
        self.memo: Memo = {}
        """Of the steps outside loops."""
        self.facts = facts_of(plan)
        self.known = KnownTexts(self.facts.said)

    def outputs(self) -> Tag:
        """Return the tag of the outputs of a run whose values are not known."""
        top = PlaceTags(self, (Level(self.plan.block, is_running=False),), {})
        found = [top.tagging.tree(self.plan.outputs)]
        for node in self.plan.nodes():
            if node.action is not None and node.action.uses == _STOP:
                place = top.of(node)
                found.append(CLEAN if place is None else place.tagging.tree(node.action.arguments.get("outputs")))
        return either(found)


class RunTags:
    """The tags of one run."""

    def __init__(self, run: RunContext) -> None:
        self._run = run
        self._known: PlanTags | None = None

    def at(self, call: StepCall) -> PlaceTags:
        """Return the tags at the place of a call."""
        levels = tuple(_levels(self._run.plan, call.frame, call.node))
        place = PlaceTags(self._of_run(call), levels, call.frame.names)
        place.settle(call.node)
        return place

    def has_clean_inputs(self, call: StepCall) -> bool:
        """Return whether no input of the run has text from outside, given one of its calls."""
        return self._of_run(call).inputs is CLEAN

    def _of_run(self, call: StepCall) -> PlanTags:
        if self._known is None:
            run, facts = self._run, self._run.facts
            outside = {tuple(one["place"]): _stored(one) for one in facts.outside_inputs}
            if facts.item is not None:  # what was recorded counts: the trigger may be another one by now
                outside = triggered_inputs(run.plan, facts.item[0], call.frame.names["inputs"]) | outside
            inputs = given_inputs(run.plan, outside)
            self._known = PlanTags(run.plan, inputs, run.called_plan, outdated=run.outdated_steps)
        return self._known


class PlaceTags(Struct, frozen=True, dict=True):
    """The tags at one place."""

    plan: PlanTags
    levels: tuple[Level, ...]
    values: Mapping[str, Any]
    memo: Memo = field(default_factory=dict)
    """Of the steps inside a loop: their values differ from item to item."""

    @cached_property
    def tagging(self) -> Tagging:
        """What works out the tags of expressions here."""
        return Tagging(self.name, self.values, self.plan.known)

    def name(self, name: str) -> Tag:
        """Return the tag of a name. Raises KeyError if the name does not exist here."""
        if name == "inputs":
            return self.plan.inputs.valued(self.values.get("inputs", NOT_KNOWN))
        if name == "steps":
            return _Steps(self)
        if name in ("run", "index"):
            return CLEAN
        if name == "error":
            return _error("error", self.values.get("error", NOT_KNOWN) if self._is_at_hand("error") else NOT_KNOWN)
        for depth in reversed(range(len(self.levels))):
            level = self.levels[depth]
            if level.loop is not None and level.loop.loop is not None:
                if name == "key":
                    tag = self._until(depth + 1).tagging.tree(level.loop.loop.key)
                    return tag.valued(level.key)
                if name == level.loop.loop.name:
                    items = self._until(depth).tagging.tree(level.loop.loop.items)
                    return items.kind().valued(level.item).current(is_current=True)
        if name == "env":
            return CLEAN
        raise KeyError(name)

    def _is_at_hand(self, name: str) -> bool:
        return all(level.is_running for level in self.levels) and name in self.values

    def _until(self, depth: int) -> PlaceTags:
        return self if depth == len(self.levels) else replace(self, levels=self.levels[:depth])

    def inside(self, level: Level) -> PlaceTags:
        """Return the tags inside a block that has ended."""
        return replace(self, levels=(*self.levels, replace(level, is_running=False)))

    def of(self, wanted: Node) -> PlaceTags | None:
        """Return the tags at the place of a step inside, wherever it is."""
        for node in self.levels[-1].block.nodes:
            if node is wanted:
                return self
            for level in _blocks(node):
                found = self.inside(level).of(wanted)
                if found is not None:
                    return found
        return None

    # --- steps

    def step(self, step_id: str) -> Tag:
        """Return the tag of `steps.<id>`. Raises KeyError."""
        found = self._place_of(step_id)
        if found is None:
            raise KeyError(step_id)
        place, node = found
        record = self.values.get("steps", {}).get(step_id, {}) if place.levels[-1].is_running else {}
        return place.entry(node, record)

    def _place_of(self, step_id: str) -> tuple[PlaceTags, Node] | None:
        for depth in reversed(range(len(self.levels))):
            node = self.plan.facts.node(self.levels[depth].block, step_id)
            if node is not None:
                return self._until(depth + 1), node
        return None

    def entry(self, node: Node, record: Mapping[str, Any]) -> Tag:
        """Return the tag of `steps.<id>` for a step that stands here, and what is known of it."""
        output = self.output(node)
        known = record.get("output", NOT_KNOWN)
        error = _error(f"steps.{node.id}.error", record.get("error", NOT_KNOWN))
        return FieldTags({"output": output.valued(known), "error": error})

    def output(self, node: Node) -> Later:
        """Return the tag of the output of a step that stands here; it is worked out once, when it is needed."""
        key = (id(node), self.levels[-1].is_running, self.plan.known.is_asked)
        memo = self.memo if any(level.loop is not None for level in self.levels) else self.plan.memo
        if key not in memo:
            memo[key] = Later(partial(self._output, node))
        return memo[key]

    def settle(self, node: Node) -> None:
        """Work out the outputs that a step needs, one after another: a long chain of steps is no deep recursion."""
        ahead, seen = [*self.plan.facts.needs(node)], set[str]()
        while ahead:
            step_id = ahead[-1]
            place = self._place_of(step_id)
            is_settled = place is None or place[0].output(place[1]).is_made
            further = [] if place is None or is_settled or step_id in seen else [*self.plan.facts.needs(place[1])]
            seen.add(step_id)
            further = [one for one in further if one not in seen]
            if further:
                ahead += further
                continue
            ahead.pop()
            if place is not None and not is_settled:
                tag = place[0].output(place[1]).inner()
                if not isinstance(tag, TypedTag):  # the others are made of tags that are worked out in turn
                    next(tag.field("").found(), None)

    def _output(self, node: Node) -> Tag:
        """Return the tag of the output of a step, or of its fallback."""
        if node.path in self.plan.outdated:
            return TypedTag({}, f"steps.{node.id}.output", _OUTDATED, is_outside=True)
        once = self._looped(node) if node.loop is not None else self._once(node)
        if node.fallback is None:
            return once
        inner = self.inside(Level(node.fallback))
        return either([once, inner.output(node.fallback.nodes[-1])])

    def _looped(self, node: Node) -> Tag:
        """Return the tag of a loop's output: of what every item has."""
        assert node.body is not None
        inner = self.inside(Level(node.body, loop=node))
        fields = {one.id: inner.output(one) for one in node.body.nodes}
        if node.has_output:
            fields["output"] = Later(partial(inner.tagging.tree, node.output))
        fields["error"] = Later(partial(_error, f"steps.{node.id}.output.error", NOT_KNOWN))
        fields["key"] = Later(partial(inner.name, "key"))
        return Gathered(FieldTags(fields).current(is_current=False))

    def _once(self, node: Node) -> Tag:
        if node.body is not None:
            inner = self.inside(Level(node.body))
            if node.has_output:
                return inner.tagging.tree(node.output)
            return FieldTags({one.id: inner.output(one) for one in node.body.nodes})
        return CLEAN if node.action is None else self._called(node, node.action)

    def _called(self, node: Node, action: Action) -> Tag:
        """Return the tag of the output of a call."""
        kind, path = action.step_type, f"steps.{node.id}.output"
        if action.uses == CALL:
            return self._of_workflow(action)
        if not kind.is_derived(action.arguments):
            schema = action.output_schema
            return TypedTag(schema, path, _thing(action.uses), is_outside=not schema)
        if kind.is_for_output and len(kind.hands_on) == 1:
            return self.tagging.tree(action.arguments.get(next(iter(kind.hands_on))))
        given = self.tagging.left(map(self.tagging.tree, action.arguments.values()))
        if given is None:  # it says nothing that it was not given
            return CLEAN
        return TypedTag(action.output_schema, path, is_outside=True, because=given.way)

    def _of_workflow(self, action: Action) -> Tag:
        if self.plan.depth >= _DEEPEST:
            return CLEAN
        plan = self.plan.called(action.arguments["workflow"])
        given = self.tagging.tree(action.arguments.get("inputs", {}))
        inputs = given_inputs(plan, places(given, self.tagging.is_clean))
        return PlanTags(plan, inputs, self.plan.called, self.plan.depth + 1).outputs()


class _Steps(Tag):
    """The tag of `steps`."""

    def __init__(self, place: PlaceTags) -> None:
        self._place = place

    def field(self, name: str) -> Tag:
        """Return the tag of a step."""
        try:
            return self._place.step(name)
        except KeyError:
            return CLEAN

    def found(self) -> Iterator[tuple[Place, Any, Outside]]:
        """Yield the texts from outside of all steps that have ended."""
        for name in self._place.values.get("steps", {}):
            yield from self.field(name).found()


def outside_inputs(place: PlaceTags, action: Action) -> list[OutsideInput]:
    """Return which of the inputs that a `workflow.run` step gives are text from outside."""
    tag = place.tagging.tree(action.arguments.get("inputs", {}))
    found = places(tag, place.tagging.is_clean)
    return [_told(list(where), one) for where, one in found.items()]


def outside_inputs_of_trigger(plan: Plan, trigger_id: str, inputs: Mapping[str, Any]) -> list[OutsideInput]:
    """Return which inputs that a trigger gives are text from outside; recorded, since the trigger may be changed."""
    return [_told(list(where), one) for where, one in triggered_inputs(plan, trigger_id, inputs).items()]


def _told(place: list[str], one: Outside) -> OutsideInput:
    told: OutsideInput = {"place": place, "origin": one.way, "sender": one.is_sender and one.is_current}
    return {**told, "file": True} if one.is_file else told


def _stored(one: OutsideInput) -> Outside:
    return Outside((one["origin"],), one["sender"], one["sender"], one.get("file", False))


def given_inputs(plan: Plan, outside: Mapping[Place, Outside]) -> Tag:
    """Return the tag of the inputs of a run, given the places that have text from outside."""
    return Given(outside, TypedTag(plan.inputs_schema, "inputs")) if outside else CLEAN


def triggered_inputs(plan: Plan, trigger_id: str, inputs: Mapping[str, Any]) -> dict[Place, Outside]:
    """Return where the inputs that a trigger has given have text from outside."""
    trigger = next((one for one in plan.triggers if one.id == trigger_id), None)
    if trigger is None or not trigger.inputs:
        return {}
    item = TypedTag(
        trigger.kind.item_schema_of(trigger.fields), f"triggers.{trigger.id}.item", _word(trigger), is_current=True
    )
    tagging = Tagging({"item": item}.__getitem__, {}, PlanTags(plan, CLEAN, _no_plan).known)
    return places(tagging.tree(dict(trigger.inputs)).valued(inputs), tagging.is_clean)


def _no_plan(name: str) -> Plan:
    raise KeyError(name)


def _word(trigger: Trigger) -> str:
    thing = service_of(trigger.kind.service)
    return "item" if thing is None or thing.link == OTHER_LINK else thing.link.lower()


def _thing(uses: str) -> str:
    word = link_word(uses)
    return f"answer of {uses}" if word == OTHER_LINK else word.lower()


def _error(path: str, value: Any) -> Tag:
    return FieldTags({"message": TypedTag(_MESSAGE, f"{path}.message", _QUOTES)}).valued(value)


def _blocks(node: Node) -> Iterator[Level]:
    """Yield the blocks of a step."""
    if node.body is not None:
        yield Level(node.body, loop=node if node.loop is not None else None)
    if node.fallback is not None:
        yield Level(node.fallback)


def _levels(plan: Plan, frame: Frame, node: Node) -> Iterator[Level]:
    """Yield the blocks around a step, from the outside in."""
    ahead = [] if frame.path is None else [*frame.path.parts]
    if ahead and ahead[0].id == FAILURE and plan.on_failure is not None:
        del ahead[0]
        level = Level(plan.on_failure)
    else:
        level = Level(plan.block)
    yield level
    turns = iter(frame.turns)
    while ahead:
        part = ahead.pop(0)
        around = next(one for one in level.block.nodes if one.id == part.id)
        level = _entered(around, part, ahead[0].id if ahead else node.id)
        if level.loop is not None and level.loop.loop is not None:
            item = frame.names.get(level.loop.loop.name, NOT_KNOWN)
            level = replace(level, item=item, key=next(turns).key)
        yield level


def _entered(around: Node, part: PathPart, inside: str) -> Level:
    """Return the block of a step through which a path goes."""
    levels = [*_blocks(around)]
    if part.item is not None:
        return levels[0]
    return next(one for one in levels if one.loop is None and any(each.id == inside for each in one.block.nodes))
