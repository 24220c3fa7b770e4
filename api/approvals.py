"""`/api/approvals`: what runs ask a person, and the answers."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query

from api.documents import Answer, ApprovalFilter, ApprovalRows, ApprovalView
from api.routing import Acting, Door, SignedInRoute

router = APIRouter(prefix="/api/approvals", tags=["Approvals"], route_class=SignedInRoute)


@router.get("", summary="List questions", response_model=ApprovalRows)
def list_approvals(orchestra: Door, principal: Acting, which: Annotated[ApprovalFilter, Query()]) -> dict[str, Any]:
    """Give what runs ask (`flow.approve`), the newest first; without `state` only what waits for an answer."""
    state = None if which.state == "any" else which.state
    return {"approvals": orchestra.approvals.list(principal, state, which.limit)}


@router.get("/{approval_id}", summary="Get a question", response_model=ApprovalView)
def get_approval(approval_id: str, orchestra: Door, principal: Acting) -> Any:
    """Give one question, with its answer where there is one."""
    return orchestra.approvals.get(principal, approval_id)


@router.post("/{approval_id}/approve", summary="Say yes", response_model=ApprovalView)
def approve(
    approval_id: str, orchestra: Door, principal: Acting, answer: Annotated[Answer | None, Body()] = None
) -> Any:
    """Say yes: the run goes on. 409 where somebody has answered before, or the run does not wait any more."""
    return orchestra.approvals.approve(principal, approval_id, (answer or Answer()).comment)


@router.post("/{approval_id}/reject", summary="Say no", response_model=ApprovalView)
def reject(
    approval_id: str, orchestra: Door, principal: Acting, answer: Annotated[Answer | None, Body()] = None
) -> Any:
    """Say no: the step that asked fails. 409 where somebody has answered before, or the run does not wait any more."""
    return orchestra.approvals.reject(principal, approval_id, (answer or Answer()).comment)
