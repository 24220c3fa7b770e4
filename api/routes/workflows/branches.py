"""`/api/workflows/{name}/branches`: make, list, check, merge and delete copies of a workflow."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header
from pydantic import BaseModel, Field, JsonValue

from api.base.documents import Name, Refusal, RequestBody
from api.base.errors import error_response, stale
from api.base.routing import Acting, Door, SignedInRoute
from api.base.turns import CHECKED, TOO_MANY
from engine.base.errors import StaleEdit
from engine.runs.branches.merging import Merging
from engine.runs.branches.reader import BranchStatus
from engine.workflows.merging.conflicts import Choice, Value

router = APIRouter(prefix="/api/workflows", tags=["Branches"], route_class=SignedInRoute)
_TAKEN: dict[int | str, dict[str, Any]] = {409: {"model": Refusal, "description": "The name is taken"}}
_CHANGED: dict[int | str, dict[str, Any]] = {
    409: {"model": Refusal, "description": "A text has changed since it was checked"},
    412: {"model": Refusal, "description": "The file has changed"},
    428: {"model": Refusal, "description": "There are choices, and no `If-Match` says about which text"},
}


class BranchList(BaseModel):
    """The branches of a workflow, by name."""

    branches: list[BranchStatus]


class DeletedWithDrafts(BaseModel):
    """A deleted branch."""

    name: str
    trash: str = Field(description="The name of its folder in the trash.")
    unsaved_by: list[str] = Field(description="The ids of the people whose unsaved changes are in the trash, too.")


class NewBranch(RequestBody):
    """A new branch."""

    branch: Name = Field(examples=["labels"])
    version: str = Field(
        default="current", max_length=200, description="A saved version: its id, number or label; default: the file."
    )


class TypedValue(RequestBody):
    """A value for a field that both have changed."""

    value: JsonValue


class Checking(RequestBody):
    """What to take where both have changed the same place."""

    choices: dict[str, Literal["main", "branch"] | TypedValue] = Field(
        default={},
        max_length=10_000,
        description="By the place of the conflict: `main`, `branch`, or your own value.",
        examples=[{"steps.issue.with.title": "branch", "steps.label.note": {"value": "Since May"}}],
    )

    def decided(self) -> dict[str, Choice]:
        """Return the choices as the engine takes them."""
        return {place: Value(one.value) if isinstance(one, TypedValue) else one for place, one in self.choices.items()}


class MergingBranch(Checking):
    """A merge."""

    etag: str = Field(
        default="", max_length=100, description="The etag of the file that was checked, if it is not in `If-Match`."
    )
    branch_etag: str = Field(
        default="", max_length=100, description="The etag of the branch that was checked; default: any."
    )
    keep: bool = Field(default=False, description="Keep the branch; it continues from the merged text.")


@router.get("/{name}/branches", summary="List the branches of a workflow", response_model=BranchList)
def list_branches(name: str, orchestra: Door, principal: Acting) -> Any:
    """Return each branch, with what it has changed and what has changed in the workflow since it was made."""
    return {"branches": orchestra.branches.list(principal, name)}


@router.post(
    "/{name}/branches", summary="Create a branch", status_code=201, response_model=BranchStatus, responses=_TAKEN
)
def create_branch(name: str, sent: NewBranch, orchestra: Door, principal: Acting) -> Any:
    """Copy a workflow as a branch, which is edited under the name `NAME@BRANCH`. 409 if the name is taken."""
    return orchestra.branches.create(principal, name, sent.branch, sent.version)


@router.delete("/{name}/branches/{branch}", summary="Delete a branch", response_model=DeletedWithDrafts)
def delete_branch(name: str, branch: str, orchestra: Door, principal: Acting) -> Any:
    """Move a branch and unsaved changes of it to the trash; the workflow stays as it is."""
    deleted = orchestra.branches.delete(principal, name, branch)
    return {"name": branch, "trash": deleted.trash.name, "unsaved_by": deleted.unsaved_by}


@router.post(
    "/{name}/branches/{branch}/check",
    summary="Check a merge",
    response_model=Merging,
    responses=TOO_MANY,
    dependencies=[CHECKED],
)
def check_merge(name: str, branch: str, sent: Checking, orchestra: Door, principal: Acting) -> Any:
    """Return what merging a branch would change, its conflicts, and what prevents it; nothing is saved."""
    return orchestra.branches.check(principal, name, branch, sent.decided())


@router.post(
    "/{name}/branches/{branch}/merge",
    summary="Merge a branch",
    response_model=Merging,
    responses=_CHANGED | TOO_MANY,
    dependencies=[CHECKED],
)
def merge_branch(
    name: str,
    branch: str,
    sent: MergingBranch,
    orchestra: Door,
    principal: Acting,
    if_match: Annotated[str | None, Header(max_length=100)] = None,
) -> Any:
    """Apply the changes of a branch to its workflow. 422 with `problems` while a conflict is undecided.

    `If-Match`, or `etag`, is the `etag` of the check: 412 or 409 if the file has changed since. With `choices` it is
    required (otherwise 428), because they were made for the text that was checked.
    """
    etag = sent.etag if if_match is None else if_match.removeprefix("W/").strip('"')
    if sent.choices and not etag:
        return error_response(
            428,
            "EtagNeeded",
            "The choices are about a text, and the request does not say which one.",
            "Send the `etag` of the check in `If-Match`: POST …/check returns it with the conflicts.",
        )
    try:
        return orchestra.branches.merge(
            principal,
            name,
            branch,
            sent.decided(),
            known_etag=etag,
            branch_etag=sent.branch_etag,
            keep=sent.keep,
        )
    except StaleEdit as error:
        if if_match is None:
            raise
        return stale(error)
