"""`/flows` and `/workflows`: the addresses and words of other engines, for programs that were written for these."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, JsonValue, model_validator

from api.base.documents import DocumentResponse, Name, RequestBody
from api.base.routing import Acting, Door, SignedInRoute
from api.base.threads import reading
from api.base.turns import CHECKED, TOO_MANY
from api.routes.execution import TOO_MANY_RUNS, IdempotencyKey, RunInProgress, begun
from api.routes.run_documents import Agreeing, RunBody
from api.routes.workflows.changes import NewWorkflow, create_workflow
from engine.base.errors import InUse, InvalidFile, UnknownName
from engine.base.json_text import compact
from engine.base.names import usable_name
from engine.base.statuses import RunStatus
from engine.people.access import Principal
from engine.workflows.workflow_files import WorkflowSummary

if TYPE_CHECKING:
    from engine.orchestra import Orchestra

router = APIRouter(tags=["Addresses of other engines"], route_class=SignedInRoute)
_TAKEN: dict[int | str, dict[str, Any]] = {409: {"description": "Another workflow has this name"}}
_WORDS = {RunStatus.SUCCEEDED: "COMPLETED"}
"""The others are called the same elsewhere, in capitals."""


class SentFlow(RequestBody):
    """A workflow: `{"definition": {…}}`, or the definition itself."""

    definition: dict[str, Any] = Field(description="The content of its file.")
    name: Name | None = Field(default=None, description="Default: made from the title.")

    @model_validator(mode="before")
    @classmethod
    def _itself(cls, sent: Any) -> Any:
        if not isinstance(sent, dict) or "definition" in sent or "steps" not in sent:
            return sent
        named = {"name": sent["name"]} if "name" in sent else {}
        return {"definition": {key: one for key, one in sent.items() if key != "name"}, **named}

    def made(self) -> NewWorkflow:
        """Return the request to create it."""
        name = self.name or usable_name(str(self.definition.get("title", ""))) or "flow"
        return NewWorkflow(name=name, definition=self.definition)


class FlowInputs(Agreeing, RequestBody):
    """What a flow is run with."""

    inputs: dict[str, JsonValue] = Field(default_factory=dict)


class StartedFlow(SentFlow, FlowInputs):
    """A workflow that is saved and run at once."""


class Flow(BaseModel):
    """A workflow."""

    id: str = Field(description="Its name.")
    title: str
    problems: int = Field(description="GET /api/workflows/{id} lists them; with problems, it cannot run.")


class Flows(BaseModel):
    """All workflows."""

    flows: list[Flow]


class FlowRun(BaseModel):
    """A run; GET /workflows/{id} returns it with all members of its document."""

    id: str
    workflow: str
    status: RunStatus
    status_word: str = Field(description="The status in the words of other engines.", examples=["QUEUED", "COMPLETED"])
    status_url: str = Field(description="The path of the run; the header `Location` has it, too.")


@router.get("/flows", summary="List workflows", response_model=Flows)
async def list_flows(orchestra: Door, principal: Acting) -> dict[str, Any]:
    """List all workflows, as GET /api/workflows does."""
    return {"flows": [_row(one) for one in await reading.run(partial(orchestra.workflows.list, principal))]}


@router.post(
    "/flows",
    summary="Save a workflow",
    status_code=201,
    response_model=Flow,
    responses=_TAKEN | TOO_MANY,
    dependencies=[CHECKED],
)
def create_flow(sent: SentFlow, orchestra: Door, principal: Acting) -> dict[str, Any]:
    """Save a workflow, as POST /api/workflows does; it is not started. 409 if another one has the name."""
    name = _saved(sent, orchestra, principal)
    return next(_row(one) for one in orchestra.workflows.list(principal) if one.name == name)


@router.post(
    "/flows/{name}/execute",
    summary="Run a workflow",
    status_code=202,
    response_model=FlowRun,
    responses={429: TOO_MANY_RUNS},
)
async def execute_flow(
    name: Annotated[str, Path(max_length=64)],
    orchestra: Door,
    principal: Acting,
    sent: FlowInputs | None = None,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """Start a run, as POST /workflows/execute does; without a body, with no inputs."""
    return await _started(name, sent or FlowInputs(), orchestra, principal, idempotency_key)


@router.post(
    "/workflows",
    summary="Save a workflow and run it",
    status_code=202,
    response_model=FlowRun,
    responses=_TAKEN | {429: TOO_MANY_RUNS},
    dependencies=[CHECKED],
)
async def submit_workflow(
    sent: StartedFlow, orchestra: Door, principal: Acting, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """Save a workflow and start a run of it. Sent again, the same definition is not saved again, but runs again.

    422 if it has problems: then nothing is saved. 409 if another workflow has the name.
    """
    name = await to_thread.run_sync(_checked_and_saved, sent, orchestra, principal)
    return await _started(name, sent, orchestra, principal, idempotency_key)


@router.get("/workflows/{run_id}", summary="Get a run", response_model=FlowRun)
async def get_flow_run(run_id: str, orchestra: Door, principal: Acting) -> DocumentResponse:
    """Return the document of a run, as GET /api/runs/{run_id} does, with `id` and `status_word`."""
    run = await reading.run(partial(orchestra.runs.get, principal, run_id))
    return DocumentResponse({**_view(run, run["workflow"]), **run})


def _saved(sent: SentFlow, orchestra: Orchestra, principal: Principal) -> str:
    """Save a workflow, unless it is there with exactly this definition; return its name."""
    made = sent.made()
    try:
        create_workflow(made, orchestra, principal)
    except InUse as taken:
        try:
            there = orchestra.workflows.get(principal, made.name).document
        except UnknownName:  # `access` hides it
            raise taken from None
        if there != {"id": there and there.get("id"), **sent.definition}:  # saving gives a file an `id`
            raise
    return made.name


def _checked_and_saved(sent: SentFlow, orchestra: Orchestra, principal: Principal) -> str:
    made = sent.made()
    problems = orchestra.workflows.check(principal, made.name, compact(sent.definition))
    if any(one.severity == "error" for one in problems):
        raise InvalidFile.of(f"workflows/{made.name}.json", problems)
    return _saved(sent, orchestra, principal)


async def _started(
    name: str, sent: FlowInputs, orchestra: Orchestra, principal: Principal, idempotency_key: str | None
) -> JSONResponse:
    execution = RunBody(workflow=name, inputs=sent.inputs, confirmed=sent.confirmed)
    view = _view(await begun(execution, orchestra, principal, idempotency_key), name)
    return JSONResponse(view, 202, headers={"Location": view["status_url"]})


def _row(one: WorkflowSummary) -> dict[str, Any]:
    return {"id": one.name, "title": one.title, "problems": one.problems}


def _view(run: RunInProgress, workflow: str) -> dict[str, Any]:
    run_id, status = run["run_id"], RunStatus(run["status"])
    words = {"status": status, "status_word": _WORDS.get(status, status.upper())}
    return {"id": run_id, "workflow": workflow, **words, "status_url": f"/workflows/{run_id}"}
