"""`/api/approvals`: questions that runs ask a person, and the answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Query
from pydantic import BaseModel, ConfigDict, Field

from api.base.documents import ErrorView, RequestBody
from api.base.errors import view_of
from api.base.models import model_of
from api.base.routing import Acting, Door, SignedInRoute
from engine.base.problem import Problem
from engine.runs.answers import LONGEST_REASON
from engine.runs.approvals import Approval, Decided, Decision, State

router = APIRouter(prefix="/api/approvals", tags=["Approvals"], route_class=SignedInRoute)


class DecisionComment(RequestBody):
    """A comment on an approval or rejection."""

    comment: str = Field(default="", max_length=LONGEST_REASON)


class Approving(DecisionComment):
    """A comment, and the arguments of the call if they were edited, or the amounts that an agent is given."""

    arguments: dict[str, Any] | None = Field(
        default=None, description="All fields of the call, or some of the amounts in `give`; null: unchanged."
    )
    with_gaps: bool = Field(default=False, description="Approve texts with gaps, such as `[your answer]`, too.")


class OneDecision(RequestBody):
    """An answer to one of several questions."""

    id: str = Field(min_length=1, max_length=64)
    decision: Literal["approve", "reject"]
    comment: str = Field(default="", max_length=LONGEST_REASON)
    arguments: dict[str, Any] | None = Field(default=None, description="All fields of the call; null: unchanged.")
    with_gaps: bool = Field(default=False, description="Approve texts with gaps, such as `[your answer]`, too.")


class ApprovalDecisions(RequestBody):
    """Answers to several questions."""

    answers: list[OneDecision] = Field(min_length=1, max_length=200)


@model_of(Decided)
class DecidedRow(BaseModel):
    """What became of one answer: the answered question, or why it was refused."""

    error: ErrorView | None


class DecidedRows(BaseModel):
    """What became of each answer."""

    answers: list[DecidedRow]


class ApprovalFilter(BaseModel):
    """Which questions to list, newest first."""

    model_config = ConfigDict(extra="forbid")

    state: Literal[State, "any"] = "open"
    limit: int = Field(default=50, ge=1, le=200)


class ApprovalRows(BaseModel):
    """A list of questions."""

    approvals: list[Approval]


class Warnings(BaseModel):
    """What the rules of config.yaml may not have meant, each with its place and remedy."""

    warnings: list[Problem]


@router.get("", summary="List questions", response_model=ApprovalRows)
def list_approvals(orchestra: Door, principal: Acting, which: Annotated[ApprovalFilter, Query()]) -> dict[str, Any]:
    """List the questions of runs, newest first; without `state`, only those waiting for an answer.

    `scheduled` are the mails that go out by themselves at `expires_at`, unless somebody rejects them.
    """
    state = None if which.state == "any" else which.state
    return {"approvals": orchestra.approvals.list(principal, state, which.limit)}


@router.get("/warnings", summary="Check the rules of config.yaml", response_model=Warnings)
def approval_warnings(orchestra: Door, principal: Acting) -> dict[str, Any]:
    """Return the names in the approval rules of config.yaml that are no role and no user."""
    return {"warnings": orchestra.approvals.warnings(principal)}


@router.get("/{approval_id}", summary="Get a question", response_model=Approval)
def get_approval(approval_id: str, orchestra: Door, principal: Acting) -> Any:
    """Return one question, with its answer if it has one."""
    return orchestra.approvals.get(principal, approval_id)


@router.post("/{approval_id}/approve", summary="Approve", response_model=Approval)
def approve(
    approval_id: str, orchestra: Door, principal: Acting, answer: Annotated[Approving | None, Body()] = None
) -> Any:
    """Approve a step: the run continues; a scheduled mail goes out now.

    409 if it has been answered, has expired, or the run no longer waits.
    """
    given = answer or Approving()
    return orchestra.approvals.approve(
        principal, approval_id, given.comment, given.arguments, with_gaps=given.with_gaps
    )


@router.post("/{approval_id}/reject", summary="Reject", response_model=Approval)
def reject(
    approval_id: str, orchestra: Door, principal: Acting, answer: Annotated[DecisionComment | None, Body()] = None
) -> Any:
    """Reject a step: the step that asked fails; a scheduled mail never goes out.

    409 if it has been answered, or the run no longer waits.
    """
    return orchestra.approvals.reject(principal, approval_id, (answer or DecisionComment()).comment)


@router.post("/answers", summary="Answer several questions", response_model=DecidedRows)
def answer_several(orchestra: Door, principal: Acting, decisions: ApprovalDecisions) -> Any:
    """Approve and reject several steps, one after the other; an answer that is refused does not stop the others."""
    wanted = [
        Decision(one.id, one.decision == "approve", one.comment, one.arguments, one.with_gaps)
        for one in decisions.answers
    ]
    return {"answers": [_row(one) for one in orchestra.approvals.decide(principal, wanted)]}


def _row(one: Decided) -> dict[str, Any]:
    return {"id": one.id, "approval": one.approval, "error": None if one.error is None else view_of(one.error)}
