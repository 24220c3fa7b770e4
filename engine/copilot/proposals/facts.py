"""What a text does outside that another one does not, and the ticks that a person must give for it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from engine.base.json_text import is_same
from engine.base.step_tree import CALLS
from engine.compiler.definition.plan import Plan
from engine.copilot.proposals.guards import weaker
from engine.copilot.proposals.known_steps import KnownStep, KnownSteps, canonical
from engine.copilot.proposals.records import News, Tick, TickKind, WriteAgain
from engine.copilot.proposals.saying import starts
from engine.outgoing import hidden_characters
from engine.plugins.step import Role
from engine.workflows.differences.sentences import shown, whole
from engine.workflows.differences.writes_again import writes_moved

_ALWAYS: tuple[TickKind, ...] = ("destination", "trigger", "connection", "guard", "writes_again")
"""What needs a tick whoever proposes it; the rest only if text from outside was in the conversation."""


class Fact(Struct, frozen=True):
    """Something that a text would newly do."""

    kind: TickKind
    what: Any
    """Everything that makes it what it is: it has another tick if anything of it changes."""
    words: str

    @property
    def tick(self) -> Tick:
        """The tick for it."""
        digest = hashlib.sha256(canonical([self.kind, self.what]).encode()).hexdigest()[:16]
        return Tick(f"{self.kind}-{digest}", self.kind, f"{hidden_characters.shown(self.words)[0]}.")


class ProposalFacts(Struct, frozen=True):
    """What a text would newly do outside, and what must be agreed to."""

    news: News
    writes_again: list[WriteAgain]
    ticks: list[Tick]


def facts(
    old: object,
    new: object,
    plans: tuple[Plan | None, Plan | None],
    *,
    from_outside: bool,
) -> ProposalFacts:
    """Return what the document `new` does that `old` does not.

    In `old`, renamed steps already have their new ids. `plans`: of the old text and of the new one, None for one that
    does not compile.
    """
    was, now = KnownSteps(old), KnownSteps(new)
    again = [WriteAgain(one.step.step.id, one.words) for one in writes_moved(old, new)]
    found = [
        *_destinations(was, now),
        *_triggers(was, now),
        *_connections(was, now, plans),
        *(Fact("guard", [one.what, one.before, one.after], one.words) for one in weaker(was, now)),
        *_writes(was, now),
        *_instructions(was, now),
        *(Fact("writes_again", [one.step, one.words], one.words) for one in again),
    ]
    found = list({one.tick.id: one for one in found}.values())
    ticks = [one.tick for one in found if from_outside or one.kind in _ALWAYS]

    def words(kind: TickKind) -> list[str]:
        return list(dict.fromkeys(f"{one.words}." for one in found if one.kind == kind))

    news = News(
        [f"{one.id}: {one.uses}." for one in _new_writes(was, now)],
        *(words(kind) for kind in ("destination", "trigger", "connection", "instruction", "guard")),
    )
    return ProposalFacts(news, again, ticks)


def _destinations(was: KnownSteps, now: KnownSteps) -> Iterator[Fact]:
    """Yield what decides newly where data goes: a value, or anything that an expression of it depends on."""
    known = {canonical(_destination(was, step, *one)) for step in was.all for one in step.places()}
    for step in now.all:
        before = was.by_id.get(step.id)
        mine = dict(before.places()) if before is not None else {}
        for name, value in step.places():
            what = _destination(now, step, name, value)
            same = [_destination(was, before, name, mine[name])] if before is not None and name in mine else []
            if canonical(what) in (known if before is None else set(map(canonical, same))):
                continue  # where the step writes already, or, if it is new, where another one does in the same way
            yield Fact("destination", [step.id, what], _where(step, name, value, before))
        if before is not None and step.leads_out:
            for name in sorted(mine.keys() - step.given):
                if before.knows(name):  # else nothing was sent there: the text did not compile
                    said = f"Step {step.id} ({step.uses}): {name} is no longer given"
                    yield Fact("destination", [step.id, name, None], said)


def _destination(steps: KnownSteps, step: KnownStep, name: str, value: Any) -> list[Any]:
    connection = step.own.get("connection")
    return [step.uses, str(step.effect), connection, name, value, steps.depends_on(step, value)]


def _where(step: KnownStep, name: str, value: Any, before: KnownStep | None) -> str:
    """Return where data goes newly, whole: what nobody can see is not agreed to."""
    said = whole(value)
    if step.uses in CALLS and name in ("workflow", "agent"):
        return f"Step {step.id} calls {name} {said}"
    mine = dict(before.places()) if before is not None and before.uses == step.uses else {}
    if name in mine and is_same(mine[name], value):
        return f"Step {step.id} ({step.uses}): what decides {name} {said} has changed"
    old = mine.get(name)
    if isinstance(value, list) and isinstance(old, list) and (more := [one for one in value if one not in old]):
        return f"Step {step.id} ({step.uses}): {name} newly has {whole(more)}, and is now {said}"
    if name in mine:
        return f"Step {step.id} ({step.uses}): {name} {said}, before {whole(old)}"
    return f"Step {step.id} ({step.uses}): {name} {said}"


_OFF = "It starts nothing until you turn it on, which you can do once it is saved"
_ON = "If it is on, this holds once it is saved; if it then watches something else, only when you turn it on again"


def _triggers(was: KnownSteps, now: KnownSteps) -> Iterator[Fact]:
    """Yield triggers that are new, or changed in anything but their title."""
    old, new = (_without_title(one.document.get("triggers")) for one in (was, now))
    for one in new:
        if one not in old:
            name = one.get("id", "?") if isinstance(one, dict) else "?"
            uses = one.get("uses", "?") if isinstance(one, dict) else shown(one)
            before = next((other for other in old if isinstance(other, dict) and other.get("id") == name), None)
            news, then = ("is new", _OFF) if before is None else ("is changed", _ON)
            when = (
                ". ".join([starts(one), *_untold(one, before or {})])
                if isinstance(one, dict)
                else "It is not an object"
            )
            yield Fact("trigger", one, f"Trigger {name} {news} ({uses}). {when}. {then}")


def _untold(trigger: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is new in a trigger and not in the sentence of what it starts for: account, inputs, what was cut."""
    for key in sorted((trigger.keys() | before.keys()) - {"id", "uses"}):
        value, had = trigger.get(key), before.get(key)
        if is_same(value, had) or (key == "with" and "…" not in starts(trigger)):
            continue
        said = f"{key} is no longer given" if value is None else f"{key} is now {whole(value)}"
        yield said if had is None else f"{said}, before {whole(had)}"


