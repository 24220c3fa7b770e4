"""Routes for what the caller and the co-pilot say about a workflow, and for which model that goes to."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response, StreamingResponse
from pydantic import Field

from api.base.documents import RequestBody
from api.base.routing import Acting, Door, SignedInRoute
from api.base.turns import CHECKED, TOO_MANY
from api.routes.copilot.streaming import BUSY, STREAM, streamed
from engine.copilot.talking.records import About, Conversation, ModelSetup, Turn, TurnPreview
from engine.copilot.talking.turns import LONGEST_ASKED

router = APIRouter(prefix="/api/copilot", tags=["Co-pilot"], route_class=SignedInRoute)


class ModelAgreement(RequestBody):
    """The model to which the caller lets conversations go, as in the setup."""

    host: str = Field(max_length=500)
    model: str = Field(max_length=500)


class Asked(RequestBody):
    """What the caller asks, and what it is about."""

    text: str = Field(min_length=1, max_length=LONGEST_ASKED)
    selection: list[str] = Field(default=[], max_length=50, description="Ids of steps.")
    run_id: str = Field(default="", max_length=100, description="A run that the question is about.")
    values: list[str] = Field(
        default=[], max_length=50, description="Paths of steps of that run whose values may be sent to the model."
    )

    def about(self) -> About:
        """Return what the question is about."""
        return About(self.selection, self.run_id, self.values)


@router.get("/setup", summary="Get the co-pilot's model", response_model=ModelSetup)
def get_setup(orchestra: Door, principal: Acting) -> Any:
    """Return which model the co-pilot would ask, what goes there, and whether the caller has agreed to it."""
    return orchestra.copilot.talking.setup(principal)


@router.put("/agreement", summary="Agree to what goes to the model", response_model=ModelSetup)
def agree(sent: ModelAgreement, orchestra: Door, principal: Acting) -> Any:
    """Let the caller's conversations go to this host and model; 422 if the co-pilot would now ask another one."""
    return orchestra.copilot.talking.agree(principal, sent.host, sent.model)


@router.delete("/agreement", summary="Withdraw the agreement", response_model=ModelSetup)
def disagree(orchestra: Door, principal: Acting) -> Any:
    """Withdraw the caller's agreement: nothing more is sent to a model."""
    return orchestra.copilot.talking.disagree(principal)


@router.get("/conversations/{workflow}", summary="Get the conversation", response_model=Conversation)
def get_conversation(workflow: str, orchestra: Door, principal: Acting) -> Any:
    """Return the caller's conversation about a workflow: the last 40 turns."""
    return orchestra.copilot.talking.conversation(principal, workflow)


@router.delete("/conversations/{workflow}", summary="Delete the conversation", status_code=204, responses=BUSY)
def forget_conversation(workflow: str, orchestra: Door, principal: Acting) -> Response:
    """Delete the caller's conversation about a workflow; proposals stay."""
    orchestra.copilot.talking.forget(principal, workflow)
    return Response(status_code=204)


@router.post(
    "/conversations/{workflow}/preview",
    summary="Show what would be sent",
    response_model=TurnPreview,
    dependencies=[CHECKED],
    responses=TOO_MANY,
)
def preview_turn(workflow: str, sent: Asked, orchestra: Door, principal: Acting) -> Any:
    """Return exactly what a turn with these words would send first; nothing is sent."""
    return orchestra.copilot.talking.preview(principal, workflow, sent.text, sent.about())


@router.post(
    "/conversations/{workflow}/turns",
    summary="Ask the co-pilot",
    response_class=StreamingResponse,
    responses=BUSY | STREAM,
)
async def ask(workflow: str, sent: Asked, orchestra: Door, principal: Acting) -> StreamingResponse:
    """Ask, and stream the answer. Without a model that the caller has agreed to, only commands are understood.

    Events: `turn` {id, source}, `text` {text} (the next words), `part` (a part of the answer, whole), `call` (a tool
    that the model has used), `proposal` {id}, and finally `done` (the turn). The turn continues if the caller
    disconnects.
    """
    return await streamed(lambda: orchestra.copilot.talking.start(principal, workflow, sent.text, sent.about()))


@router.post("/conversations/{workflow}/turns/{turn_id}/stop", summary="Stop an answer", response_model=Turn)
def stop_turn(workflow: str, turn_id: str, orchestra: Door, principal: Acting) -> Any:
    """Stop an answer that is being written; what has been written stays."""
    return orchestra.copilot.talking.stop(principal, workflow, turn_id)
