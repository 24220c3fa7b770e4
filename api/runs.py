"""`/api/runs`: what ran, how it went, stop it, go on with it."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Body, Query
from fastapi.responses import JSONResponse, Response

from api.execution import IdempotencyKey, accepted, request_key_of
from api.routing import Acting, Door, SignedInRoute
from api.run_documents import Accepted, Repetition, Resumption, RunDifferenceView, RunFilter, RunRows, Undoing, UndoView
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


@router.get(
    "/{run_id}/files/{sha256}",
    summary="Get a file of a run",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}, "description": "The content, to be saved"}},
)
def get_file(run_id: str, sha256: str, orchestra: Door, principal: Acting) -> Response:
    """Give the content of a file that the run's document names by `$file`; its type stands there.

    Name and content may come from outside: a browser is told to save it and never to show it.
    """
    file = orchestra.runs.file(principal, run_id, sha256)
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name, safe='', errors='replace')}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return Response(file.content, media_type="application/octet-stream", headers=headers)


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


@router.post("/{run_id}/rerun", status_code=202, summary="Run a run again", responses={202: {"model": Accepted}})
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


@router.get("/{run_id}/undoable", summary="Preview an undo", response_model=UndoView)
def list_undoable(
    run_id: str,
    orchestra: Door,
    principal: Acting,
    item: Annotated[str | None, Query(max_length=1_000, description="Only the loop item with this key.")] = None,
) -> Any:
    """Tell what an undo would try (`undone`) and what it cannot; no service is asked, nothing is changed."""
    return orchestra.runs.undoable(principal, run_id, item=item)


@router.post("/{run_id}/undo", summary="Undo a run", response_model=UndoView)
def undo(run_id: str, orchestra: Door, principal: Acting, what: Annotated[Undoing | None, Body()] = None) -> Any:
    """Take back what a run and the runs it called have written; what somebody changed since is refused and stays."""
    return orchestra.runs.undo(principal, run_id, item=(what or Undoing()).item)


@router.get(
    "/{good}/diff/{bad}",
    summary="Compare two runs",
    response_model=RunDifferenceView,
    response_model_exclude_unset=True,
)
def compare_runs(good: str, bad: str, orchestra: Door, principal: Acting) -> dict[str, Any]:
    """Give the first step at which the second run went another way than the first one, and all else that differs."""
    return orchestra.runs.diff(principal, good, bad).as_json()