def _without_title(triggers: object) -> list[Any]:
    found = triggers if isinstance(triggers, list) else [] if triggers is None else [triggers]
    return [{key: it for key, it in one.items() if key != "title"} if isinstance(one, dict) else one for one in found]


def _connections(was: KnownSteps, now: KnownSteps, plans: tuple[Plan | None, Plan | None]) -> Iterator[Fact]:
    """Yield accounts that the workflow did not use, and steps that use another one."""
    before, after = plans
    if after is not None:
        for name in after.connections:
            if before is None or name not in before.connections:
                yield Fact("connection", ["workflow", name], f"The workflow uses the connection {name}")
    used = {step.own.get("connection") for step in was.all}
    for step in now.all:
        own, old = step.own.get("connection"), was.by_id.get(step.id)
        is_other = old is not None and old.own.get("connection") != own
        if is_other or (own is not None and own not in used):
            said = shown(own) if own is not None else "that is the only one of its service"
            had = None if old is None else old.own.get("connection")
            said += "" if had is None else f", before {shown(had)}"
            yield Fact("connection", [step.id, step.uses, own], f"Step {step.id} uses the connection {said}")


def _new_writes(was: KnownSteps, now: KnownSteps) -> list[KnownStep]:
    return [
        step
        for step in now.all
        if step.writes and ((old := was.by_id.get(step.id)) is None or old.uses != step.uses or not old.writes)
    ]


def _writes(was: KnownSteps, now: KnownSteps) -> Iterator[Fact]:
    """Yield writes that are new, or send or depend on something else."""
    new = {step.id for step in _new_writes(was, now)}
    for step in now.all:
        if not step.writes:
            continue
        what = _whole(now, step)
        if step.id in new:
            yield Fact("write", [step.id, what], f"Step {step.id} writes ({step.uses})")
        elif canonical(what) != canonical(_whole(was, was.by_id[step.id])):
            yield Fact("write", [step.id, what], f"What step {step.id} ({step.uses}) writes, or when, has changed")


def _instructions(was: KnownSteps, now: KnownSteps) -> Iterator[Fact]:
    """Yield instructions to models and code that are new."""
    for step in now.all:
        old = was.by_id.get(step.id)
        if step.asks_model and (old is None or canonical(_whole(was, old)) != canonical(_whole(now, step))):
            said = whole(dict(step.fields(Role.INSTRUCTION)) or step.node.step.arguments)
            yield Fact(
                "instruction", [step.id, _whole(now, step)], f"Step {step.id} ({step.uses}) tells its model {said}"
            )
            continue
        for name, value in step.fields(Role.INSTRUCTION):
            what = [step.uses, name, value, now.depends_on(step, value)]
            mine = dict(old.fields(Role.INSTRUCTION)) if old is not None else {}
            before = [old.uses, name, mine[name], was.depends_on(old, mine[name])] if old and name in mine else None
            if canonical(what) != canonical(before):
                yield Fact("instruction", [step.id, what], f"Step {step.id} ({step.uses}): {name} {whole(value)}")


def _whole(steps: KnownSteps, step: KnownStep) -> list[Any]:
    """Return all that decides what a step does: itself, what is around it, and what these depend on.

    The output of a group comes after all steps inside, so that it decides nothing about them; ids refer to nothing.
    """
    groups = [KnownStep(one).own for one in step.node.up() if one is not step.node]
    around = [_without(step.own, "id"), *(_without(one, "id", "output") for one in groups)]
    return [around, steps.depends_on(step, around)]


def _without(found: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: one for key, one in found.items() if key not in keys}


def missing(needed: Sequence[Tick], given: Sequence[str]) -> list[Tick]:
    """Return the ticks that were not given."""
    return [one for one in needed if one.id not in given]
