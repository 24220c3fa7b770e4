"""`/api/runs`: what ran, how it went, stop it, go on with it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query
from fastapi.responses import JSONResponse

from api.documents import Accepted, Repetition, Resumption, RunFilter, RunRows
from api.execution import IdempotencyKey, accepted, request_key_of
from api.routing import Acting, Door, SignedInRoute
from engine.names import timestamp

router = APIRouter(prefix="/api/runs", tags=["Runs"], route_class=SignedInRoute)


@router.get("", summary="List runs", response_model=RunRows)
def list_runs(orchestra: Door, principal: Acting, which: Annotated[RunFilter, Query()]) -> dict[str, Any]:
    """Give a page of runs, newest first; `next` is the `before` of the following page."""
    times = {name: moment and timestamp(moment) for name, moment in (("since", which.since), ("until", which.until))}
    page = orchestra.runs.list(principal, **{**which.model_dump(), **times})
    return {"runs": page.rows, "next": page.next}


@router.get("/{run_id}", summary="Get a run", response_model=None)
def get_run(run_id: str, orchestra: Door, principal: Acting) -> JSONResponse:
    """Give a run's document: the same as its file in `logs/`, and up to date while it runs."""
    return JSONResponse(orchestra.runs.get(principal, run_id))


@router.post("/{run_id}/cancel", status_code=202, summary="Cancel a run", responses={202: {"model": Accepted}})
def cancel_run(run_id: str, orchestra: Door, principal: Acting) -> JSONResponse:
    """Ask a run to stop. What it is writing at this moment is finished and recorded."""
    orchestra.runs.cancel(principal, run_id)
    return accepted(orchestra.runs.get(principal, run_id))


@router.post("/{run_id}/resume", status_code=202, summary="Resume a run", responses={202: {"model": Accepted}})
def resume_run(
    run_id: str, orchestra: Door, principal: Acting, how: Annotated[Resumption | None, Body()] = None
) -> JSONResponse:
    """Go on with a run that failed or was interrupted; what is done stays done."""
    how = how or Resumption()
    resumed = orchestra.runs.resume(principal, run_id, **how.model_dump())
    return accepted(orchestra.runs.get(principal, resumed))


@router.post("/{run_id}/rerun", status_code=202, summary="Run it again", responses={202: {"model": Accepted}})
def rerun(
    run_id: str,
    orchestra: Door,
    principal: Acting,
    how: Annotated[Repetition | None, Body()] = None,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """Start a new run of the same workflow as its file is now, with the inputs and on the accounts of this one."""
    how = how or Repetition()
    request_key = request_key_of(principal, idempotency_key)
    again = orchestra.runs.rerun(principal, run_id, **how.model_dump(), request_key=request_key)
    return accepted(orchestra.runs.get(principal, again))
