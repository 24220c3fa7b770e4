"""`/api/attention`: what needs a person; `/api/state`, `/api/budgets`: what makes runs wait; workers; settings."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Body
from pydantic import BaseModel, Field, JsonValue

from api.base.errors import RewordedResponse
from api.base.routing import Acting, Door, SignedInRoute
from api.routes.connection_documents import CheckView
from engine.budgets.settings import BudgetSettings
from engine.operations.attention import AttentionItem
from engine.operations.plugins import Plugin
from engine.operations.plugins import plugins as installed_plugins
from engine.operations.workspace_settings import GeneralSettings
from engine.store.held import HeldWrites

router = APIRouter(
    prefix="/api/state", tags=["State"], route_class=SignedInRoute, default_response_class=RewordedResponse
)
attention = APIRouter(
    prefix="/api/attention", tags=["State"], route_class=SignedInRoute, default_response_class=RewordedResponse
)
budgets = APIRouter(prefix="/api/budgets", tags=["Budgets"], route_class=SignedInRoute)
workers = APIRouter(prefix="/api/workers", tags=["Workers"], route_class=SignedInRoute)
settings = APIRouter(prefix="/api/settings", tags=["Settings"], route_class=SignedInRoute)
plugins = APIRouter(prefix="/api/plugins", tags=["Settings"], route_class=SignedInRoute)


class AttentionItems(BaseModel):
    """What needs attention, the most urgent kinds first."""

    items: list[AttentionItem]


@attention.get("", summary="Show what needs attention", response_model=AttentionItems)
def get_attention(orchestra: Door, principal: Acting) -> dict[str, Any]:
    """Return what the page Home shows: runs, questions, accounts, triggers and budgets that need a person."""
    return {"items": orchestra.attention.items(principal)}


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
    """Resume writing; a write that is not known to have happened is made again. Waiting runs continue."""
    orchestra.proof.accept(principal)
    return _document(orchestra.proof.held(principal))


def _document(held: HeldWrites | None) -> dict[str, Any]:
    view = None if held is None else {**asdict(held), "message": held.message, "remedy": held.remedy}
    return {"writes_held": view}


@budgets.get("/settings", summary="Show the budget settings", response_model=BudgetSettings)
def get_budget_settings(orchestra: Door, principal: Acting) -> Any:
    """Return `budgets` of config.yaml."""
    return orchestra.budgets.settings(principal)


@budgets.put("/settings", summary="Set budgets", response_model=BudgetSettings)
def put_budget_settings(orchestra: Door, principal: Acting, wanted: Annotated[dict[str, JsonValue], Body()]) -> Any:
    """Set `budgets` of config.yaml to exactly these; comments stay. Requires the role owner."""
    return orchestra.budgets.set(principal, wanted)


@workers.get("/check", summary="Check the processes", response_model=CheckView)
def check_workers(orchestra: Door, principal: Acting) -> dict[str, Any]:
    """Report line by line which processes are alive and take runs; each line with a problem names the next step."""
    lines = orchestra.workers.check(principal)
    return {"ok": all(line.ok for line in lines), "lines": lines}


@workers.post("/{worker_id}/drain", summary="Drain a worker", status_code=204)
def drain_worker(orchestra: Door, principal: Acting, worker_id: str) -> None:
    """Tell a process to take no more runs; a worker then ends, a server keeps running. Requires the role owner."""
    orchestra.workers.drain(principal, worker_id)


class PluginRows(BaseModel):
    """The installed packages, by name."""

    plugins: list[Plugin]


@plugins.get("", summary="List the plugins", response_model=PluginRows)
def list_plugins(principal: Acting) -> dict[str, Any]:
    """List the installed packages that add to this program, what they add, and why some are left out."""
    return {"plugins": installed_plugins(principal)}


@settings.get("", summary="Show the settings", response_model=GeneralSettings)
def get_settings(orchestra: Door, principal: Acting) -> Any:
    """Return time zone, retention and notifications of config.yaml. Requires the role owner."""
    return orchestra.general.get(principal)


@settings.put("", summary="Change the settings", response_model=GeneralSettings)
def put_settings(orchestra: Door, principal: Acting, wanted: Annotated[dict[str, JsonValue], Body()]) -> Any:
    """Set time zone, retention and notifications of config.yaml to exactly these; comments stay."""
    return orchestra.general.set(principal, wanted)
