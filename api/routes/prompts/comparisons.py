"""`/api/prompts/{name}/compare`: ask with several texts of a prompt, or several models, with the same values."""

from __future__ import annotations

from functools import partial
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from api.base.awaiting import LONGEST_WAIT_SECONDS, answered_or_accepted
from api.base.documents import Refusal, RequestBody
from api.base.routing import Acting, Door, SignedInRoute
from api.routes.prompts.tries import GivenValues, TextChoice, TryState
from api.routes.run_documents import Agreeing
from engine.runs.prompt_tries.comparing import FEWEST_COLUMNS, MOST_COLUMNS
from engine.runs.prompt_tries.differing import AnswerDifferences

router = APIRouter(prefix="/api/prompts", tags=["Prompts"], route_class=SignedInRoute)


class CompareBody(GivenValues, Agreeing, RequestBody):
    """The columns, and the values that all of them get."""

    columns: list[TextChoice] = Field(
        description=f"{FEWEST_COLUMNS} to {MOST_COLUMNS}: which text, connection and model to ask.",
        examples=[[{"version": "production"}, {"draft": True, "model": "gpt-4o-mini"}]],
    )
    wait_seconds: float = Field(default=60, ge=0, le=LONGEST_WAIT_SECONDS)


class ComparisonState(BaseModel):
    """The same values asked in several columns; each column is a try."""

    model_config = ConfigDict(extra="allow")

    id: str
    status: str = Field(description="`running`, `succeeded` (every column has an answer without problems), `failed`.")
    tries: list[TryState]
    differences: AnswerDifferences


class ComparisonRows(BaseModel):
    """The comparisons whose columns are among the last 20 tries of a prompt, newest first."""

    comparisons: list[ComparisonState]


@router.post(
    "/{name}/compare",
    summary="Compare texts or models",
    response_model=None,
    responses={
        200: {"description": "The answers, and how they differ", "model": ComparisonState},
        202: {"description": "A column still waits for its answer", "model": ComparisonState},
        409: {"model": Refusal, "description": "Nobody has agreed to a real account (`needs_confirmation`)"},
    },
)
async def compare(name: str, sent: CompareBody, request: Request, orchestra: Door, principal: Acting) -> JSONResponse:
    """Ask all columns, or none if one cannot be asked. 200 once all have answered, 202 after `wait_seconds`."""
    comparisons, columns = orchestra.comparisons, [one.column() for one in sent.columns]
    start = partial(comparisons.start, principal.agreeing(sent.confirmed), name, columns, sent.requested())
    found = await to_thread.run_sync(start)
    wait = partial(comparisons.wait, principal, name, found["id"])
    place = f"/api/prompts/{name}/comparisons/{found['id']}"
    return await answered_or_accepted(request, wait, found, sent.wait_seconds, place)


@router.get("/{name}/comparisons", summary="List the comparisons of a prompt", response_model=ComparisonRows)
def list_comparisons(name: str, orchestra: Door, principal: Acting) -> dict[str, Any]:
    """List the comparisons whose columns are among the last 20 tries of a prompt, newest first."""
    orchestra.prompts.get(principal, name)
    return {"comparisons": orchestra.comparisons.list(principal, name)}


@router.get("/{name}/comparisons/{comparison_id}", summary="Get a comparison", response_model=ComparisonState)
def get_comparison(name: str, comparison_id: str, orchestra: Door, principal: Acting) -> Any:
    """Return a comparison: the try of each column, and how the answers differ."""
    return orchestra.comparisons.get(principal, name, comparison_id)


@router.post(
    "/{name}/comparisons/{comparison_id}/cancel", summary="Stop waiting for the answers", response_model=ComparisonState
)
def cancel_comparison(name: str, comparison_id: str, orchestra: Door, principal: Acting) -> Any:
    """Stop waiting for the missing answers; the models may still charge for them."""
    return orchestra.comparisons.cancel(principal, name, comparison_id)
