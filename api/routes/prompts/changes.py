"""`/api/prompts`: create, save, copy, rename and delete prompts; their versions and labels."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.base.documents import DeletedItem, FileTextBody, Name, NewName, Refusal, RequestBody
from api.base.models import model_of
from api.base.routing import Acting, Door, SignedInRoute
from api.base.turns import CHECKED, TOO_MANY
from engine.prompts.prompt import DEFAULT_LABEL
from engine.prompts.prompt_files import PromptFile, PromptVersion
from engine.prompts.tags import MOST_TAGS
from engine.runs.prompt_tries.columns import DRAFT
from engine.runs.prompt_tries.differing import TextPart
from engine.runs.prompt_tries.prompt_differences import differences_between

router = APIRouter(prefix="/api/prompts", tags=["Prompts"], route_class=SignedInRoute)
_IN_USE: dict[int | str, dict[str, Any]] = {409: {"model": Refusal, "description": "It is in use, or was changed"}}

_PROTECTED: dict[int | str, dict[str, Any]] = {
    409: {"model": Refusal, "description": "The label is protected: its cases do not all pass, and there is no reason"}
}
_REASON = "Why a protected label moves though not all cases pass; kept in the file."


class NewPrompt(RequestBody):
    """A new prompt."""

    name: Name
    title: str = Field(default="", max_length=200, description="Default: made from the name.")


class NewVersion(RequestBody):
    """Saves the draft as a version; `label` then points at it."""

    label: str | None = Field(default=None, max_length=64, examples=["production"])
    etag: str | None = Field(default=None, max_length=100, description="The etag of the draft to use.")
    reason: str = Field(default="", max_length=2_000, description=_REASON)


class LabelTarget(RequestBody):
    """The version that a label points at."""

    version: int = Field(ge=1)
    reason: str = Field(default="", max_length=2_000, description=_REASON)


class TagChanges(RequestBody):
    """Tags to add and to remove."""

    add: list[str] = Field(default=[], max_length=MOST_TAGS, examples=[["mail"]])
    remove: list[str] = Field(default=[], max_length=MOST_TAGS)


class Tags(BaseModel):
    """The tags of a prompt."""

    tags: list[str]


@model_of(TextPart)
class ChangedText(BaseModel):
    """A piece of the text of a part."""


class PartDifference(BaseModel):
    """A part that differs, such as `Message 1` or `Variable subject`."""

    part: str
    texts: list[ChangedText]


class PromptDifferences(BaseModel):
    """The parts in which two versions of a prompt differ."""

    differences: list[PartDifference]


class PromptRenamed(BaseModel):
    """A prompt under its new name, and the workflows that changed with it."""

    name: str
    workflows: list[str]


class DeclaredNames(BaseModel):
    """The variables that were added to the declarations of a prompt."""

    declared: list[str]


class PromptVersionRows(BaseModel):
    """The saved versions of a prompt, newest first, and the workflows that use it."""

    versions: list[PromptVersion]
    used_by: list[str]


@router.post(
    "",
    summary="Create a prompt",
    status_code=201,
    response_model=PromptFile,
    responses=_IN_USE | TOO_MANY,
    dependencies=[CHECKED],
)
def create_prompt(sent: NewPrompt, orchestra: Door, principal: Acting) -> Any:
    """Create a prompt; workflows can use it once a version is saved. 409 if the name is taken."""
    return orchestra.prompts.create(principal, sent.name, sent.title)


@router.put(
    "/{name}", summary="Save a prompt", response_model=PromptFile, responses=_IN_USE | TOO_MANY, dependencies=[CHECKED]
)
def save_prompt(name: str, sent: FileTextBody, orchestra: Door, principal: Acting) -> Any:
    """Save the draft of a prompt; the answer lists its problems, which do not prevent saving.

    `etag` belongs to the text to replace; without it, the prompt must not exist yet. 409 if the file has changed.
    """
    return orchestra.prompts.save(principal, name, sent.text, sent.etag)


@router.post(
    "/{name}/declare",
    summary="Declare the variables of a prompt",
    response_model=DeclaredNames,
    responses=_IN_USE | TOO_MANY,
    dependencies=[CHECKED],
)
def declare_variables(name: str, orchestra: Door, principal: Acting) -> dict[str, Any]:
    """Declare the variables that the draft uses and does not declare, as strings; save it."""
    return {"declared": orchestra.prompts.declare(principal, name)}


@router.delete("/{name}", summary="Delete a prompt", response_model=DeletedItem, responses=_IN_USE)
def delete_prompt(name: str, orchestra: Door, principal: Acting) -> dict[str, str]:
    """Move a prompt to the trash. 409 while workflows use it; the error names them."""
    return {"name": name, "trash": orchestra.prompts.delete(principal, name).name}


@router.post(
    "/{name}/copy",
    summary="Copy a prompt",
    status_code=201,
    response_model=PromptFile,
    responses=_IN_USE | TOO_MANY,
    dependencies=[CHECKED],
)
def copy_prompt(name: str, sent: NewName, orchestra: Door, principal: Acting) -> Any:
    """Copy a prompt with its versions, labels and cases. 409 if the name is taken."""
    return orchestra.prompts.duplicate(principal, name, sent.new)


@router.post(
    "/{name}/rename",
    summary="Rename a prompt",
    response_model=PromptRenamed,
    responses=_IN_USE | TOO_MANY,
    dependencies=[CHECKED],
)
def rename_prompt(name: str, sent: NewName, orchestra: Door, principal: Acting) -> dict[str, Any]:
    """Rename a prompt, also in the workflows that use it. 409 if the name is taken."""
    return {"name": sent.new, "workflows": orchestra.prompts.rename(principal, name, sent.new)}


@router.post("/{name}/tags", summary="Tag a prompt", response_model=Tags)
def tag_prompt(name: str, sent: TagChanges, orchestra: Door, principal: Acting) -> dict[str, list[str]]:
    """Add and remove tags, without a new version; the answer has the prompt's current tags."""
    return {"tags": orchestra.prompts.tag(principal, name, sent.add, sent.remove)}


