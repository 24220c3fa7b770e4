"""`/api/workflows/{name}/steps/{step}/try`: run one step alone with made-up values; nothing is written."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import Field, JsonValue

from api.base.awaiting import awaited
from api.base.documents import Refusal, RequestBody
from api.base.routing import Acting, Door, SignedInRoute
from api.base.threads import reading
from api.base.turns import CHECKED, TOO_MANY
from api.routes.execution import IdempotencyKey, RunInProgress, answered, request_key_of
from api.routes.run_documents import AcceptedRun, Agreeing
from engine.base.statuses import ACTIVE_RUNS, RunStatus
from engine.runs.trials.step_tries import SampleValues

router = APIRouter(prefix="/api/workflows", tags=["Workflows"], route_class=SignedInRoute)
_LONGEST_WAIT_SECONDS = 60


class Trying(Agreeing, RequestBody):
    """The values with which a step is tried."""

    values: dict[str, JsonValue] = Field(
        description="By the names in its expressions: `inputs`, `steps`, and the item of each loop around it.",
        examples=[{"steps": {"mails": {"output": {"messages": []}}}}],
    )
    environment: str = Field(
        default="", max_length=64, description="The environment to run in; default: the default one."
    )
    draft: bool = Field(default=False, description="The step as the caller's draft has it, not as it is saved.")
    wait_seconds: float = Field(default=0, ge=0, le=_LONGEST_WAIT_SECONDS)


@router.get(
    "/{name}/steps/{step}/try",
    summary="Get values for trying a step",
    response_model=SampleValues,
    dependencies=[CHECKED],
    responses=TOO_MANY,
)
async def get_step_sample(
    name: str,
    step: str,
    orchestra: Door,
    principal: Acting,
    *,
    draft: Annotated[bool, Query(description="For the step as the caller's draft has it.")] = False,
) -> Any:
    """Return values for everything that a step reads: from the last successful run, else made from their types."""
    return await reading.run(partial(orchestra.step_tries.sample, principal, name, step, draft=draft))


@router.post(
    "/{name}/steps/{step}/try",
    summary="Try a step with made-up values",
    response_model=None,
    responses={
        200: {"description": "The run has ended: the run document. A write has `planned` instead of an effect"},
        202: {"model": AcceptedRun, "description": "The run is still in progress"},
        409: {"model": Refusal, "description": "Nobody has agreed to the accounts that it would touch"},
        **TOO_MANY,
    },
)
async def try_step(
    name: str,
    step: str,
    sent: Trying,
    request: Request,
    orchestra: Door,
    principal: Acting,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """Run a step of the saved workflow, or of the caller's draft, alone.

    It reads and asks models as usual; a write is only shown.

    422 with the place if a value does not fit what the step reads.
    """
    start = partial(
        orchestra.step_tries.start,
        principal.agreeing(sent.confirmed),
        name,
        step,
        sent.values,
        request_key=request_key_of(principal, idempotency_key),
        environment=sent.environment,
        draft=sent.draft,
    )
    run_id = await to_thread.run_sync(start)
    document: RunInProgress = {"run_id": run_id, "status": RunStatus.QUEUED, "confirmed": []}
    if sent.wait_seconds and document["status"] in ACTIVE_RUNS:
        document = (
            await awaited(request, partial(orchestra.runs.wait, principal, run_id), sent.wait_seconds) or document
        )
    return answered(document)
