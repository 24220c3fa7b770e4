"""`POST /workflows/execute`: start a run and optionally wait for its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, NotRequired

import anyio
from anyio import to_thread
from anyio.lowlevel import RunVar
from fastapi import APIRouter, Header, Request
from fastapi.responses import JSONResponse
from typing_extensions import ReadOnly, TypedDict

from api.base.documents import Document, Refusal
from api.base.routing import Acting, Door, SignedInRoute
from api.routes.run_documents import Accepted, Execution
from engine.base.errors import NotAvailableYet
from engine.base.statuses import ACTIVE_RUNS, ENDED_RUNS, RunStatus
from engine.people.access import Principal
from engine.record.types.run import Run

router = APIRouter(tags=["Runs"], route_class=SignedInRoute)

_WAITING_CALLERS = 32  # at once; they have threads of their own, so that they delay nothing else
_SLICE_SECONDS = 2.0  # of one wait: the thread of a caller who has gone is soon free
_PAUSE_SECONDS = 0.2
_limiter: RunVar[anyio.CapacityLimiter] = RunVar("waiting callers of the API")

IdempotencyKey = Annotated[
    str | None,
    Header(
        pattern=r"^[\x21-\x7e]{1,255}$",
        description="The same key with the same body returns the same run, however often it is sent.",
    ),
]


@router.post(
    "/workflows/execute",
    summary="Run a workflow",
    response_model=None,
    responses={
        200: {"description": "The run has ended: the run document"},
        202: {"model": Accepted, "description": "The run is still in progress"},
        409: {
            "model": Refusal,
            "description": "Nobody has agreed to the accounts it would touch (`needs_confirmation`), or the key was "
            "already used for a different request",
        },
        501: {"model": Refusal, "description": "The workflow needs something that this release does not support"},
        507: {"model": Refusal, "description": "The disk cannot be written; nothing was started"},
    },
)
async def execute_workflow(
    execution: Execution,
    request: Request,
    orchestra: Door,
    principal: Acting,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """Start a run. 200 with its document if it ends within `wait_seconds`, else 202 with its id."""
    if execution.plan:
        raise NotAvailableYet('"plan" is not available yet.', remedy="Set a service to Demo to try it without risk.")
    start = partial(
        orchestra.runs.start,
        principal.agreeing(execution.confirmed),
        execution.workflow,
        execution.inputs,
        request_key=request_key_of(principal, idempotency_key),
        pins=execution.pins,
        only=execution.only,
        from_run=execution.from_run,
    )

    def started() -> RunState:
        run_id = start()
        if idempotency_key or execution.confirmed:
            return orchestra.runs.get(principal, run_id)
        return {"run_id": run_id, "status": RunStatus.QUEUED, "confirmed": []}  # it has just been created

    document = await to_thread.run_sync(started)
    if execution.wait_seconds and document["status"] in ACTIVE_RUNS:
        wait = partial(orchestra.runs.wait, principal, document["run_id"])
        document = await _awaited(request, wait, execution.wait_seconds) or document
    return Document(document) if document["status"] in ENDED_RUNS else accepted(document)


class RunState(TypedDict):
    """What a caller learns of a run that goes on; a run document has it."""

    run_id: ReadOnly[str]
    status: ReadOnly[RunStatus]
    confirmed: NotRequired[ReadOnly[Sequence[str]]]


def request_key_of(principal: Principal, idempotency_key: str | None) -> str | None:
    """Return the key of a request as the engine stores it: two people may send the same one."""
    return idempotency_key and f"api:{principal.id}:{idempotency_key}"


def accepted(document: RunState) -> JSONResponse:
    """Return 202 with the id and status of a run that goes on."""
    body = {"run_id": document["run_id"], "status": document["status"], "confirmed": document["confirmed"]}
    return JSONResponse(body, 202, headers={"Location": f"/api/runs/{document['run_id']}"})


async def _awaited(request: Request, wait: Callable[[float], Run], seconds: float) -> Run | None:
    """Return the run's document once it ends or waits, else as it is after `seconds` (None if there was no time)."""
    document: Run | None = None
    end = anyio.current_time() + seconds
    while (left := end - anyio.current_time()) > 0 and (document is None or document["status"] in ACTIVE_RUNS):
        found: Run = await to_thread.run_sync(wait, min(left, _SLICE_SECONDS), limiter=_waits())
        document = found
        if await request.is_disconnected():
            break
        if found["status"] in ACTIVE_RUNS:  # perhaps in another process: then `wait` has returned at once
            await anyio.sleep(_PAUSE_SECONDS)
    return document


def _waits() -> anyio.CapacityLimiter:
    """Return the limit on threads that wait for runs; each event loop has one."""
    try:
        return _limiter.get()
    except LookupError:
        limiter = anyio.CapacityLimiter(_WAITING_CALLERS)
        _limiter.set(limiter)
        return limiter
