"""`/api/runs`: list, show, cancel, resume, repeat, undo and compare runs."""

from __future__ import annotations

from dataclasses import asdict as asdict_of
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query
from fastapi.responses import JSONResponse, Response
from msgspec.structs import asdict

from api.base.documents import DocumentResponse, saved_file
from api.base.routing import Acting, Door, SignedInRoute
from api.base.threads import reading
from api.routes.execution import TOO_MANY_RUNS, IdempotencyKey, accepted, request_key_of
from api.routes.run_documents import (
    AcceptedRun,
    Bounced,
    Correcting,
    Repetition,
    Resumption,
    RunDifferenceView,
    RunQuery,
    RunRows,
    UndoBody,
    WrongAnswer,
)
from engine.base.clock import timestamp
from engine.base.names import in_utc
from engine.record.states.timeline import Timeline
from engine.runs.correcting.corrections import Correction, CorrectionPreview
from engine.runs.seen.seen import Seen
from engine.runs.undo.undo_report import UndoReport

router = APIRouter(prefix="/api/runs", tags=["Runs"], route_class=SignedInRoute)


@router.get("", summary="List runs", response_model=RunRows)
async def list_runs(orchestra: Door, principal: Acting, which: Annotated[RunQuery, Query()]) -> DocumentResponse:
    """Return a page of runs, newest first; send `next` as `before` to get the following page."""
    times = {
        name: moment and timestamp(in_utc(moment)) for name, moment in (("since", which.since), ("until", which.until))
    }

    def listed() -> DocumentResponse:
        page = orchestra.runs.list(principal, **{**which.model_dump(), **times})
        return DocumentResponse({"runs": [asdict(row) for row in page.rows], "next": page.next})

    return await reading.run(listed)


@router.get("/{run_id}", summary="Get a run", response_model=None)
async def get_run(run_id: str, orchestra: Door, principal: Acting) -> DocumentResponse:
    """Return a run's document: the same as its file in `logs/`, and up to date while it runs."""
    return await reading.run(lambda: DocumentResponse(orchestra.runs.get(principal, run_id)))


@router.get("/{run_id}/bounces", summary="List mails of a run that were not delivered", response_model=Bounced)
def list_bounces(run_id: str, orchestra: Door, principal: Acting) -> Any:
    """Return whom mails of a run did not reach, as reports in the mailbox that sent them say: text from outside."""
    return {"bounces": [asdict_of(one) for one in orchestra.runs.bounces(principal, run_id)]}


@router.get("/{run_id}/timeline", summary="Get the timeline of a run", response_model=Timeline)
async def get_timeline(run_id: str, orchestra: Door, principal: Acting) -> DocumentResponse:
    """Return the state of a run at each time at which something changed: `first`, then the change of each frame."""
    return await reading.run(lambda: DocumentResponse(orchestra.runs.timeline(principal, run_id)))


@router.get("/{run_id}/seen", summary="Get what a model saw", response_model=Seen)
async def get_seen(
    run_id: str,
    orchestra: Door,
    principal: Acting,
    step: Annotated[str, Query(min_length=1, max_length=1_000, description="The path of the step in the run.")],
) -> DocumentResponse:
    """Return each part of the messages of a step with its origin, its share of the tokens and what is missing in it."""
    return await reading.run(lambda: DocumentResponse(asdict_of(orchestra.runs.seen(principal, run_id, step))))


@router.get(
    "/{run_id}/files/{sha256}",
    summary="Get a file of a run",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}, "description": "The content, to be saved"}},
)
def get_file(run_id: str, sha256: str, orchestra: Door, principal: Acting) -> Response:
    """Return the content of a file that the run's document names by `$file`; its media type is given there.

    Name and content may come from outside: the headers make browsers save the file and never display it.
    """
    file = orchestra.runs.file(principal, run_id, sha256)
    return saved_file(file.name, file.content)


