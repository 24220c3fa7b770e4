"""`/api/workflows`: create, save, copy, arrange and delete workflow files."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header
from pydantic import Field

from api.base.documents import DeletedItem, FileTextBody, Name, NewName, Refusal, RequestBody
from api.base.errors import stale
from api.base.routing import Acting, Door, SignedInRoute
from api.base.turns import CHECKED, TOO_MANY
from engine.base.errors import InUse, InvalidInput, StaleEdit
from engine.workflows.workflow_files import CreatedWorkflow, WorkflowFile
from engine.workspace.layout import StepLook

router = APIRouter(prefix="/api/workflows", tags=["Workflows"], route_class=SignedInRoute)
_IN_USE: dict[int | str, dict[str, Any]] = {409: {"model": Refusal, "description": "It is in use, or was changed"}}

_CHANGED: dict[int | str, dict[str, Any]] = {412: {"model": Refusal, "description": "It has changed: see `conflict`"}}

_NO_ETAG = "Choose another name. To replace its text, send the `etag` that GET /api/workflows/{name} returns."


class NewWorkflow(RequestBody):
    """A new workflow: blank, from a sample or from a definition."""

    name: Name
    title: str = Field(default="", max_length=200, description="The title of a blank one; default: made from the name.")
    sample: str | None = Field(default=None, max_length=64, examples=["inbox-triage"])
    definition: dict[str, Any] | None = Field(
        default=None, description="The content of its file, instead of a blank one."
    )


class PositionsView(RequestBody):
    """How far steps were moved in the drawing: [x, y] in pixels by path."""

    positions: dict[str, list[float]]


class PositionsBody(RequestBody):
    """How far steps are from their automatic places: [x, y] in pixels by path; null resets a step."""

    positions: dict[str, list[float] | None] = Field(min_length=1, max_length=10_000)


class LooksView(RequestBody):
    """How steps are drawn where that is not automatic, by path."""

    looks: dict[str, StepLook]


class LookChange(RequestBody):
    """What to change of how a step is drawn; null makes it automatic, what is left out stays."""

    size: list[float] | None = Field(default=None, description="[width, height] in pixels.", examples=[[300, 90]])
    icon: str | None = Field(default=None, max_length=64, examples=["mail"], description="A name, or an emoji.")
    color: str | None = Field(default=None, max_length=64, examples=["blue"])


class LooksBody(RequestBody):
    """Changes of how steps are drawn, by path."""

    looks: dict[str, LookChange] = Field(min_length=1, max_length=10_000)


@router.post(
    "",
    summary="Create a workflow",
    status_code=201,
    response_model=CreatedWorkflow | WorkflowFile,
    responses=_IN_USE | TOO_MANY,
    dependencies=[CHECKED],
)
def create_workflow(sent: NewWorkflow, orchestra: Door, principal: Acting) -> Any:
    """Create a workflow: blank (one step, which runs as it is), from a sample or a definition.

    A sample brings the demo connections that it lacks: `added_connections`. 409 if the name is taken.
    """
    if sent.definition is not None:
        if sent.sample is not None or sent.title:
            remedy = "Leave out `title` and `sample`."
            raise InvalidInput("A definition brings all of a workflow.", remedy=remedy, field="definition")
        return orchestra.workflows.create_from(principal, sent.name, sent.definition)
    if sent.sample is None:
        return orchestra.workflows.create(principal, sent.name, sent.title)
    if sent.title:
        raise InvalidInput("A sample brings its own title.", remedy="Leave out `title` or `sample`.", field="title")
    return orchestra.workflows.create_from_sample(principal, sent.sample, sent.name)


@router.put(
    "/{name}",
    summary="Save a workflow",
    response_model=WorkflowFile,
    responses=_IN_USE | TOO_MANY | _CHANGED,
    dependencies=[CHECKED],
)
def save_workflow(
    name: str,
    sent: FileTextBody,
    orchestra: Door,
    principal: Acting,
    if_match: Annotated[str | None, Header(max_length=100)] = None,
) -> Any:
    """Save the text of a workflow file; the answer lists its problems, which do not prevent saving.

    `etag`, or the header `If-Match`, belongs to the text to replace; without it, the file must not exist yet.
    If the file has changed, the answer is 409, and 412 to `If-Match`, with the file's `etag` and what differs from
    it. If the caller's draft has this text, it is deleted.
    """
    etag = sent.etag if if_match is None else if_match.removeprefix("W/").strip('"')
    try:
        return orchestra.editing.save(principal, name, sent.text, etag)
    except InUse as error:
        if etag is not None:
            raise
        raise InUse(error.message, remedy=_NO_ETAG) from error
    except StaleEdit as error:
        if if_match is None:
            raise
        return stale(error)


@router.delete("/{name}", summary="Delete a workflow", response_model=DeletedItem, responses=_IN_USE)
def delete_workflow(name: str, orchestra: Door, principal: Acting) -> dict[str, str]:
    """Move a workflow to the trash; its runs stay. 409 while one of its runs is open or other workflows call it."""
    return {"name": name, "trash": orchestra.workflows.delete(principal, name).name}


@router.post(
    "/{name}/copy",
    summary="Copy a workflow",
    status_code=201,
    response_model=WorkflowFile,
    responses=_IN_USE | TOO_MANY,
    dependencies=[CHECKED],
)
def copy_workflow(name: str, sent: NewName, orchestra: Door, principal: Acting) -> Any:
    """Copy a workflow, with the title "Copy of …". 409 if the name is taken."""
    return orchestra.workflows.duplicate(principal, name, sent.new)


@router.get("/{name}/positions", summary="Get the moved steps", response_model=PositionsView)
def get_positions(name: str, orchestra: Door, principal: Acting) -> dict[str, Any]:
    """Return how far steps have been moved in the drawing; the others are placed automatically."""
    orchestra.workflows.get(principal, name)
    return {"positions": orchestra.workflows.positions(principal, name)}


@router.put("/{name}/positions", summary="Move steps in the drawing", response_model=PositionsView)
def move_steps(name: str, sent: PositionsBody, orchestra: Door, principal: Acting) -> dict[str, Any]:
    """Store where these steps are; the workflow file and all other steps stay as they are."""
    return {"positions": orchestra.workflows.move_steps(principal, name, sent.positions)}


@router.get("/{name}/looks", summary="Get the looks of steps", response_model=LooksView)
def get_looks(name: str, orchestra: Door, principal: Acting) -> dict[str, Any]:
    """Return the sizes, icons and colors that steps were given in the drawing; the others are automatic."""
    orchestra.workflows.get(principal, name)
    return {"looks": orchestra.workflows.looks(principal, name)}


@router.put("/{name}/looks", summary="Change the looks of steps", response_model=LooksView)
def change_looks(name: str, sent: LooksBody, orchestra: Door, principal: Acting) -> dict[str, Any]:
    """Change the size, icon and color of these steps in the drawing; the workflow file stays as it is."""
    changes = {path: look.model_dump(exclude_unset=True) for path, look in sent.looks.items()}
    return {"looks": orchestra.workflows.change_looks(principal, name, changes)}
