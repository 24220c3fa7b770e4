"""`/api/workflows/{name}/versions` and `/labels`: kept texts of a workflow, compared, restored and labelled."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.base.documents import Refusal, ReplacedText, RequestBody
from api.base.routing import Acting, Door, SignedInRoute
from api.base.turns import CHECKED, TOO_MANY
from engine.workflows.workflow_files import WorkflowFile
from engine.workspace.versioned_files import SavedVersion

router = APIRouter(prefix="/api/workflows", tags=["Workflows"], route_class=SignedInRoute)
_TAKEN: dict[int | str, dict[str, Any]] = {409: {"model": Refusal, "description": "Another version has the label"}}
_CHANGED: dict[int | str, dict[str, Any]] = {409: {"model": Refusal, "description": "The file has changed"}}
LONGEST_VERSION = 200


class WorkflowVersionRows(BaseModel):
    """The saved texts of a workflow, newest first, then its older versions that have a number."""

    versions: list[SavedVersion]


class VersionText(BaseModel):
    """A kept text, with the problems that it would have now."""

    version: str
    file: WorkflowFile


class WorkflowDifferences(BaseModel):
    """What has changed, in sentences."""

    differences: list[str]


class Labelling(RequestBody):
    """The version that gets a label."""

    version: str = Field(
        default="current", max_length=LONGEST_VERSION, description="Its id, number or label; default: the file."
    )


class NewLabel(RequestBody):
    """The new text of a label."""

    new: str = Field(max_length=LONGEST_VERSION, examples=["before the rewrite"])


@router.get("/{name}/versions", summary="List the versions of a workflow", response_model=WorkflowVersionRows)
def list_workflow_versions(name: str, orchestra: Door, principal: Acting) -> dict[str, Any]:
    """List the last 20 saved texts, newest first, then the older ones that have a label or were promoted."""
    return {"versions": orchestra.versions.list(principal, name)}


@router.get(
    "/{name}/versions/{version}",
    summary="Get a version of a workflow",
    response_model=VersionText,
    responses=TOO_MANY,
    dependencies=[CHECKED],
)
def get_workflow_version(name: str, version: str, orchestra: Door, principal: Acting) -> dict[str, Any]:
    """Return a kept text by its id, number or label."""
    return {"version": version, "file": orchestra.versions.get(principal, name, version)}


@router.post(
    "/{name}/versions/{version}/restore",
    summary="Restore a version of a workflow",
    response_model=WorkflowFile,
    responses=_CHANGED | TOO_MANY,
    dependencies=[CHECKED],
)
def restore_workflow_version(name: str, version: str, sent: ReplacedText, orchestra: Door, principal: Acting) -> Any:
    """Save a kept text again; the current one is kept, too. 409 if the file has changed."""
    return orchestra.versions.restore(principal, name, version, sent.etag)


@router.get("/{name}/differences", summary="Compare versions of a workflow", response_model=WorkflowDifferences)
def get_workflow_differences(
    name: str,
    orchestra: Door,
    principal: Acting,
    old: Annotated[str, Query(max_length=LONGEST_VERSION)] = "",
    new: Annotated[str, Query(max_length=LONGEST_VERSION)] = "",
) -> dict[str, Any]:
    """Return in sentences what has changed from `old` (default: the text before the newest) to `new` (the file)."""
    return {"differences": orchestra.versions.differences(principal, name, old, new)}


@router.put("/{name}/labels/{label}", summary="Label a version", response_model=SavedVersion, responses=_TAKEN)
def label_workflow_version(name: str, label: str, sent: Labelling, orchestra: Door, principal: Acting) -> Any:
    """Give a version a name, which is accepted wherever a version is. 409 if another version has it."""
    return orchestra.versions.label(principal, name, label, sent.version)


@router.post("/{name}/labels/{label}/rename", summary="Rename a label", response_model=SavedVersion, responses=_TAKEN)
def rename_workflow_label(name: str, label: str, sent: NewLabel, orchestra: Door, principal: Acting) -> Any:
    """Change the text of a label. 409 if another version has it."""
    return orchestra.versions.rename_label(principal, name, label, sent.new)


@router.delete("/{name}/labels/{label}", summary="Remove a label", response_model=SavedVersion)
def remove_workflow_label(name: str, label: str, orchestra: Door, principal: Acting) -> Any:
    """Remove a label from its version, which stays under its number."""
    return orchestra.versions.remove_label(principal, name, label)
