"""What protects against mistakes, in one text and weaker in another: approvals, conditions, limits, order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from engine.base.json_text import JsonObject, is_same
from engine.base.step_tree import FAILURE, StepDefinition, StepNode
from engine.copilot.proposals.known_steps import KnownStep, KnownSteps, canonical
from engine.copilot.proposals.narrowing import narrows
from engine.workflows.differences.sentences import whole

_GATES = {
    "flow.approve": "asks a person before the run goes on",
    "flow.assert": "stops the run if its condition is false",
    "flow.fail": "makes the run fail",
    "flow.stop": "ends the run",
}
"""Steps that hold a run back, and how."""
_AROUND = ("if", "foreach", "as", "key", "on_item_error", "needs", "approve", "once", "allow", "output")
"""The fields of a write, and of the steps around it, that decide whether and how often it is made. `retry` does not:
a write whose outcome is unknown is looked up or asked about, never just sent again."""
_HARMLESS = ("schema_version", "title", "description", "inputs", "outputs", "triggers", "steps", FAILURE)
_EXPOSED = ("title", "description", "inputs", "outputs", "expose")
"""What programs see of a workflow that they can call."""
_ABSENT: Any = object()
_MAY = {
    "if": "may run where it did not before",
    "foreach": "may run for other items",
    "as": "may run for other items",
    "key": "may write again what it has written",
    "once": "may write again what it has written",
    "needs": "may run before steps that it waited for",
    "approve": "may write without being approved first",
    "allow": "may write to places that were refused",
    "on_error": "may fail, and the run goes on",
    "on_item_error": "may fail for an item, and the run goes on",
    "budget": "may cost more",
    "timeout_seconds": "may take longer",
    "links": "may write links to other hosts",
    "privacy": "may send text from outside to other machines",
    "expose": "may be called by programs, or be described to them in another way",
    "concurrency": "may have more runs at once",
}
"""What follows if a guard is weaker, by its key."""
_NAMES = {
    "if": "condition",
    "foreach": "list of items",
    "once": "key (once)",
    "needs": "order (needs)",
    "approve": "approval",
    "allow": "list of allowed places",
    "on_error": "rule for a failure",
    "on_item_error": "rule for an item that fails",
    "timeout_seconds": "time limit",
    "links": "list of hosts for links",
    "concurrency": "limit of runs at once",
    "runs only after a failure of": "rule to run only after a failure",
}
"""What people call a guard, by its key, if that is not the key itself."""


class WeakerGuard(Struct, frozen=True):
    """A guard that is weaker."""

    what: str
    """Where it is: "issue.approve"."""
    before: Any
    after: Any
    words: str


def weaker(old: KnownSteps, new: KnownSteps) -> Iterator[WeakerGuard]:
    """Yield the guards of `old` that are weaker in `new`, or not there; steps are matched by their ids."""
    yield from _of_workflow(old.document, new.document)
    yield from _gates(old, new)
    writes: defaultdict[str, list[KnownStep]] = defaultdict(list)
    for step in old.all:
        if step.writes:
            writes[_place(step)].append(step)
    for step in new.all:
        before = old.by_id.get(step.id)
        yield from _on_error(old, new, step)
        if before is None:
            alike = writes[_place(step)] if step.writes else []
            yield from _of_new(step, alike)
            yield from _in_place_of(old, new, step, alike)
        elif step.writes:
            yield from _of_write(old, new, before, step)


# --- the workflow


def _of_workflow(old: JsonObject, new: JsonObject) -> Iterator[WeakerGuard]:
    for key in dict.fromkeys([*old, *new]):
        before, after = old.get(key, _ABSENT), new.get(key, _ABSENT)
        if _is_equal(before, after) or (key in _HARMLESS and not (new.get("expose") and key in _EXPOSED)):
            continue
        if not _is_stricter(key, before, after):
            may = _may("expose" if key in _EXPOSED else key)
            yield _weaker(f"workflow.{key}", f"The workflow {may}: {_named(key)}", before, after)


def _is_stricter(key: str, before: Any, after: Any) -> bool:
    match key:
        case "id":
            return before is _ABSENT
        case "allow" | "links":
            has = [] if before is _ABSENT else before
            left = [] if after is _ABSENT else after
            return isinstance(has, list) and isinstance(left, list) and all(one in has for one in left)
        case "privacy":
            return bool(after == "local")
        case "expose":
            return after in (_ABSENT, False)
        case "timeout_seconds":
            return _is_lower(before, after)
        case "budget":
            return before is _ABSENT or _are_lower(before, after)
        case _:
            return False


def _are_lower(before: Any, after: Any) -> bool:
    """Return whether all limits are still there, and no limit is higher."""
    if isinstance(before, Mapping):
        return isinstance(after, Mapping) and all(_are_lower(one, after.get(key)) for key, one in before.items())
    return _is_equal(before, after) or _is_lower(before, after)


def _is_lower(before: Any, after: Any) -> bool:
    def is_number(value: Any) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool)

    return is_number(after) and (before is _ABSENT or (is_number(before) and after <= before))


# --- steps


def _gates(old: KnownSteps, new: KnownSteps) -> Iterator[WeakerGuard]:
    """Yield the steps that hold a run back and are gone, or changed in any way."""
    for step in old.all:
        if step.uses not in _GATES:
            continue
        now = new.by_id.get(step.id)
        if now is None:
            words = f"Step {step.id} ({step.uses}), which {_GATES[step.uses]}, is removed"
            yield WeakerGuard(f"{step.id}.gate", step.own, None, words)
            continue
        was, is_ = ([_around(one, step.id), one.own] for one in (step, now))
        if not is_same(was, is_):
            words = f"Step {step.id} ({step.uses}), which {_GATES[step.uses]}, is changed, and may let more pass"
            yield WeakerGuard(f"{step.id}.gate", was, is_, words)
        yield from _written_elsewhere(old, new, step, now)


def _on_error(old: KnownSteps, new: KnownSteps, step: KnownStep) -> Iterator[WeakerGuard]:
    """Yield a step after whose failure a run goes on now; one that is new may do so if it holds nothing back.

    A new group holds back what it is put around: a gate, or a step whose failure has ended the run so far.
    """
    before = old.by_id.get(step.id)
    for key, strict in (("on_error", "fail"), ("on_item_error", "stop")):
        was = strict if before is None else before.own.get(key, strict)
        now = step.own.get(key, strict)
        if now != strict and not is_same(was, now) and (before is not None or _holds_back(old, new, step)):
            yield _weaker(f"{step.id}.{key}", f"Step {step.id} {_may(key)}: {_named(key)}", was, now)


def _holds_back(old: KnownSteps, new: KnownSteps, step: KnownStep) -> bool:
    """Return whether a gate, or a step that was there before, is this step or inside it."""
    inside = (one for one in new.all if any(up is step.node for up in one.node.up()))
    return any(one.uses in _GATES or one.id in old.by_id for one in inside)


def _in_place_of(
    old: KnownSteps, new: KnownSteps, step: KnownStep, alike: Sequence[KnownStep]
) -> Iterator[WeakerGuard]:
    """Yield what a new write does without the guards of those that wrote to the same place (`alike`).

    It may stand in for each of them that is gone; beside those that are there, it may do what the least guarded may.
    """
    gone = [one for one in alike if one.id not in new.by_id]
    for before in gone:
        yield from _of_write(old, new, before, step)
    left = [[*_of_write(old, new, one, step)] for one in alike if one.id in new.by_id]
    if left and not gone:
        yield from min(left, key=len)


def _place(step: KnownStep) -> str:
    """Return where a step writes, in a form to compare."""
    return canonical([step.uses, step.own.get("connection"), dict(step.places())])


def _of_new(step: KnownStep, alike: Sequence[KnownStep]) -> Iterator[WeakerGuard]:
    """Yield what a new step does without the guards that it would have by default, or that one of those alike had."""
    for key in ("approve", "allow", "once"):
        is_strict = key == "approve" and step.own.get(key) == "always"
        if key in step.own and not is_strict and not any(is_same(one.own.get(key), step.own[key]) for one in alike):
            yield _weaker(f"{step.id}.{key}", f"New step {step.id} {_may(key)}: {_named(key)}", _ABSENT, step.own[key])


def _of_write(old: KnownSteps, new: KnownSteps, before: KnownStep, step: KnownStep) -> Iterator[WeakerGuard]:
    """Yield what decides less strictly whether a write is made, in place of another one or of itself."""
    was, now = _around(before, step.id), _around(step, step.id)
    for place in dict.fromkeys([*was, *now]):
        one, other = was.get(place, _ABSENT), now.get(place, _ABSENT)
        key = place.rpartition(".")[2]
        is_narrower = (key == "if" and (one is _ABSENT or narrows(one, other))) or (
            key == "approve" and other == "always" and not isinstance(one, Mapping)
        )
        if not _is_equal(one, other) and not is_narrower:
            named = _named(key, "" if place == f"{step.id}.{key}" else place.removesuffix(f".{key}"))
            yield _weaker(f"{step.id}@{place}", f"Step {step.id} {_may(key)}: {named}", one, other)
    yield from _written_elsewhere(old, new, before, step)
    gone = [one for one in _gates_before(old, before.node) if one not in _gates_before(new, step.node)]
    for gate in gone:
        if gate in new.by_id:
            words = f"Step {step.id} may run although {gate} holds the run back"
            yield WeakerGuard(f"{step.id}@after.{gate}", gate, None, words)


def _written_elsewhere(old: KnownSteps, new: KnownSteps, before: KnownStep, step: KnownStep) -> Iterator[WeakerGuard]:
    """Yield the values in the workflow itself that decide about a step and are others now: constants and defaults.

    What a service or a model answers is no guard, unless a constant takes its place, or it takes a constant's.
    """
    asked, asks = _deciding(before), _deciding(step)
    was, now = old.depends_on(before, asked), new.depends_on(step, asks)
    constant = old.depends_on(before, asked, is_written=True)
    others = new.depends_on(step, asks, is_written=True).keys() & was.keys()
    for name in sorted(constant.keys() | others):
        one, other = was[name], now.get(name, _ABSENT)
        if not _is_equal(one, other):
            yield _weaker(f"{step.id}@{name}", f"Step {step.id} {_may('if')}: {name}", one, other)


def _deciding(step: KnownStep) -> list[Any]:
    """Return what a step says itself, and the steps around it, of whether it runs."""
    found: list[Any] = [step.own.get("with")] if step.uses in _GATES else []
    for up in step.node.up():
        found += [up.step.json[key] for key in ("if", "foreach", "approve") if key in up.step.json]
    return found


def _around(step: KnownStep, id_: str) -> dict[str, Any]:
    """Return what decides whether a step runs, of itself (as `id_`) and of the steps around it."""
    found: dict[str, Any] = {}
    for up in step.node.up():
        name = id_ if up is step.node else up.step.id
        found |= {f"{name}.{key}": up.step.json[key] for key in _AROUND if key in up.step.json}
    if step.node.is_fallback:
        found["runs only after a failure of"] = step.node.parent.step.id if step.node.parent is not None else ""
    if step.node.is_after_failure:
        found["runs only after a failure of"] = "the run"
    return found


def _gates_before(steps: KnownSteps, node: StepNode[StepDefinition]) -> list[str]:
    """Return the steps that can hold back a run before it comes to a step, by their place in the file."""
    found = []
    for gate in steps.all:
        if gate.uses not in _GATES:
            continue
        for up in node.up():
            depth = len(up.place) - 1
            place = gate.node.place
            if place[:depth] == up.place[:depth] and len(place) > depth and _is_before(place[depth], up.place[depth]):
                found.append(gate.id)
                break
    return found


def _is_before(one: str | int, other: str | int) -> bool:
    return isinstance(one, int) and isinstance(other, int) and one < other


def _is_equal(one: Any, other: Any) -> bool:
    return one is other or (_ABSENT not in (one, other) and is_same(one, other))


def _changes(name: str, before: Any, after: Any) -> Iterator[str]:
    """Yield what differs between two values: only the members that do, of two objects."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys([*before, *after]):
            one, other = before.get(key, _ABSENT), after.get(key, _ABSENT)
            if not _is_equal(one, other):
                yield from _changes(f"{name}.{key}", one, other)
        return
    if after is _ABSENT:
        yield f"{name} is gone, which was {whole(before)}"
    elif before is _ABSENT:
        yield f"{name} is now {whole(after)}"
    else:
        yield f"{name} is now {whole(after)}, before {whole(before)}"


def _may(key: str) -> str:
    return _MAY.get(key, "may do what it did not before")


def _named(key: str, of: str = "") -> str:
    """Return a guard in words: of the step itself, or of one around it."""
    name = _NAMES.get(key, key)
    return f"the {name} of {of}" if of and of != key else f"its {name}"


def _weaker(what: str, name: str, before: Any, after: Any) -> WeakerGuard:
    said = " and ".join(_changes(name, before, after))
    return WeakerGuard(what, None if before is _ABSENT else before, None if after is _ABSENT else after, said)
