"""`/api/workflows/{name}/debug`, `/api/runs/{run_id}/debug`: runs that pause before steps, on the stand-ins."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body
from fastapi.responses import JSONResponse
from pydantic import Field, JsonValue

from api.base.documents import RequestBody
from api.base.routing import Acting, Door, SignedInRoute
from api.base.threads import reading
from api.base.turns import CHECKED, TOO_MANY
from api.routes.execution import IdempotencyKey, accepted, request_key_of
from api.routes.run_documents import AcceptedRun
from engine.runs.trials.debug_view import DebugView

router = APIRouter(prefix="/api", tags=["Runs"], route_class=SignedInRoute)
Breakpoints = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=1_000)]],
    Field(
        max_length=1_000,
        description="Steps before which the run pauses: an id or a path, such as `each_mail.classify`, or one "
        "repetition, such as `each_mail[3].classify`.",
    ),
]
PausedPath = Annotated[
    str, Field(max_length=1_000, description="The path of a paused step in the run; needed if several are paused.")
]


class DebugBody(RequestBody):
    """How a debug run begins."""

    inputs: dict[str, JsonValue] = Field(default_factory=dict)
    breakpoints: Breakpoints = Field(default_factory=list)


class NewBreakpoints(RequestBody):
    """The breakpoints from now on."""

    breakpoints: Breakpoints


class OneStep(RequestBody):
    """Which paused step is made."""

    step: PausedPath = ""


class GoingOn(OneStep):
    """How a debug run continues."""

    past: Literal["", "loop", "breakpoint"] = Field(
        default="", description="Do not pause again in the loop around `step`, or delete its breakpoint."
    )


@router.post(
    "/workflows/{name}/debug",
    status_code=202,
    summary="Debug a workflow",
    dependencies=[CHECKED],
    responses={202: {"model": AcceptedRun}, **TOO_MANY},
)
def debug_workflow(
    name: str,
    orchestra: Door,
    principal: Acting,
    how: Annotated[DebugBody | None, Body()] = None,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """Run the caller's draft, or else the file, on the stand-ins, and pause before the steps in `breakpoints`.

    Without any, it pauses before its first step. Real accounts are never used.
    """
    how = how or DebugBody()
    key = request_key_of(principal, idempotency_key)
    run_id = orchestra.debugging.start(principal, name, how.inputs, breakpoints=how.breakpoints, request_key=key)
    return accepted(orchestra.runs.get(principal, run_id))


@router.get("/runs/{run_id}/debug", summary="Show where a debug run is", response_model=DebugView)
async def get_debug_view(run_id: str, orchestra: Door, principal: Acting) -> Any:
    """Return the paused steps with what they will get, the result of the last step, and the breakpoints."""
    return await reading.run(partial(orchestra.debugging.view, principal, run_id))


@router.put("/runs/{run_id}/debug/breakpoints", summary="Set breakpoints", response_model=DebugView)
def set_breakpoints(run_id: str, new: NewBreakpoints, orchestra: Door, principal: Acting) -> Any:
    """Replace the breakpoints of an open debug run; paused steps stay paused."""
    return orchestra.debugging.set_breakpoints(principal, run_id, new.breakpoints)


@router.post("/runs/{run_id}/debug/step", summary="Go to the next step", response_model=DebugView)
def make_step(run_id: str, orchestra: Door, principal: Acting, which: Annotated[OneStep | None, Body()] = None) -> Any:
    """Make the call of one paused step, and pause before the next ones."""
    return orchestra.debugging.step(principal, run_id, (which or OneStep()).step)


@router.post("/runs/{run_id}/debug/continue", summary="Go to the next breakpoint", response_model=DebugView)
def continue_run(run_id: str, orchestra: Door, principal: Acting, how: Annotated[GoingOn | None, Body()] = None) -> Any:
    """Make the calls of all paused steps, and pause before the next one with a breakpoint.

    `POST /api/runs/{run_id}/cancel` stops the run.
    """
    how = how or GoingOn()
    return orchestra.debugging.go_on(principal, run_id, how.past, how.step)
