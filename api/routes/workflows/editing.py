"""`/api/workflows/{name}`: the canvas, operations on the caller's draft, undo and redo."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.base.documents import Refusal, RequestBody
from api.base.routing import Acting, Door, SignedInRoute
from api.base.threads import reading
from api.base.turns import CHECKED, TOO_MANY
from engine.runs.trials.prediction import Prediction
from engine.workflows.editing.editing import Canvas, Edited, FileEdit
from engine.workflows.editing.operations import MOST, schema
from engine.workflows.editing.scope_names import OfferedName

router = APIRouter(prefix="/api/workflows", tags=["Workflows"], route_class=SignedInRoute)
_CLASH: dict[int | str, dict[str, Any]] = {409: {"model": Refusal, "description": "It has changed since"}}
checked = APIRouter(
    prefix=router.prefix,
    tags=["Workflows"],
    route_class=SignedInRoute,
    dependencies=[CHECKED],
    responses=_CLASH | TOO_MANY,
)
"""Changes of a text, which is compiled for the answer."""
Check = Annotated[
    bool, Field(description="Whether the answer has the problems of the text; otherwise its socket sends them.")
]
Rev = Annotated[str, Field(min_length=1, max_length=64, description="The etag of the text that the caller has.")]


class DraftOps(RequestBody):
    """Operations on the caller's draft of a workflow."""

    base_rev: Rev
    op_id: str = Field(
        default="", max_length=100, description="A name for the request: sending it again changes nothing."
    )
    ops: list[Any] = Field(json_schema_extra={"items": schema(), "minItems": 1, "maxItems": MOST})
    check: Check = True


class FileOps(RequestBody):
    """Operations on a workflow file."""

    ops: list[Any] = Field(json_schema_extra={"items": schema(), "minItems": 1, "maxItems": MOST})
    etag: str | None = Field(
        default=None, max_length=100, description="The etag of the text to change; default: the newest."
    )
    dry_run: bool = Field(default=False, description="Only return what would change.")


class DraftRev(RequestBody):
    """The text of the draft that the caller has."""

    base_rev: Rev
    check: Check = True


class ScopeNames(BaseModel):
    """The names that the fields of a step may use."""

    names: list[OfferedName]


class Discarded(BaseModel):
    """The workflow whose draft was deleted."""

    name: str


@router.get("/{name}/canvas", summary="Get a workflow for a canvas", response_model=Canvas)
async def get_workflow_canvas(name: str, orchestra: Door, principal: Acting) -> Any:
    """Return the caller's draft of a workflow, or else the file: its text, its steps, positions and problems."""
    return await reading.run(partial(orchestra.editing.canvas, principal, name))


@router.get("/{name}/scope", summary="List the names that a step may use", response_model=ScopeNames)
async def get_workflow_scope(
    name: str,
    orchestra: Door,
    principal: Acting,
    step: Annotated[str, Query(max_length=64, description="Default: the outputs of the workflow.")] = "",
) -> dict[str, Any]:
    """List the names that a step may use, with type, title, a value of the last run, and what may be missing."""
    return {"names": await reading.run(partial(orchestra.editing.scope, principal, name, step))}


@router.get(
    "/{name}/prediction",
    summary="Predict the outputs of a draft",
    response_model=Prediction,
    dependencies=[CHECKED],
    responses=TOO_MANY,
)
async def get_workflow_prediction(
    name: str,
    orchestra: Door,
    principal: Acting,
    run_id: Annotated[str, Query(max_length=64, description="Default: types only.")] = "",
) -> Any:
    """Return the output type of each step of the caller's draft, and the values that its expressions would have with
    the recorded inputs and outputs of a run of the workflow.

    No service is called: a step has the output that it had in the run. `counts` says how many repetitions would `run`,
    `skip`, `fail` or are `unknown`; `cases` has the first three.
    """
    return await reading.run(partial(orchestra.predictions.predict, principal, name, run_id))


@checked.post("/{name}/draft/ops", summary="Edit the draft of a workflow", response_model=Edited)
def edit_workflow_draft(name: str, sent: DraftOps, orchestra: Door, principal: Acting) -> Any:
    """Apply operations to the caller's draft, all or none; the answer has the splices of the text.

    If the draft has changed since `base_rev`, they are applied to the newest text, which the answer then has. 409 if
    they concern something that has changed; `conflict` then has both texts.
    """
    return orchestra.editing.apply(principal, name, sent.base_rev, sent.ops, sent.op_id, check=sent.check)


@checked.post("/{name}/draft/undo", summary="Undo a change of the draft", response_model=Edited)
def undo_workflow_draft(name: str, sent: DraftRev, orchestra: Door, principal: Acting) -> Any:
    """Undo the last change of the caller's draft that has not been undone yet. 409 if the draft has changed since."""
    return orchestra.editing.undo(principal, name, sent.base_rev, check=sent.check)


@checked.post("/{name}/draft/redo", summary="Redo a change of the draft", response_model=Edited)
def redo_workflow_draft(name: str, sent: DraftRev, orchestra: Door, principal: Acting) -> Any:
    """Repeat the change that was undone last. 409 if the draft has changed since."""
    return orchestra.editing.redo(principal, name, sent.base_rev, check=sent.check)


@router.delete("/{name}/draft", summary="Discard the draft of a workflow", response_model=Discarded)
def discard_workflow_draft(name: str, orchestra: Door, principal: Acting) -> dict[str, str]:
    """Delete the caller's draft; the file stays as it is."""
    orchestra.editing.discard(principal, name)
    return {"name": name}


@checked.post("/{name}/edit", summary="Edit a workflow file", response_model=FileEdit)
def edit_workflow(name: str, sent: FileOps, orchestra: Door, principal: Acting) -> Any:
    """Apply operations to the file and save it; the answer says in sentences what has changed. Drafts stay."""
    return orchestra.editing.edit_file(principal, name, sent.ops, sent.etag, save=not sent.dry_run)
