"""`/api/copilot/fixes`: what mends the problems of a draft, without a model."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from api.base.routing import Acting, Door, SignedInRoute
from api.base.turns import CHECKED, TOO_MANY
from engine.copilot.fixes.records import Fix

router = APIRouter(prefix="/api/copilot/fixes", tags=["Co-pilot"], route_class=SignedInRoute, responses=TOO_MANY)


class FixList(BaseModel):
    """What mends the problems of the caller's draft, in their order."""

    fixes: list[Fix]


@router.get("/{workflow}", summary="List the fixes for a draft", response_model=FixList, dependencies=[CHECKED])
def list_fixes(workflow: str, orchestra: Door, principal: Acting) -> dict[str, Any]:
    """List a fix for each problem of the caller's draft that has one, 20 at most. Each has been compiled: it removes
    its problem and adds no other. Propose its `ops` to see the difference and accept it.
    """
    return {"fixes": orchestra.copilot.fixes.list(principal, workflow)}
