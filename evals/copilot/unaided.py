"""The answers without a model: what the rules alone make of a request."""

from __future__ import annotations

import time
from dataclasses import replace

from engine.base.errors import OrchestraError
from evals.copilot.judging import Reply, Verdict, judged
from evals.copilot.requests import Request
from evals.copilot.world import PERSON, World


def by_rules(world: World, request: Request) -> Verdict:
    """Ask the rules once, as `orchestra ask` does, and judge what they say and propose."""
    name = world.begin(request)
    run_id = world.prepare(request, name)
    began = time.monotonic()
    try:
        answer = world.orchestra.copilot.rules.answer(PERSON, request.ask, name, run_id)
        said = " ".join([answer.text, *(one.excerpt for one in answer.passages)])
        reply = world.answered(request, name, Reply(text=said), answer.proposal)
    except OrchestraError as error:
        reply = Reply(trouble=str(error))
    return judged(request, replace(reply, seconds=time.monotonic() - began))
