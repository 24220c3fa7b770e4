"""`/api/copilot/wizard`: workflows from a few choices, without a model."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from api.base.routing import Acting, Door, SignedInRoute
from api.base.turns import CHECKED, TOO_MANY
from engine.copilot.proposals.records import Proposal
from engine.copilot.wizard.records import Choices, Offers

router = APIRouter(prefix="/api/copilot/wizard", tags=["Co-pilot"], route_class=SignedInRoute, responses=TOO_MANY)


@router.get("", summary="List the choices of the wizard", response_model=Offers)
def offer_choices(orchestra: Door, principal: Acting) -> Any:
    """List the sources and targets, what each needs to know, and whether its service is connected."""
    return orchestra.copilot.wizard.offers(principal)


@router.post("/{workflow}", summary="Propose a workflow", response_model=Proposal, dependencies=[CHECKED])
def propose_workflow(workflow: str, sent: Choices, orchestra: Door, principal: Acting) -> Any:
    """Store a proposal for the caller's draft: in place of the blank text of a new workflow, or at the end of one that
    has steps. The workflow need not exist yet. 422 names the choice that does not fit.
    """
    return orchestra.copilot.wizard.propose(principal, workflow, sent)
