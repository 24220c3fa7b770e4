"""`/api/plans`: list plans, show one, and apply it. `POST /workflows/execute` with `"plan": true` makes one."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Body, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from api.base.awaiting import LONGEST_WAIT_SECONDS, awaited
from api.base.documents import DocumentResponse, Refusal, RequestBody
from api.base.routing import Acting, Door, SignedInRoute
from api.base.threads import reading
from api.routes.execution import answered, shown_plan
from api.routes.run_documents import AcceptedRun, Agreeing

router = APIRouter(prefix="/api/plans", tags=["Plans"], route_class=SignedInRoute)


class PlanFilter(BaseModel):
    """Which plans to list, newest first."""

    model_config = ConfigDict(extra="forbid")

    before: str | None = Field(default=None, max_length=200, description="`next` of the previous page.")
    limit: int = Field(default=50, ge=1, le=200)
    workflow: str | None = Field(default=None, max_length=200, description="Only plans of this workflow.")


class Application(Agreeing, RequestBody):
    """What the caller agrees to, and how long to wait for the end of the run."""

    wait_seconds: float = Field(default=0, ge=0, le=LONGEST_WAIT_SECONDS)


@router.get("", summary="List plans", response_model=None)
async def list_plans(orchestra: Door, principal: Acting, which: Annotated[PlanFilter, Query()]) -> DocumentResponse:
    """Return a page of plans, newest first: `{plans: […], next}`."""
    return await reading.run(lambda: DocumentResponse(orchestra.plans.list(principal, **which.model_dump())))


@router.get("/{plan_id}", summary="Get a plan", response_model=None)
async def get_plan(plan_id: str, orchestra: Door, principal: Acting) -> DocumentResponse:
    """Return a plan: each write with its exact arguments, what is not known yet, cost, hash and expiry."""
    return await reading.run(lambda: DocumentResponse(orchestra.plans.show(principal, plan_id)))


@router.post(
    "/{plan_id}/again",
    summary="Make a new plan with the same inputs",
    response_model=None,
    responses={200: {"description": "The new plan"}, 202: {"description": "It is still being made"}},
)
async def plan_again(
    plan_id: str,
    request: Request,
    orchestra: Door,
    principal: Acting,
    how: Annotated[Application | None, Body()] = None,
) -> JSONResponse:
    """Plan the same workflow, as it is now, with the inputs of this plan."""
    how = how or Application()
    make = partial(orchestra.plans.again, principal.agreeing(how.confirmed), plan_id)
    return await shown_plan(request, orchestra, principal, await to_thread.run_sync(make), how.wait_seconds)


@router.post(
    "/{plan_id}/apply",
    summary="Apply a plan",
    response_model=None,
    responses={
        200: {"description": "The run has ended: the run document"},
        202: {"model": AcceptedRun, "description": "The run is still in progress"},
        409: {"model": Refusal, "description": "The world has changed since (PlanDrift), or nobody has agreed to it"},
    },
)
async def apply_plan(
    plan_id: str,
    request: Request,
    orchestra: Door,
    principal: Acting,
    how: Annotated[Application | None, Body()] = None,
) -> JSONResponse:
    """Execute exactly this plan if the world has not changed; otherwise `differences` says what has changed."""
    how = how or Application()
    apply = partial(orchestra.plans.apply, principal.agreeing(how.confirmed), plan_id)
    run_id = await to_thread.run_sync(apply)
    run = await to_thread.run_sync(orchestra.runs.get, principal, run_id)
    return answered(await awaited(request, partial(orchestra.runs.wait, principal, run_id), how.wait_seconds) or run)
