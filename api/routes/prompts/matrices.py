"""`/api/prompts/{name}/tests`: the cases of a prompt with several texts and models, and what was tested before."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from api.base.awaiting import LONGEST_WAIT_SECONDS, answered_or_accepted
from api.base.documents import Refusal, RequestBody
from api.base.routing import Acting, Door, SignedInRoute
from api.routes.prompts.cases import Takeover
from api.routes.prompts.tries import TextChoice
from api.routes.run_documents import Agreeing
from engine.runs.prompt_tries.case_tests import TestRow
from engine.runs.prompt_tries.columns import parsed
from engine.runs.prompt_tries.matrix import (
    DEFAULT_CONCURRENCY,
    MOST_COLUMNS,
    MOST_CONCURRENCY,
    MOST_REPEAT,
    Matrix,
    MatrixFilter,
    MatrixRequest,
    shown,
)

router = APIRouter(prefix="/api/prompts", tags=["Prompts"], route_class=SignedInRoute)


Written = Annotated[str, Field(max_length=400)]


class MatrixBody(Agreeing, RequestBody):
    """Which texts and models answer the cases, and how."""

    columns: list[Written | TextChoice] = Field(
        min_length=1,
        max_length=MOST_COLUMNS,
        description="Written like LABEL_OR_NUMBER_OR_draft[:MODEL][@CONNECTION], or as an object. The first is the "
        "baseline.",
        examples=[["production", "draft:gpt-4o-mini"]],
    )
    repeat: int = Field(default=1, ge=1, le=MOST_REPEAT, description="How often each question is asked.")
    concurrency: int = Field(
        default=DEFAULT_CONCURRENCY, ge=1, le=MOST_CONCURRENCY, description="Questions at the same time."
    )
    offline: bool = Field(default=False, description="Use recorded answers only.")
    fresh: bool = Field(default=False, description="Ask again, even if an answer is recorded.")
    takeover: Takeover | None = Field(default=None, description="Test with mails that try to take over the model.")
    wait_seconds: float = Field(default=60, ge=0, le=LONGEST_WAIT_SECONDS)


class MatrixState(BaseModel):
    """The test of a prompt: `cases`, and in `columns` the answers to them and what is wrong with these."""

    model_config = ConfigDict(extra="allow")

    id: str
    prompt: str
    status: str
    order: list[str]
    columns: list[dict[str, Any]]


class TestRows(BaseModel):
    """The last 10 tests of a prompt, newest first."""

    tests: list[TestRow]


@router.post(
    "/{name}/tests",
    summary="Test a prompt with several texts and models",
    response_model=None,
    responses={
        200: {"description": "The test", "model": MatrixState},
        202: {"description": "The test goes on; `GET` returns it", "model": MatrixState},
        409: {"model": Refusal, "description": "It is being tested, or nobody has agreed to the real account"},
    },
)
async def run_prompt_matrix(
    name: str, sent: MatrixBody, request: Request, orchestra: Door, principal: Acting
) -> JSONResponse:
    """Answer the cases with each column and compare. 200 with all answers, 202 after `wait_seconds`."""
    columns = [parsed(one) if isinstance(one, str) else one.column() for one in sent.columns]
    mails = sent.takeover.requested() if sent.takeover is not None else None
    wanted = MatrixRequest(
        columns, sent.repeat, sent.concurrency, is_offline=sent.offline, is_fresh=sent.fresh, takeover=mails
    )
    tests = orchestra.case_tests
    found = await to_thread.run_sync(tests.start, principal.agreeing(sent.confirmed), name, wanted)
    wait = partial(tests.wait, principal, name, test_id=found["id"])
    place = f"/api/prompts/{name}/tests/{found['id']}"
    return await answered_or_accepted(request, wait, found, sent.wait_seconds, place)


@router.get("/{name}/tests", summary="List the tests of a prompt", response_model=TestRows)
def list_tests(name: str, orchestra: Door, principal: Acting) -> dict[str, Any]:
    """List the last 10 tests of a prompt, newest first."""
    orchestra.prompts.get(principal, name)
    return {"tests": orchestra.case_tests.list(principal, name)}


@router.get("/{name}/tests/{test_id}", summary="Get a test", response_model=MatrixState)
def get_test(
    name: str,
    test_id: str,
    orchestra: Door,
    principal: Acting,
    only: Annotated[MatrixFilter | None, Query(description="List only these cases in `order`.")] = None,
) -> Any:
    """Return a test: its cases, the answers of each column, and their problems."""
    found = orchestra.case_tests.get(principal, name, test_id)
    narrowed: Matrix = {**found, "order": shown(found, only)}
    return narrowed


@router.post("/{name}/tests/{test_id}/cancel", summary="Stop a test", response_model=MatrixState)
def cancel_test(name: str, test_id: str, orchestra: Door, principal: Acting) -> Any:
    """Stop asking. The answers received so far are kept."""
    return orchestra.case_tests.cancel(principal, name, test_id)