@router.post("/{run_id}/cancel", status_code=202, summary="Cancel a run", responses={202: {"model": AcceptedRun}})
def cancel_run(run_id: str, orchestra: Door, principal: Acting) -> JSONResponse:
    """Ask a run to stop. A write in progress is finished and recorded."""
    orchestra.runs.cancel(principal, run_id)
    return accepted(orchestra.runs.get(principal, run_id))


@router.post("/{run_id}/resume", status_code=202, summary="Resume a run", responses={202: {"model": AcceptedRun}})
def resume_run(
    run_id: str, orchestra: Door, principal: Acting, how: Annotated[Resumption | None, Body()] = None
) -> JSONResponse:
    """Resume a run that failed or was interrupted; completed steps are not repeated."""
    how = how or Resumption()
    resumed = orchestra.runs.resume(principal.agreeing(how.confirmed), run_id, **how.model_dump(exclude={"confirmed"}))
    return accepted(orchestra.runs.get(principal, resumed))


@router.post(
    "/{run_id}/rerun",
    status_code=202,
    summary="Run a run again",
    responses={202: {"model": AcceptedRun}, 429: TOO_MANY_RUNS},
)
def rerun(
    run_id: str,
    orchestra: Door,
    principal: Acting,
    how: Annotated[Repetition | None, Body()] = None,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """Start a new run with the current file of the same workflow, and with the inputs and accounts of this run."""
    how = how or Repetition()
    request_key = request_key_of(principal, idempotency_key)
    asked = how.model_dump(exclude={"confirmed"})
    again = orchestra.runs.rerun(principal.agreeing(how.confirmed), run_id, **asked, request_key=request_key)
    return accepted(orchestra.runs.get(principal, again))


@router.get("/{run_id}/undoable", summary="Preview an undo", response_model=UndoReport)
def list_undoable(
    run_id: str,
    orchestra: Door,
    principal: Acting,
    item: Annotated[str | None, Query(max_length=1_000, description="Only the loop item with this key.")] = None,
) -> Any:
    """Preview an undo: what it would try (`undone`) and what it cannot do; no service is asked, nothing is changed."""
    return orchestra.runs.undoable(principal, run_id, item=item)


@router.post("/{run_id}/undo", summary="Undo a run", response_model=UndoReport)
def undo(run_id: str, orchestra: Door, principal: Acting, what: Annotated[UndoBody | None, Body()] = None) -> Any:
    """Undo the writes of a run and of the runs it called; anything that has been changed since is refused and stays."""
    return orchestra.runs.undo(principal, run_id, item=(what or UndoBody()).item)


@router.post("/{run_id}/correct/preview", summary="Preview a correction", response_model=CorrectionPreview)
def preview_correction(run_id: str, orchestra: Door, principal: Acting, wrong: WrongAnswer) -> Any:
    """Show what a correction would undo, leave and do again; without `set`, the choices. Nothing is changed."""
    return orchestra.corrections.preview(principal, run_id, wrong.step, wrong.set)


@router.post("/{run_id}/correct", status_code=202, summary="Correct an answer", response_model=Correction)
def correct(run_id: str, orchestra: Door, principal: Acting, wrong: Correcting) -> Any:
    """Undo what a wrong answer of a model caused, do the item again in a new run, and save a case of the prompt.

    Sending it again continues an interrupted correction, and starts no second run.
    """
    acting = principal.agreeing(wrong.confirmed)
    return orchestra.corrections.correct(acting, run_id, wrong.step, wrong.set, leave=wrong.leave)


@router.get(
    "/{good}/diff/{bad}",
    summary="Compare two runs",
    response_model=RunDifferenceView,
    response_model_exclude_unset=True,
)
def compare_runs(good: str, bad: str, orchestra: Door, principal: Acting) -> dict[str, Any]:
    """Return the first step at which the second run differs from the first one, and all other differences."""
    return orchestra.runs.diff(principal, good, bad).as_json()
