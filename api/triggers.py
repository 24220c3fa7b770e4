"""`/api/triggers`: what starts runs by itself, turned on and off, and how each one stands."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.routing import Acting, Door, SignedInRoute
from engine.step_info import TriggerTypeInfo
from engine.trigger import Start
from engine.triggering.status import Alarm, DeadItem, PollResult, TriggerPreview, TriggerStatus

router = APIRouter(prefix="/api/triggers", tags=["Triggers"], route_class=SignedInRoute)


class TriggerRows(BaseModel):
    """Triggers, by workflow."""

    triggers: list[TriggerStatus]


class TriggerTypeRows(BaseModel):
    """What can be watched."""

    trigger_types: list[TriggerTypeInfo]


class AlarmRows(BaseModel):
    """Triggers that need a person."""

    alarms: list[Alarm]


class DeadItems(BaseModel):
    """Things that could not become a run, or whose run failed."""

    dead: list[DeadItem]


class PollResults(BaseModel):
    """What looking now gave."""

    results: list[PollResult]


class Retried(BaseModel):
    """The run of a thing that was tried again."""

    run_id: str


class Beginning(BaseModel):
    """From where on things count as new: the newest `last`, or `since` a time; `now` for only what comes later.

    None of them: an active trigger's own place.
    """

    model_config = ConfigDict(extra="forbid")

    now: bool = False
    last: int | None = Field(default=None, ge=1, le=10_000)
    since: datetime | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Beginning:
        if self.now + (self.last is not None) + (self.since is not None) > 1:
            raise ValueError("Give one of now, last and since.")
        return self

    @property
    def start(self) -> Start | None:
        """What the engine takes."""
        if self.last is None and self.since is None:
            return Start() if self.now else None
        since = self.since
        return Start(self.last, since.replace(tzinfo=UTC) if since and since.tzinfo is None else since)


class ItemName(BaseModel):
    """The id of a thing, as the list of dead items gives it."""

    model_config = ConfigDict(extra="forbid")

    item: str


Begin = Annotated[Beginning | None, Body()]


def _start(given: Beginning | None) -> Start | None:
    return None if given is None else given.start


@router.get("", summary="List triggers", response_model=TriggerRows)
def list_triggers(orchestra: Door, principal: Acting, workflow: str | None = None) -> dict[str, Any]:
    """Give every trigger of every workflow, or of one, without asking any service."""
    return {"triggers": orchestra.triggers.list(principal, workflow)}


@router.get("/types", summary="List trigger types", response_model=TriggerTypeRows)
def list_trigger_types(orchestra: Door, principal: Acting) -> dict[str, Any]:
    """Give every trigger type with its fields and what an item looks like."""
    return {"trigger_types": orchestra.trigger_types(principal)}


@router.get("/alarms", summary="List alarms", response_model=AlarmRows)
def list_alarms(orchestra: Door, principal: Acting) -> dict[str, Any]:
    """Give the triggers that are silent, refused by an account, of a broken file, or with dead items."""
    return {"alarms": orchestra.triggers.alarms(principal)}


@router.get("/dead", summary="List dead items", response_model=DeadItems)
def list_dead(orchestra: Door, principal: Acting, workflow: str | None = None) -> dict[str, Any]:
    """Give what could not become a run, and what became one that failed, newest first."""
    return {"dead": orchestra.triggers.dead(principal, workflow)}


@router.get("/{workflow}/{trigger}", summary="Get a trigger", response_model=TriggerStatus)
def get_trigger(workflow: str, trigger: str, orchestra: Door, principal: Acting) -> Any:
    """Give how a trigger stands: its last and next look, what it has seen, errors."""
    return orchestra.triggers.status(principal, workflow, trigger)


@router.post("/{workflow}/{trigger}/preview", summary="Preview a trigger", response_model=TriggerPreview)
def preview(workflow: str, trigger: str, orchestra: Door, principal: Acting, begin: Begin = None) -> Any:
    """Ask the service what is new, start nothing and move nothing; with a beginning, what turning it on so would do."""
    return orchestra.triggers.preview(principal, workflow, trigger, _start(begin))


@router.post("/{workflow}/{trigger}/on", summary="Turn a trigger on", response_model=TriggerStatus)
def turn_on(workflow: str, trigger: str, orchestra: Door, principal: Acting, begin: Begin = None) -> Any:
    """Watch from now on; the first time, the beginning has to be given. What it touches counts as agreed to."""
    return orchestra.triggers.turn_on(principal, workflow, trigger, _start(begin))


@router.post("/{workflow}/{trigger}/off", summary="Turn a trigger off", response_model=TriggerStatus)
def turn_off(workflow: str, trigger: str, orchestra: Door, principal: Acting) -> Any:
    """Watch no more; its place is kept."""
    return orchestra.triggers.turn_off(principal, workflow, trigger)


@router.post("/{workflow}/{trigger}/poll", summary="Look now for what is new", response_model=PollResults)
def poll(workflow: str, trigger: str, orchestra: Door, principal: Acting) -> dict[str, Any]:
    """Look now, whenever the next look is due."""
    return {"results": orchestra.triggers.poll(principal, workflow, trigger)}


@router.post("/{workflow}/{trigger}/retry", summary="Try a dead item again", response_model=Retried)
def retry(workflow: str, trigger: str, item: ItemName, orchestra: Door, principal: Acting) -> dict[str, str]:
    """Make a run of it with the workflow as it is now, or go on with its failed run."""
    return {"run_id": orchestra.triggers.retry(principal, workflow, trigger, item.item)}


@router.post("/{workflow}/{trigger}/dismiss", summary="Dismiss a dead item", status_code=204)
def dismiss(workflow: str, trigger: str, item: ItemName, orchestra: Door, principal: Acting) -> None:
    """Take it off the list."""
    orchestra.triggers.dismiss(principal, workflow, trigger, item.item)
