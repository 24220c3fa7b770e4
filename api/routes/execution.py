"""`POST /workflows/execute`: start a run and optionally wait for its end."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, NotRequired

from anyio import to_thread
from fastapi import APIRouter, Header, Request
from fastapi.responses import JSONResponse
from typing_extensions import ReadOnly, TypedDict

from api.base.awaiting import awaited
from api.base.documents import DocumentResponse, Refusal
from api.base.routing import Acting, Door, SignedInRoute
from api.base.together import starting
from api.routes.run_documents import AcceptedRun, RunBody
from engine.base.errors import InvalidInput
from engine.base.statuses import ACTIVE_RUNS, ENDED_RUNS, RunStatus
from engine.people.access import Principal

if TYPE_CHECKING:
    from engine.orchestra import Orchestra

router = APIRouter(tags=["Runs"], route_class=SignedInRoute)

IdempotencyKey = Annotated[
    str | None,
    Header(
        pattern=r"^[\x21-\x7e]{1,255}$",
        description="The same key with the same body returns the same run, however often it is sent.",
    ),
]
TOO_MANY_RUNS: dict[str, Any] = {
    "model": Refusal,
    "description": "Too many runs wait to begin; `Retry-After` has the seconds after which to try again",
}


@router.post(
    "/workflows/execute",
    summary="Run a workflow",
    response_model=None,
    responses={
        200: {"description": "The run has ended: the run document"},
        202: {"model": AcceptedRun, "description": "The run is still in progress"},
        409: {
            "model": Refusal,
            "description": "Nobody has agreed to the accounts it would touch (`needs_confirmation`), or the key was "
            "already used for a different request",
        },
        429: TOO_MANY_RUNS,
        501: {"model": Refusal, "description": "The workflow needs something that this release does not support"},
        507: {"model": Refusal, "description": "The disk cannot be written; nothing was started"},
    },
)
async def execute_workflow(
    execution: RunBody,
    request: Request,
    orchestra: Door,
    principal: Acting,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """Start a run. 200 with its document if it ends within `wait_seconds`, else 202 with its id."""
    if execution.plan:
        return await _planned(execution, request, orchestra, principal, idempotency_key)
    document = await begun(execution, orchestra, principal, idempotency_key)
    if execution.wait_seconds and document["status"] in ACTIVE_RUNS:
        wait = partial(orchestra.runs.wait, principal, document["run_id"])
        document = await awaited(request, wait, execution.wait_seconds) or document
    return answered(document)


async def begun(
    execution: RunBody, orchestra: Orchestra, principal: Principal, idempotency_key: str | None
) -> RunInProgress:
    """Start a run, or find the one that this key has started."""
    ready = partial(
        orchestra.runs.ready,
        principal.agreeing(execution.confirmed),
        execution.workflow,
        execution.inputs,
        request_key=request_key_of(principal, idempotency_key),
        pins=execution.pins,
        only=execution.only,
        from_run=execution.from_run,
        environment=execution.environment,
        priority=execution.priority,
    )
    run_id = await starting.run(ready, orchestra.runs.begin_each)
    document: RunInProgress = {
        "run_id": run_id,
        "status": RunStatus.QUEUED,
        "confirmed": [],
    }  # it has just been created
    if idempotency_key or execution.confirmed:
        return await to_thread.run_sync(orchestra.runs.get, principal, run_id)
    return document


async def _planned(
    execution: RunBody, request: Request, orchestra: Orchestra, principal: Principal, idempotency_key: str | None
) -> JSONResponse:
    """Plan the run instead. 200 with the plan if it is made within `wait_seconds`, else 202 with its id."""
    if execution.only or execution.pins or execution.from_run:
        raise InvalidInput("A plan is made of the whole workflow.", remedy="Leave out `only`, `pins` and `from_run`.")
    agreeing, key = principal.agreeing(execution.confirmed), request_key_of(principal, idempotency_key)
    make = partial(
        orchestra.plans.make,
        agreeing,
        execution.workflow,
        execution.inputs,
        request_key=key,
        environment=execution.environment,
    )
    return await shown_plan(request, orchestra, principal, await to_thread.run_sync(make), execution.wait_seconds)


async def shown_plan(
    request: Request, orchestra: Orchestra, principal: Principal, plan_id: str, wait_seconds: float
) -> JSONResponse:
    """Return a plan that is being made: 200 with the plan if it is made within `wait_seconds`, else 202 with its id."""
    run = await awaited(request, partial(orchestra.runs.wait, principal, plan_id), wait_seconds)
    if run is None or run["status"] not in ENDED_RUNS:
        body = {"plan_id": plan_id, "state": "planning"}
        return JSONResponse(body, 202, headers={"Location": f"/api/plans/{plan_id}"})
    return DocumentResponse(await to_thread.run_sync(orchestra.plans.show, principal, plan_id))


class RunInProgress(TypedDict):
    """What a caller learns of a run that goes on; a run document has it."""

    run_id: ReadOnly[str]
    status: ReadOnly[RunStatus]
    confirmed: NotRequired[ReadOnly[Sequence[str]]]


def request_key_of(principal: Principal, idempotency_key: str | None) -> str | None:
    """Return the key of a request as the engine stores it: two people may send the same one."""
    return idempotency_key and f"api:{principal.id}:{idempotency_key}"


def answered(document: RunInProgress) -> JSONResponse:
    """Return 200 with the document of a run that has ended, else 202."""
    return DocumentResponse(document) if document["status"] in ENDED_RUNS else accepted(document)


def accepted(document: RunInProgress) -> JSONResponse:
    """Return 202 with the id and status of a run that goes on."""
    address = f"/api/runs/{document['run_id']}"
    body = {
        "run_id": document["run_id"],
        "status": document["status"],
        "status_url": address,
        "confirmed": document["confirmed"],
    }
    return JSONResponse(body, 202, headers={"Location": address})
