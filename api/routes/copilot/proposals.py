"""`/api/copilot/proposals`: what is proposed for the caller's drafts, and its acceptance."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.base.documents import Refusal, Sent
from api.base.routing import Acting, Door, SignedInRoute
from api.base.turns import CHECKED, TOO_MANY
from engine.copilot.proposals.records import Proposal
from engine.copilot.proposals.restoring import Restoration
from engine.workflows.editing.editing import Edited
from engine.workflows.editing.operations import MOST, schema

_CLASH: dict[int | str, dict[str, Any]] = {409: {"model": Refusal, "description": "The draft has changed since"}}
router = APIRouter(
    prefix="/api/copilot/proposals", tags=["Co-pilot"], route_class=SignedInRoute, responses=_CLASH | TOO_MANY
)


class Change(Sent):
    """Operations that a button of an answer has, or another program has made."""

    base_rev: str = Field(min_length=1, max_length=64, description="The etag of the text that they were made for.")
    ops: list[Any] = Field(json_schema_extra={"items": schema(), "minItems": 1, "maxItems": MOST})
    why: str = Field(default="", max_length=2_000, description="What they are for, in words.")
    from_outside: bool = Field(
        default=False, description="Whether text from outside had a part in them: more needs a tick of its own."
    )


class Acceptance(Sent):
    """What the caller accepts of a proposal."""

    steps: list[str] | None = Field(
        default=None, max_length=500, description='As in its changes ("": the workflow); default: all that are left.'
    )
    ticks: list[str] = Field(
        default=[], max_length=500, description="The ids of the ticks that the caller has given, each by itself."
    )


class Restored(Sent):
    """The draft that the caller has looked at."""

    base_rev: str = Field(min_length=1, max_length=64, description="Its etag: `rev` of `GET …/before`.")


class ProposalList(BaseModel):
    """The caller's proposals for a workflow, oldest first."""

    proposals: list[Proposal]


class Accepted(BaseModel):
    """The draft after an acceptance, and what became of the proposal."""

    edited: Edited
    proposal: Proposal


@router.get("/{workflow}", summary="List the proposals for a workflow", response_model=ProposalList)
def list_proposals(workflow: str, orchestra: Door, principal: Acting) -> dict[str, Any]:
    """List the caller's last 20 proposals for a workflow, oldest first."""
    return {"proposals": orchestra.copilot.proposals.list(principal, workflow)}


@router.post("/{workflow}", summary="Propose a change", response_model=Proposal, dependencies=[CHECKED])
def make_proposal(workflow: str, sent: Change, orchestra: Door, principal: Acting) -> Any:
    """Store a proposal of these operations for the caller's draft, which stays as it is.

    Text from outside had a part in them, too, if it is in the caller's conversation about the workflow.
    """
    return orchestra.copilot.proposals.make(
        principal, workflow, sent.base_rev, sent.ops, sent.why, source="rules", from_outside=sent.from_outside
    )


@router.get("/{workflow}/{proposal_id}", summary="Get a proposal", response_model=Proposal)
def get_proposal(workflow: str, proposal_id: str, orchestra: Door, principal: Acting) -> Any:
    """Return one of the caller's proposals."""
    return orchestra.copilot.proposals.get(principal, workflow, proposal_id)


@router.post(
    "/{workflow}/{proposal_id}/accept", summary="Accept a proposal", response_model=Accepted, dependencies=[CHECKED]
)
def accept_proposal(
    workflow: str, proposal_id: str, sent: Acceptance, orchestra: Door, principal: Acting
) -> dict[str, Any]:
    """Apply a proposal, or its changes of some steps, to the caller's draft, as one change that undo reverts.

    What would result must compile. Everything in `ticks` of the proposal that this part brings must be named in
    `ticks`: it is computed again from the draft as it is now. 409 if the draft has changed at the same place.
    """
    proposals = orchestra.copilot.proposals
    edited = proposals.accept(principal, workflow, proposal_id, steps=sent.steps, ticks=sent.ticks)
    return {"edited": edited, "proposal": proposals.get(principal, workflow, proposal_id)}


@router.post("/{workflow}/{proposal_id}/reject", summary="Reject a proposal", response_model=Proposal)
def reject_proposal(workflow: str, proposal_id: str, orchestra: Door, principal: Acting) -> Any:
    """Reject a proposal, or what is left of one; the draft stays as it is."""
    return orchestra.copilot.proposals.reject(principal, workflow, proposal_id)


@router.post(
    "/{workflow}/{proposal_id}/demo",
    summary="Try a proposal in the demo",
    response_model=Proposal,
    dependencies=[CHECKED],
)
def try_proposal(workflow: str, proposal_id: str, orchestra: Door, principal: Acting) -> Any:
    """Run the proposed text twice on the stand-ins, whatever the settings say, and wait for both runs.

    `demo` of the answer says what they wrote and where. No real account is used.
    """
    return orchestra.copilot.proposals.try_in_demo(principal, workflow, proposal_id)


@router.get(
    "/{workflow}/{proposal_id}/before",
    summary="Compare the draft with what it was before a proposal",
    response_model=Restoration,
)
def compare_with_before(workflow: str, proposal_id: str, orchestra: Door, principal: Acting) -> Any:
    """Say what restoring the text from before the acceptance would change in the caller's draft as it is now."""
    return orchestra.copilot.restoring.look(principal, workflow, proposal_id)


@router.post(
    "/{workflow}/{proposal_id}/restore",
    summary="Restore what the draft was before a proposal",
    response_model=Edited,
    dependencies=[CHECKED],
)
def restore_before(workflow: str, proposal_id: str, sent: Restored, orchestra: Door, principal: Acting) -> Any:
    """Put the text from before the acceptance into the caller's draft, as one change that undo reverts.

    409 if the draft is not at `base_rev` any more.
    """
    return orchestra.copilot.restoring.restore(principal, workflow, proposal_id, sent.base_rev)
