"""`/api/copilot/runs/{run_id}/story`: a run step by step, without a model."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from api.base.routing import Acting, Door, SignedInRoute
from engine.copilot.stepping.stories import Story

router = APIRouter(prefix="/api/copilot/runs", tags=["Co-pilot"], route_class=SignedInRoute)


@router.get("/{run_id}/story", summary="Go through a run", response_model=Story)
def tell_run(run_id: str, orchestra: Door, principal: Acting) -> Any:
    """Return what happened at each step of a run, in a sentence of counts, times and states, in the order in which the
    steps began: 1,000 at most.
    """
    return orchestra.copilot.stories.story(principal, run_id)
