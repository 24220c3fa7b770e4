"""`/api/approvals`: questions that runs ask a person, and the answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Query
from pydantic import BaseModel, ConfigDict, Field

from api.base.documents import Sent
from api.base.routing import Acting, Door, SignedInRoute
from engine.runs.approvals import Approval, State

router = APIRouter(prefix="/api/approvals", tags=["Approvals"], route_class=SignedInRoute)


class Answer(Sent):
    """A comment on an approval or rejection."""

    comment: str = Field(default="", max_length=4_000)


class ApprovalFilter(BaseModel):
    """Which questions to list, newest first."""

    model_config = ConfigDict(extra="forbid")

    state: Literal[State, "any"] = "open"
    limit: int = Field(default=50, ge=1, le=200)


class ApprovalRows(BaseModel):
    """A list of questions."""

    approvals: list[Approval]


@router.get("", summary="List questions", response_model=ApprovalRows)
def list_approvals(orchestra: Door, principal: Acting, which: Annotated[ApprovalFilter, Query()]) -> dict[str, Any]:
    """List the questions of runs (`flow.approve`), newest first; without `state`, only those waiting for an answer."""
    state = None if which.state == "any" else which.state
    return {"approvals": orchestra.approvals.list(principal, state, which.limit)}


@router.get("/{approval_id}", summary="Get a question", response_model=Approval)
def get_approval(approval_id: str, orchestra: Door, principal: Acting) -> Any:
    """Return one question, with its answer if it has one."""
    return orchestra.approvals.get(principal, approval_id)


@router.post("/{approval_id}/approve", summary="Approve", response_model=Approval)
def approve(
    approval_id: str, orchestra: Door, principal: Acting, answer: Annotated[Answer | None, Body()] = None
) -> Any:
    """Approve a step: the run goes on. 409 if it was answered before, or the run is no longer waiting."""
    return orchestra.approvals.approve(principal, approval_id, (answer or Answer()).comment)


@router.post("/{approval_id}/reject", summary="Reject", response_model=Approval)
def reject(
    approval_id: str, orchestra: Door, principal: Acting, answer: Annotated[Answer | None, Body()] = None
) -> Any:
    """Reject a step: the step that asked fails. 409 if it was answered before, or the run is no longer waiting."""
    return orchestra.approvals.reject(principal, approval_id, (answer or Answer()).comment)
