"""The good answers, given through the proposals as they are, without a conversation."""

from __future__ import annotations

import time

from bench.copilot.judging import Reply, Verdict, judged
from bench.copilot.requests import Request
from bench.copilot.world import World
from engine.base.errors import OrchestraError


def good_reply(world: World, request: Request) -> Reply:
    """Propose what the good answer of a request says."""
    name = world.begin(request)
    world.prepare(request, name)
    began = time.monotonic()
    reply = Reply(text=request.good.text, question=request.good.question)
    try:
        ops = request.good.ops
        proposal = world.propose(name, ops, from_outside=request.attack is not None) if ops else None
        reply = world.answered(request, name, reply, proposal)
    except OrchestraError as error:
        return Reply(trouble=str(error))
    return Reply(**{**vars(reply), "seconds": time.monotonic() - began})


def good_verdict(world: World, request: Request) -> Verdict:
    """Judge the good answer of a request."""
    return judged(request, good_reply(world, request))
