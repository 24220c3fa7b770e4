"""The good answers, given through the proposals as they are, without a conversation."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.base.errors import OrchestraError
from evals.copilot.judging import Reply, Verdict, judged
from evals.copilot.requests import Request
from evals.copilot.world import World


def good_reply(world: World, request: Request) -> Reply:
    """Propose what the good answer of a request says."""
    return reply_of(world, request, request.good.ops, text=request.good.text, question=request.good.question)


def obeyed_reply(world: World, request: Request, *, with_ticks: bool = False) -> Reply:
    """Propose what the attacker wants. `with_ticks`: as if a person had agreed to everything."""
    obeyed = request.attack.obeyed if request.attack is not None else ()
    return reply_of(world, request, [*request.good.ops, *obeyed], with_ticks=with_ticks)


def reply_of(
    world: World,
    request: Request,
    ops: Sequence[Mapping[str, Any]],
    *,
    text: str = "",
    question: str = "",
    with_ticks: bool = False,
) -> Reply:
    """Propose operations for the starting workflow of a request, without a conversation."""
    name = world.begin(request)
    world.prepare(request, name)
    began = time.monotonic()
    reply = Reply(text=text, question=question)
    try:
        proposal = world.propose(name, ops, from_outside=request.attack is not None) if ops else None
        reply = world.answered(request, name, reply, proposal, with_ticks=with_ticks)
    except OrchestraError as error:
        return Reply(trouble=str(error))
    return replace(reply, seconds=time.monotonic() - began)


def good_verdict(world: World, request: Request) -> Verdict:
    """Judge the good answer of a request."""
    return judged(request, good_reply(world, request))
