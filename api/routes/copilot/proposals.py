"""`/api/copilot/proposals`: what is proposed for the caller's drafts, and its acceptance."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.base.documents import Refusal, RequestBody
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


class ProposedChange(RequestBody):
    """Operations that a button of an answer has, or another program has made."""

    base_rev: str = Field(
        min_length=1, max_length=64, description="The etag of the text that the operations were made for."
    )
    ops: list[Any] = Field(json_schema_extra={"items": schema(), "minItems": 1, "maxItems": MOST})
    why: str = Field(default="", max_length=2_000, description="The purpose of the operations, in words.")
    from_outside: bool = Field(
        default=False, description="Whether text from outside influenced the operations: then more changes need a tick."
    )


class ProposalAcceptance(RequestBody):
    """What the caller accepts of a proposal."""

    steps: list[str] | None = Field(
        default=None,
        max_length=500,
        description='The steps, as in its changes ("": the workflow); default: all remaining ones.',
    )
    ticks: list[str] = Field(
        default=[], max_length=500, description="The ids of the points that the caller has ticked, one by one."
    )


class RestoreBody(RequestBody):
    """The draft that the caller has looked at."""

    base_rev: str = Field(min_length=1, max_length=64, description="Its etag: `rev` of `GET …/before`.")


class ProposalList(BaseModel):
    """The caller's proposals for a workflow, oldest first."""

    proposals: list[Proposal]


class AcceptedProposal(BaseModel):
    """The draft after an acceptance, and what became of the proposal."""

    edited: Edited
    proposal: Proposal


@router.get("/{workflow}", summary="List the proposals for a workflow", response_model=ProposalList)
def list_proposals(workflow: str, orchestra: Door, principal: Acting) -> dict[str, Any]:
    """List the caller's last 20 proposals for a workflow, oldest first."""
    return {"proposals": orchestra.copilot.proposals.list(principal, workflow)}


@router.post("/{workflow}", summary="Propose a change", response_model=Proposal, dependencies=[CHECKED])
def make_proposal(workflow: str, sent: ProposedChange, orchestra: Door, principal: Acting) -> Any:
    """Store a proposal of these operations for the caller's draft, which stays as it is.

    If the caller's conversation about the workflow contains text from outside, it counts as having influenced them.
    """
    return orchestra.copilot.proposals.make(
        principal, workflow, sent.base_rev, sent.ops, sent.why, source="rules", from_outside=sent.from_outside
    )


@router.get("/{workflow}/{proposal_id}", summary="Get a proposal", response_model=Proposal)
def get_proposal(workflow: str, proposal_id: str, orchestra: Door, principal: Acting) -> Any:
    """Return one of the caller's proposals."""
    return orchestra.copilot.proposals.get(principal, workflow, proposal_id)


@router.post(
    "/{workflow}/{proposal_id}/accept",
    summary="Accept a proposal",
    response_model=AcceptedProposal,
    dependencies=[CHECKED],
)
def accept_proposal(
    workflow: str, proposal_id: str, sent: ProposalAcceptance, orchestra: Door, principal: Acting
) -> dict[str, Any]:
    """Apply a proposal, or its changes of some steps, to the caller's draft, as one change that undo reverts.

    The result must compile. `ticks` must name everything in the proposal's `ticks` that these steps bring; this is
    computed again from the current draft. 409 if the draft has changed at the same place.
    """
    proposals = orchestra.copilot.proposals
    edited = proposals.accept(principal, workflow, proposal_id, steps=sent.steps, ticks=sent.ticks)
    return {"edited": edited, "proposal": proposals.get(principal, workflow, proposal_id)}


@router.post("/{workflow}/{proposal_id}/reject", summary="Reject a proposal", response_model=Proposal)
def reject_proposal(workflow: str, proposal_id: str, orchestra: Door, principal: Acting) -> Any:
    """Reject a proposal, or what remains of one; the draft stays as it is."""
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
    """Return what restoring the text from before the acceptance would change in the caller's current draft."""
    return orchestra.copilot.restoring.look(principal, workflow, proposal_id)


@router.post(
    "/{workflow}/{proposal_id}/restore",
    summary="Restore what the draft was before a proposal",
    response_model=Edited,
    dependencies=[CHECKED],
)
def restore_before(workflow: str, proposal_id: str, sent: RestoreBody, orchestra: Door, principal: Acting) -> Any:
    """Put the text from before the acceptance into the caller's draft, as one change that undo reverts.

    409 if the draft is no longer at `base_rev`.
    """
    return orchestra.copilot.restoring.restore(principal, workflow, proposal_id, sent.base_rev)