@router.get("/{name}/versions", summary="List the versions of a prompt", response_model=PromptVersionRows)
def list_versions(name: str, orchestra: Door, principal: Acting) -> dict[str, Any]:
    """List the saved versions with their labels, newest first."""
    prompts = orchestra.prompts
    return {"versions": prompts.versions(principal, name), "used_by": prompts.users(principal, name)}


@router.get("/{name}/differences", summary="Compare two versions of a prompt", response_model=PromptDifferences)
def compare_versions(
    name: str,
    orchestra: Door,
    principal: Acting,
    before: Annotated[str, Query(max_length=64, description="A number, a label, or `draft`.")] = DEFAULT_LABEL,
    after: Annotated[str, Query(max_length=64, description="As `before`.")] = DRAFT,
) -> dict[str, Any]:
    """Return the parts in which two versions differ, by word."""
    return {"differences": differences_between(orchestra.prompts, principal, name, before, after)}


@router.post(
    "/{name}/versions",
    summary="Save a version",
    status_code=201,
    response_model=PromptVersion,
    responses=_IN_USE | TOO_MANY,
    dependencies=[CHECKED],
)
def save_version(name: str, sent: NewVersion, orchestra: Door, principal: Acting) -> dict[str, Any]:
    """Save the draft as the next version, which never changes. 422 if it has problems."""
    file = orchestra.prompts.get(principal, name)
    number = orchestra.prompts.save_version(principal, name, file.text, sent.etag or file.etag, sent.label, sent.reason)
    return {"version": number, "labels": [sent.label] if sent.label else []}


@router.put("/{name}/labels/{label}", summary="Set a label", response_model=PromptFile, responses=_PROTECTED)
def set_label(name: str, label: str, sent: LabelTarget, orchestra: Door, principal: Acting) -> Any:
    """Make a label point at a version: runs that start from now on use it. 409 if it is protected and may not move."""
    orchestra.prompts.set_label(principal, name, label, sent.version, sent.reason)
    return orchestra.prompts.get(principal, name)


@router.delete("/{name}/labels/{label}", summary="Remove a label", response_model=PromptFile, responses=_IN_USE)
def remove_label(name: str, label: str, orchestra: Door, principal: Acting) -> Any:
    """Remove a label. 409 while workflows use the prompt with it; the error names them."""
    orchestra.prompts.remove_label(principal, name, label)
    return orchestra.prompts.get(principal, name)


@router.put("/{name}/labels/{label}/protection", summary="Protect a label", response_model=PromptFile)
def protect_label(name: str, label: str, orchestra: Door, principal: Acting) -> Any:
    """Allow a label to move only to a version whose cases pass, or with a reason."""
    orchestra.prompts.protect(principal, name, label)
    return orchestra.prompts.get(principal, name)


@router.delete("/{name}/labels/{label}/protection", summary="Remove a protection", response_model=PromptFile)
def unprotect_label(name: str, label: str, orchestra: Door, principal: Acting) -> Any:
    """Let a label move freely again."""
    orchestra.prompts.unprotect(principal, name, label)
    return orchestra.prompts.get(principal, name)
