"""Fixes of names in a file: of step types, triggers, connections, errors, prompts, workflows, and of steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from clients.wording import likeness, nearest
from engine.base.services import is_for
from engine.compiler.checks.retry_check import RETRIED
from engine.copilot.fixes.records import Idea
from engine.copilot.fixes.seen import SeenProblem
from engine.plugins.registry import step_types, trigger_types

_MOST = 5
_LONGEST = 200
"""Letters of a name that are compared."""
_VERBS = (
    "send post write say notify message",
    "create add new make insert open",
    "get read fetch load download show",
    "list search find query all",
    "update edit change set put modify patch",
    "delete remove drop",
)
"""Words that services use for the same, a group a line."""


def step_type_meant(seen: SeenProblem) -> Iterator[Idea]:
    """An unknown step type: the nearest one, or a similar one of the service."""
    yield from _types(seen, list(step_types()))


def trigger_type_meant(seen: SeenProblem) -> Iterator[Idea]:
    """A trigger type that does not exist."""
    yield from _types(seen, list(trigger_types()))


def connection_meant(seen: SeenProblem) -> Iterator[Idea]:
    """An unknown connection, or no connection where several fit: the nearest one, or the only one."""
    kind, known = seen.kind, seen.around.compiler_context.names
    if kind is None:
        return
    if kind.service is None:
        yield Idea("Take 'connection' out", [seen.unset(seen.path)])
        return
    fitting = [name for name, service in known.items() if is_for(service, kind.service)]
    near = nearest(str(seen.value), fitting) if seen.key == "connection" else None
    chosen = near or (fitting[0] if len(fitting) == 1 else None)
    if chosen is not None:
        target = (*seen.path[:-1], "connection")
        yield Idea(f"Use the connection {chosen!r}", [seen.set(target, chosen)])


def error_meant(seen: SeenProblem) -> Iterator[Idea]:
    """An error that does not exist, in `retry`."""
    yield from _nearest(seen, sorted(RETRIED))


def prompt_meant(seen: SeenProblem) -> Iterator[Idea]:
    """A prompt that does not exist."""
    yield from _nearest(seen, seen.around.prompts)


def workflow_meant(seen: SeenProblem) -> Iterator[Idea]:
    """A workflow that does not exist."""
    yield from _nearest(seen, [one for one in seen.around.workflows if one != seen.around.name])


def sibling_meant(seen: SeenProblem) -> Iterator[Idea]:
    """A step in `needs` that is not beside this one: the nearest one that is, or no step."""
    node = seen.node
    if node is None:
        return
    around = node.place[:-1]
    beside = [one.step.id for one in seen.around.nodes if one.place[:-1] == around and one.place != node.place]
    yield from _nearest(seen, beside)
    if isinstance(seen.path[-1], int):
        yield Idea(f"Do not wait for {seen.value!r}", [seen.unset(seen.path)])


def circle(seen: SeenProblem) -> Iterator[Idea]:
    """Steps that wait for each other: one of them no longer waits."""
    beside = [one for one in seen.around.nodes if one.place[:-1] == seen.path[: len(one.place) - 1]]
    for one in beside:
        waits = one.step.needs or []
        for index, other in enumerate(waits):
            op = {"op": "set", "step": one.step.id, "field": "needs", "value": [*waits[:index], *waits[index + 1 :]]}
            yield Idea(f"Do not let {one.step.id!r} wait for {other!r}", [op], is_certain=False)


def another_id(seen: SeenProblem) -> Iterator[Idea]:
    """An id that two have: the later one gets a number."""
    taken = {*seen.around.ids, *_trigger_ids(seen)}
    new = next(name for number in range(2, 1_000) if (name := f"{seen.value}_{number}") not in taken)
    node = seen.node
    if node is None:
        yield Idea(f"Call this one {new!r}", [seen.set(seen.path, new)])
        return
    same = [one.place for one in seen.around.nodes if one.step.id == node.step.id]
    op = {"op": "rename", "step": node.step.id, "to": new, "number": same.index(node.place) + 1}
    yield Idea(f"Call one of them {new!r}", [op])


def _trigger_ids(seen: SeenProblem) -> list[str]:
    found = seen.near(("triggers",), [])
    return [str(one.get("id")) for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _types(seen: SeenProblem, known: Sequence[str]) -> Iterator[Idea]:
    """Yield the types that were probably meant; others of the service follow by likeness."""
    written = str(seen.value)
    near = nearest(written, known)
    service, _, action = written[:_LONGEST].partition(".")
    services = dict.fromkeys(one.partition(".")[0] for one in known)
    own = service if service in services else nearest(service, list(services))
    of_service = [one for one in known if one.partition(".")[0] == own]
    of_service.sort(key=lambda one: -_likeness(action, one.partition(".")[2]))
    found = sorted([one for one in (near,) if one], key=lambda one: one.partition(".")[0] != own)
    for name in dict.fromkeys([*found, *of_service[:_MOST]]):
        yield seen.writing(name, f"Use {name}")


def _likeness(action: str, other: str) -> float:
    """Return how much two names of actions mean the same, by their words and then by their letters."""
    words, others = _meanings(action), _meanings(other)
    return len(words & others) / max(len(words | others), 1) + likeness(other)(action)


def _meanings(action: str) -> set[str]:
    return {next((group for group in _VERBS if one in group.split()), one.rstrip("s")) for one in action.split("_")}


def _nearest(seen: SeenProblem, known: Sequence[str]) -> Iterator[Idea]:
    near = nearest(str(seen.value), known)
    if near is not None:
        yield seen.writing(near)
