"""`/api/copilot/wizard`: workflows from a few choices, without a model."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from api.base.routing import Acting, Door, SignedInRoute
from api.base.turns import CHECKED, TOO_MANY
from engine.copilot.wizard.records import Choices, Offers
from engine.workflows.workflow_files import CreatedWorkflow

router = APIRouter(prefix="/api/copilot/wizard", tags=["Co-pilot"], route_class=SignedInRoute, responses=TOO_MANY)


@router.get("", summary="List the choices of the wizard", response_model=Offers)
def offer_choices(orchestra: Door, principal: Acting) -> Any:
    """List the sources and targets, what each needs to know, and whether its service is connected."""
    return orchestra.copilot.wizard.offers(principal)


@router.post(
    "/{workflow}",
    summary="Create a workflow from choices",
    status_code=201,
    response_model=CreatedWorkflow,
    dependencies=[CHECKED],
)
def create_by_choices(workflow: str, sent: Choices, orchestra: Door, principal: Acting) -> Any:
    """Create a workflow of this name from choices, with the demo connections that it lacks: `added_connections`.

    It starts nothing until its trigger is turned on. 422 names the choice that does not fit; 409 if the name is taken.
    """
    return orchestra.copilot.wizard.create(principal, workflow, sent)
