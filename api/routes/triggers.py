"""`/api/triggers`: turn triggers on and off, poll them, and handle items that failed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.base.errors import RewordedResponse
from api.base.models import model_for
from api.base.routing import Acting, Door, SignedInRoute
from api.routes.run_documents import Agreeing
from engine.plugins.step_info import TriggerTypeInfo
from engine.plugins.trigger import Start
from engine.triggering.forms import FormStatus
from engine.triggering.hooks import HookStatus
from engine.triggering.polling.status import DeadItem, PollResult, TriggerPreview, TriggerStatus

router = APIRouter(
    prefix="/api/triggers", tags=["Triggers"], route_class=SignedInRoute, default_response_class=RewordedResponse
)


class TriggerTypeRows(BaseModel):
    """The trigger types."""

    trigger_types: list[TriggerTypeInfo]


class DeadItems(BaseModel):
    """Items that could not become a run, or whose run failed."""

    dead: list[DeadItem]


class PollResults(BaseModel):
    """The results of a poll."""

    results: list[PollResult]


class Retried(BaseModel):
    """The run of an item that was tried again."""

    run_id: str


class Beginning(Agreeing):
    """From where on items count as new: the newest `last`, those `since` a time, or only those from `now` on.

    Without any of them, an active trigger continues where it is.
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
        """The beginning, in the engine's form."""
        if self.last is None and self.since is None:
            return Start() if self.now else None
        since = self.since
        return Start(self.last, since.replace(tzinfo=UTC) if since and since.tzinfo is None else since)


class ItemName(Agreeing):
    """The id of an item, as in the list of dead items."""

    model_config = ConfigDict(extra="forbid")

    item: str


Begin = Annotated[Beginning | None, Body()]


def _start(given: Beginning | None) -> Start | None:
    return None if given is None else given.start


@router.get("/types", summary="List trigger types", response_model=TriggerTypeRows)
def list_trigger_types(orchestra: Door, principal: Acting) -> dict[str, Any]:
    """List all trigger types with their fields and the form of their items."""
    return {"trigger_types": orchestra.trigger_types(principal)}


@router.get("/dead", summary="List dead items", response_model=DeadItems)
def list_dead(orchestra: Door, principal: Acting, workflow: str | None = None) -> dict[str, Any]:
    """List items that could not become a run, or whose run failed, newest first."""
    return {"dead": orchestra.triggers.dead(principal, workflow)}


@router.post(
    "/{workflow}/{trigger}/rotate",
    summary="Change the address of a form or webhook",
    response_model=model_for(FormStatus) | model_for(HookStatus),
)
def rotate(workflow: str, trigger: str, orchestra: Door, principal: Acting) -> Any:
    """Give the form or webhook of a trigger another address; the old one stops working at once."""
    hooks = {one.trigger for one in orchestra.hooks.list(principal, workflow)}
    return (orchestra.hooks if trigger in hooks else orchestra.forms).rotate(principal, workflow, trigger)


@router.post("/{workflow}/{trigger}/preview", summary="Preview a trigger", response_model=TriggerPreview)
def preview(workflow: str, trigger: str, orchestra: Door, principal: Acting, begin: Begin = None) -> Any:
    """Ask the service what is new, and change nothing; with a starting point, show what turning it on would do."""
    return orchestra.triggers.preview(principal, workflow, trigger, _start(begin))


@router.post("/{workflow}/{trigger}/on", summary="Turn a trigger on", response_model=model_for(TriggerStatus))
def turn_on(workflow: str, trigger: str, orchestra: Door, principal: Acting, begin: Begin = None) -> Any:
    """Turn a trigger on; the first time, send where to start, and in `confirmed` what its runs may touch."""
    agreeing = principal.agreeing(begin.confirmed if begin else False)
    return orchestra.triggers.turn_on(agreeing, workflow, trigger, _start(begin))


@router.post("/{workflow}/{trigger}/off", summary="Turn a trigger off", response_model=model_for(TriggerStatus))
def turn_off(workflow: str, trigger: str, orchestra: Door, principal: Acting) -> Any:
    """Turn a trigger off; it remembers its position."""
    return orchestra.triggers.turn_off(principal, workflow, trigger)


@router.post("/{workflow}/{trigger}/poll", summary="Poll a trigger now", response_model=PollResults)
def poll(workflow: str, trigger: str, orchestra: Door, principal: Acting) -> dict[str, Any]:
    """Poll now, before the next poll is due."""
    return {"results": orchestra.triggers.poll(principal, workflow, trigger)}


@router.post("/{workflow}/{trigger}/retry", summary="Retry a dead item", response_model=Retried)
def retry(workflow: str, trigger: str, item: ItemName, orchestra: Door, principal: Acting) -> dict[str, str]:
    """Start a run of the item with the current workflow, or resume its failed run."""
    agreeing = principal.agreeing(item.confirmed)
    return {"run_id": orchestra.triggers.retry(agreeing, workflow, trigger, item.item)}


@router.post("/{workflow}/{trigger}/dismiss", summary="Dismiss a dead item", status_code=204)
def dismiss(workflow: str, trigger: str, item: ItemName, orchestra: Door, principal: Acting) -> None:
    """Remove the item from the list."""
    orchestra.triggers.dismiss(principal, workflow, trigger, item.item)
