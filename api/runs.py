"""`/api/runs`: what ran, how it went, stop it, go on with it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query
from fastapi.responses import JSONResponse

from api.documents import Accepted, Resumption, RunFilter, RunRows
from api.execution import accepted
from api.routing import Acting, Door, SignedInRoute
from engine.names import timestamp

router = APIRouter(prefix="/api/runs", tags=["Runs"], route_class=SignedInRoute)


@router.get("", summary="List runs", response_model=RunRows)
def list_runs(orchestra: Door, principal: Acting, which: Annotated[RunFilter, Query()]) -> dict[str, Any]:
    """Give a page of runs, newest first; `next` is the `before` of the following page."""
    since = which.since and timestamp(which.since)
    page = orchestra.runs.list(principal, **{**which.model_dump(), "since": since})
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
