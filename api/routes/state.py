"""`/api/state`: whether writes are held because their record was lost, and the way to release them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.base.errors import Answer
from api.base.routing import Acting, Door, SignedInRoute
from engine.store.held import Held

router = APIRouter(prefix="/api/state", tags=["State"], route_class=SignedInRoute, default_response_class=Answer)


class HeldView(BaseModel):
    """Why writes are held: runs that wrote something which their logs do not identify."""

    since: str
    missing: list[str] = Field(description="Runs without a log.")
    unreadable: list[str] = Field(description="Runs whose log cannot be read.")
    message: str
    remedy: str


class StateView(BaseModel):
    """Whether writes are held; null if they are not."""

    writes_held: HeldView | None


@router.get("", summary="Show whether writes are held", response_model=StateView)
def get_state(orchestra: Door, principal: Acting) -> dict[str, Any]:
    """Return whether writes are held: the state was lost or is outdated, and no log shows what was written since."""
    return _document(orchestra.proof.held(principal))


@router.post("/accept", summary="Resume writing", response_model=StateView)
def accept_state(orchestra: Door, principal: Acting) -> dict[str, Any]:
    """Resume writing; a write that is not known to have happened is made again. Waiting runs go on."""
    orchestra.proof.accept(principal)
    return _document(orchestra.proof.held(principal))


def _document(held: Held | None) -> dict[str, Any]:
    view = None if held is None else {**asdict(held), "message": held.message, "remedy": held.remedy}
    return {"writes_held": view}
