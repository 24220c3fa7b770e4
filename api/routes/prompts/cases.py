"""`/api/prompts/{name}/cases` and `/api/prompts/{name}/test`: cases, and whether their answers are as expected."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

from anyio import to_thread
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from api.base.awaiting import LONGEST_WAIT_SECONDS, awaited
from api.base.documents import DocumentResponse, Refusal, RequestBody
from api.base.routing import Acting, Door, SignedInRoute
from api.base.turns import CHECKED, TOO_MANY
from api.routes.run_documents import Agreeing, RunId, StepPath
from engine.base.errors import InvalidInput, UnknownName
from engine.base.statuses import ACTIVE_RUNS
from engine.prompts.cases import Case
from engine.prompts.takeover import TakeoverRequest
from engine.runs.prompt_tries.matrix import MatrixRequest
from engine.runs.prompt_tries.reports import columns_of, report_of

router = APIRouter(prefix="/api/prompts", tags=["Prompts"], route_class=SignedInRoute)
_IN_USE: dict[int | str, dict[str, Any]] = {409: {"model": Refusal, "description": "It exists, or was changed"}}


class CaseRows(BaseModel):
    """The cases of a prompt, by name."""

    cases: list[Case]


class CaseText(RequestBody):
    """A case as its file has it."""

    name: str = Field(min_length=1, max_length=200)
    variables: dict[str, JsonValue] = Field(default_factory=dict)
    answer: dict[str, JsonValue] | None = Field(default=None, description="The whole right answer.")
    assertions: list[dict[str, JsonValue]] = Field(
        default_factory=list, examples=[[{"type": "field_equals", "field": "kind", "value": "bug"}]]
    )


class NewCase(RequestBody):
    """A new case: as written, or from a try or a step of a run with assertions suggested by its answer."""

    name: str = Field(min_length=1, max_length=200)
    variables: dict[str, JsonValue] | None = None
    answer: dict[str, JsonValue] | None = Field(default=None, description="The whole right answer.")
    assertions: list[dict[str, JsonValue]] | None = None
    try_id: RunId = ""
    run_id: RunId = ""
    step: StepPath | Literal[""] = ""


class CaseChange(RequestBody):
    """The new content of a case, and the etag of the content that it replaces."""

    case: CaseText
    etag: str = Field(max_length=100)


class Takeover(RequestBody):
    """How 40 mails that try to take over the model go into the prompt, instead of its cases."""

    variable: str = Field(
        default="", max_length=200, description="The variable that gets a mail's text: `text`, `commits.0.message`."
    )
    expect: dict[str, JsonValue] = Field(default_factory=dict, examples=[{"kind": "bug"}])

    def requested(self) -> TakeoverRequest:
        """Return the request as the engine takes it."""
        return TakeoverRequest(self.variable, self.expect)


class CaseTest(Agreeing, RequestBody):
    """Which text to test, and how."""

    model_config = ConfigDict(protected_namespaces=())

    version: str = Field(default="", max_length=64, description="A label or number; default: the draft.")
    text: str | None = Field(default=None, description="The text of the prompt to test, as in its file.")
    against: str = Field(default="", max_length=64, description="Only cases that pass with this version count.")
    connection: str = Field(default="", max_length=64)
    model: str = Field(default="", max_length=200)
    offline: bool = Field(default=False, description="Use recorded answers only.")
    fresh: bool = Field(default=False, description="Ask again, even if an answer is recorded.")
    takeover: Takeover | None = Field(default=None, description="Test with mails that try to take over the model.")
    wait_seconds: float = Field(default=60, ge=0, le=LONGEST_WAIT_SECONDS)


class CaseTestReport(BaseModel):
    """How the cases went."""

    model_config = ConfigDict(extra="allow")

    prompt: str
    status: str
    version: int | None
    cases: int
    passed: int
    failed: list[dict[str, str]]


@router.get("/{name}/cases", summary="List the cases of a prompt", response_model=CaseRows)
def list_cases(name: str, orchestra: Door, principal: Acting) -> dict[str, Any]:
    """List the cases of a prompt, by name; a damaged one has problems."""
    return {"cases": orchestra.cases.list(principal, name)}


@router.post(
    "/{name}/cases",
    summary="Create a case",
    status_code=201,
    response_model=Case,
    responses=_IN_USE | TOO_MANY,
    dependencies=[CHECKED],
)
def create_case(name: str, sent: NewCase, orchestra: Door, principal: Acting) -> Any:
    """Create a case; the name of its file is made from its name. 409 if there is one."""
    return orchestra.cases.add(principal, name, _document(name, sent, orchestra, principal))


def _document(name: str, sent: NewCase, orchestra: Door, principal: Acting) -> dict[str, Any]:
    if sent.try_id and sent.run_id:
        raise InvalidInput("A case is made from a try or from a step, not from both.", remedy="Leave one out.")
    if sent.try_id:
        made = orchestra.tries.case_of(principal, name, sent.try_id, sent.name)
    elif sent.run_id:
        made = orchestra.tries.case_of_step(principal, name, sent.run_id, sent.step, sent.name)
    else:
        made = {"name": sent.name, "variables": {}, "assertions": []}
    own = {"variables": sent.variables, "answer": sent.answer, "assertions": sent.assertions}
    return {**made, **{key: value for key, value in own.items() if value is not None}}


@router.put(
    "/{name}/cases/{case}",
    summary="Change a case",
    response_model=Case,
    responses=_IN_USE | TOO_MANY,
    dependencies=[CHECKED],
)
def save_case(name: str, case: str, sent: CaseChange, orchestra: Door, principal: Acting) -> Any:
    """Replace a case. 409 if it was changed since `etag`, 422 if it has problems."""
    document = {key: value for key, value in sent.case.model_dump().items() if value is not None}
    return orchestra.cases.save(principal, name, case, document, sent.etag)


@router.delete("/{name}/cases/{case}", summary="Delete a case", status_code=204)
def delete_case(name: str, case: str, orchestra: Door, principal: Acting) -> None:
    """Delete a case."""
    orchestra.cases.delete(principal, name, case)


@router.post(
    "/{name}/test",
    summary="Test a prompt with its cases",
    response_model=None,
    responses={
        200: {"description": "The report", "model": CaseTestReport},
        202: {"description": "The test goes on; `GET` returns its report", "model": CaseTestReport},
        409: {"model": Refusal, "description": "It is being tested, or nobody has agreed to the real account"},
    },
)
async def run_prompt_tests(
    name: str, sent: CaseTest, request: Request, orchestra: Door, principal: Acting
) -> JSONResponse:
    """Answer the cases and compare. 200 with the report, 202 if it takes longer than `wait_seconds`."""
    columns = columns_of(sent.version, sent.text, sent.against, sent.connection, sent.model)
    mails = sent.takeover.requested() if sent.takeover is not None else None
    wanted = MatrixRequest(columns, is_offline=sent.offline, is_fresh=sent.fresh, takeover=mails)
    tests = orchestra.case_tests
    found = await to_thread.run_sync(tests.start, principal.agreeing(sent.confirmed), name, wanted)
    wait = partial(tests.wait, principal, name, test_id=found["id"])
    found = await awaited(request, wait, sent.wait_seconds) or found
    report = report_of(found)
    return DocumentResponse(report) if found["status"] not in ACTIVE_RUNS else JSONResponse(report, 202)


@router.get("/{name}/test", summary="Get the last test of a prompt", response_model=CaseTestReport)
def get_case_report(name: str, orchestra: Door, principal: Acting) -> Any:
    """Return the report of the last or running test, for its first column beside the baseline."""
    found = orchestra.case_tests.last(principal, name)
    if found is None:
        raise UnknownName("test of the prompt", name, remedy="Test it first.")
    return report_of(found)
