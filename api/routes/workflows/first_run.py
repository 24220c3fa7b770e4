"""`/api/first-run`: five steps to a run on a person's own mail."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Body, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from api.base.awaiting import awaited
from api.base.documents import DocumentResponse, Refusal, RequestBody
from api.base.routing import Acting, Door, SignedInRoute
from api.routes.execution import answered, shown_plan
from api.routes.plans import Application
from api.routes.run_documents import AcceptedRun
from engine.first_run.steps import FirstRunState

router = APIRouter(prefix="/api/first-run", tags=["First run"], route_class=SignedInRoute)


class FirstRunChoice(RequestBody):
    """What a step uses."""

    choice: str = Field(max_length=100, description="One of `choices` of the step.")
    target: str = Field(default="", max_length=500, description="For tasks: the repository or database.")


@router.get("", summary="Show the first run", response_model=None)
def get_first_run(orchestra: Door, principal: Acting) -> DocumentResponse:
    """Return the five steps and the state of each: `done`, `open`, `skipped` or `failed`."""
    return _shown(orchestra.first_run.state(principal))


@router.put("/steps/{step}", summary="Choose what a step uses", response_model=None)
def choose(step: str, sent: FirstRunChoice, orchestra: Door, principal: Acting) -> DocumentResponse:
    """Choose a mailbox, a model, or where tasks go, and check the connection; `lines` says what is wrong."""
    return _shown(orchestra.first_run.choose(principal, step, sent.choice, sent.target))


@router.post("/steps/{step}/skip", summary="Skip a step", response_model=None)
def skip(step: str, orchestra: Door, principal: Acting) -> DocumentResponse:
    """Skip one of the five steps; it can still be done later."""
    return _shown(orchestra.first_run.skip(principal, step))


@router.post(
    "/plan",
    summary="Plan the first run",
    response_model=None,
    responses={200: {"description": "The plan"}, 202: {"description": "It is still being made"}},
)
async def plan_first_run(
    request: Request, orchestra: Door, principal: Acting, how: Annotated[Application | None, Body()] = None
) -> JSONResponse:
    """Write the workflow that fits what was chosen, and plan it on the last few mails; nothing is written outside."""
    how = how or Application()
    make = partial(orchestra.first_run.plan, principal.agreeing(how.confirmed))
    return await shown_plan(request, orchestra, principal, await to_thread.run_sync(make), how.wait_seconds)


@router.post(
    "/apply",
    summary="Apply the plan of the first run",
    response_model=None,
    responses={
        200: {"description": "The run has ended: the run document"},
        202: {"model": AcceptedRun, "description": "The run is still in progress"},
        409: {"model": Refusal, "description": "The world has changed since (PlanDrift), or nobody has agreed to it"},
    },
)
async def apply_first_run(
    request: Request, orchestra: Door, principal: Acting, how: Annotated[Application | None, Body()] = None
) -> JSONResponse:
    """Execute exactly the newest plan of the first run."""
    how = how or Application()
    run_id = await to_thread.run_sync(orchestra.first_run.apply, principal.agreeing(how.confirmed))
    run = await to_thread.run_sync(orchestra.runs.get, principal, run_id)
    return answered(await awaited(request, partial(orchestra.runs.wait, principal, run_id), how.wait_seconds) or run)


def _shown(state: FirstRunState) -> DocumentResponse:
    steps = [{**one, "lines": [vars(line) for line in one["lines"]]} for one in state["steps"]]
    return DocumentResponse({**state, "steps": steps})
