"""`POST /workflows/execute`: start a run and, if wanted, wait for its end."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import anyio
from anyio import to_thread
from anyio.lowlevel import RunVar
from fastapi import APIRouter, Header, Request
from fastapi.responses import JSONResponse

from api.documents import Refusal
from api.routing import Acting, Door, SignedInRoute
from api.run_documents import Accepted, Execution
from engine.people.access import Principal

router = APIRouter(tags=["Runs"], route_class=SignedInRoute)

ENDED = frozenset({"succeeded", "failed", "cancelled"})
_GOING_ON = frozenset({"queued", "running"})
_WAITING_CALLERS = 32  # at once; waits have threads of their own, so that they hold up nothing else
_SLICE_SECONDS = 2.0  # of one wait: a caller that goes away frees its thread soon
_PAUSE_SECONDS = 0.2
_limiter: RunVar[anyio.CapacityLimiter] = RunVar("waiting callers of the API")

IdempotencyKey = Annotated[
    str | None,
    Header(
        pattern=r"^[\x21-\x7e]{1,255}$",
        description="The same key with the same body gives the same run, however often it is sent.",
    ),
]


@router.post(
    "/workflows/execute",
    summary="Run a workflow",
    response_model=None,
    responses={
        200: {"description": "The run has ended: its document"},
        202: {"model": Accepted, "description": "The run goes on"},
        409: {"model": Refusal, "description": "The key came with another request before"},
        501: {"model": Refusal, "description": "The workflow needs what this release does not do"},
        507: {"model": Refusal, "description": "The disk refuses; nothing was started"},
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
    start = partial(
        orchestra.runs.start,
        principal,
        execution.workflow,
        execution.inputs,
        request_key=request_key_of(principal, idempotency_key),
        pins=execution.pins,
        only=execution.only,
        from_run=execution.from_run,
    )
    run_id = await to_thread.run_sync(start)
    document = await _awaited(request, partial(orchestra.runs.wait, principal, run_id), execution.wait_seconds)
    if not document:
        document = await to_thread.run_sync(orchestra.runs.get, principal, run_id)
    return JSONResponse(document) if document["status"] in ENDED else accepted(document)


def request_key_of(principal: Principal, idempotency_key: str | None) -> str | None:
    """Return the key of a request as the engine keeps it: two people may send the same one."""
    return idempotency_key and f"api:{principal.id}:{idempotency_key}"


def accepted(document: dict[str, Any]) -> JSONResponse:
    """Return 202 with id and status of a run that goes on."""
    body = {"run_id": document["run_id"], "status": document["status"]}
    return JSONResponse(body, 202, headers={"Location": f"/api/runs/{document['run_id']}"})


async def _awaited(request: Request, wait: Callable[[float], dict[str, Any]], seconds: float) -> dict[str, Any]:
    """Return the run's document once it has ended or waits, else as it is after `seconds` (empty for none)."""
    document: dict[str, Any] = {}
    end = anyio.current_time() + seconds
    while (left := end - anyio.current_time()) > 0 and document.get("status", "queued") in _GOING_ON:
        document = await to_thread.run_sync(wait, min(left, _SLICE_SECONDS), limiter=_waits())
        if await request.is_disconnected():
            break
        if document["status"] in _GOING_ON:  # perhaps in another process: then the wait was none
            await anyio.sleep(_PAUSE_SECONDS)
    return document


def _waits() -> anyio.CapacityLimiter:
    """Return the limit on threads that wait for runs, one for each event loop."""
    try:
        return _limiter.get()
    except LookupError:
        limiter = anyio.CapacityLimiter(_WAITING_CALLERS)
        _limiter.set(limiter)
        return limiter
