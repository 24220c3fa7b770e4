"""`/api/approvals`: what runs ask a person, and the answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Query
from pydantic import BaseModel, ConfigDict, Field

from api.documents import Sent
from api.routing import Acting, Door, SignedInRoute

router = APIRouter(prefix="/api/approvals", tags=["Approvals"], route_class=SignedInRoute)


class Answer(Sent):
    """What a person adds to a yes or no."""

    comment: str = Field(default="", max_length=4_000)


class ApprovalFilter(BaseModel):
    """Which questions to list, newest first."""

    model_config = ConfigDict(extra="forbid")

    state: Literal["open", "approved", "rejected", "withdrawn", "any"] = "open"
    limit: int = Field(default=50, ge=1, le=200)


class ApprovalView(BaseModel):
    """A question of a run, and its answer; `path` is the step that asks."""

    id: str
    run_id: str
    path: str
    workflow: str
    message: str
    details: Any = Field(description="What the step shows beside the question.")
    asked_at: str
    state: Literal["open", "approved", "rejected", "withdrawn"]
    answered_at: str | None
    answered_by: str | None
    comment: str


class ApprovalRows(BaseModel):
    """Questions."""

    approvals: list[ApprovalView]


@router.get("", summary="List questions", response_model=ApprovalRows)
def list_approvals(orchestra: Door, principal: Acting, which: Annotated[ApprovalFilter, Query()]) -> dict[str, Any]:
    """Give what runs ask (`flow.approve`), the newest first; without `state` only what waits for an answer."""
    state = None if which.state == "any" else which.state
    return {"approvals": orchestra.approvals.list(principal, state, which.limit)}


@router.get("/{approval_id}", summary="Get a question", response_model=ApprovalView)
def get_approval(approval_id: str, orchestra: Door, principal: Acting) -> Any:
    """Give one question, with its answer where there is one."""
    return orchestra.approvals.get(principal, approval_id)


@router.post("/{approval_id}/approve", summary="Approve", response_model=ApprovalView)
def approve(
    approval_id: str, orchestra: Door, principal: Acting, answer: Annotated[Answer | None, Body()] = None
) -> Any:
    """Say yes: the run goes on. 409 where somebody has answered before, or the run does not wait any more."""
    return orchestra.approvals.approve(principal, approval_id, (answer or Answer()).comment)


@router.post("/{approval_id}/reject", summary="Reject", response_model=ApprovalView)
def reject(
    approval_id: str, orchestra: Door, principal: Acting, answer: Annotated[Answer | None, Body()] = None
) -> Any:
    """Say no: the step that asked fails. 409 where somebody has answered before, or the run does not wait any more."""
    return orchestra.approvals.reject(principal, approval_id, (answer or Answer()).comment)
