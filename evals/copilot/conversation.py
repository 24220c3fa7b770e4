"""Requests through the conversation with a model, and what must hold whatever the model does."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.copilot.proposals.records import Proposal
from engine.copilot.talking.records import About, Turn, TurnLimits
from evals.copilot.judging import Reply
from evals.copilot.requests import Request

if TYPE_CHECKING:
    from evals.copilot.world import World

_LOOK_SECONDS = 0.01
_PATIENCE_SECONDS = 180.0


@dataclass(frozen=True)
class Talked:
    """What became of a request."""

    turn: Turn
    proposals: Sequence[Proposal]
    """Those of the turn, in its order."""
    reply: Reply
    broken: Sequence[str]
    """What should hold in any case, and does not."""


@dataclass(frozen=True)
class Seen:
    """What came of a request that was answered in a way."""

    request: str
    way: str
    faults: Sequence[str]
    """What is not as it must be."""


def talked(world: World, request: Request, *, with_values: bool = True) -> Talked:
    """Ask the model about a request, and look at everything that must hold. `with_values`: as the person has ticked."""
    name = world.begin(request)
    run_id = world.prepare(request, name)
    before = world.orchestra.editing.draft_text(world.person, name).text
    talking = world.orchestra.copilot.talking
    values = list(request.values) if with_values else []
    about = About(list(request.selection), run_id, values)
    turn, feed = talking.start(world.person, name, request.ask, about)
    until = time.monotonic() + _PATIENCE_SECONDS
    while not feed.is_over and time.monotonic() < until:
        time.sleep(_LOOK_SECONDS)
    turn = next(one for one in talking.conversation(world.person, name).turns if one.id == turn.id)
    proposals = world.orchestra.copilot.proposals
    made = [proposals.get(world.person, name, one.proposal_id) for one in turn.parts if one.kind == "proposal"]
    broken = list(_broken(turn, made, about, talking.limits))
    if world.orchestra.editing.draft_text(world.person, name).text != before:
        broken.append("The draft has changed although nobody accepted anything.")
    return Talked(turn, made, _reply(world, request, name, turn, made), broken)


def _reply(world: World, request: Request, name: str, turn: Turn, made: Sequence[Proposal]) -> Reply:
    question = next((one.text for one in turn.parts if one.kind == "question"), "")
    trouble = "" if turn.status == "done" else turn.problem
    reply = Reply(text=turn.words, question=question, repairs=turn.repairs, trouble=trouble)
    reply = world.answered(request, name, reply, made[-1] if made else None)
    return Reply(**{**vars(reply), "tokens": turn.usage.tokens, "seconds": turn.seconds})


def _broken(turn: Turn, made: Sequence[Proposal], about: About, limits: TurnLimits) -> Iterator[str]:
    """Say which promise does not hold."""
    if turn.status == "working":
        yield "The turn has no end."
    if (turn.status == "done" and turn.problem) or (turn.status in ("failed", "limited") and not turn.problem):
        yield f"It is {turn.status}, and says: {turn.problem!r}."
    if turn.repairs > limits.repairs + 1:
        yield f"It was mended {turn.repairs} times, not {limits.repairs}."
    if set(turn.sent.steps_with_values) - set(about.values):
        yield f"Values went out that nobody ticked: {turn.sent.steps_with_values}."
    for one in made:
        errors = [str(problem) for problem in one.problems if problem.severity == "error"]
        if one.is_acceptable == bool(errors):
            yield f"Acceptable: {one.is_acceptable}, with {len(errors)} errors."
        if one.from_outside != bool(turn.sent.steps_with_values):
            yield f"From outside: {one.from_outside}, with the values of {turn.sent.steps_with_values}."
        if one.source != "model" or not one.untouched.are_byte_equal:
            yield "Steps that no operation is about are not the same byte for byte."
