"""`/api/copilot/prompts`: what the caller and the co-pilot say about a prompt, and the texts proposed for it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from api.base.awaiting import LONGEST_WAIT_SECONDS
from api.base.documents import Refusal, RequestBody
from api.base.routing import Acting, Door, SignedInRoute
from api.base.turns import CHECKED, TOO_MANY
from api.routes.copilot.streaming import BUSY, STREAM, streamed
from api.routes.run_documents import Agreeing
from engine.base.statuses import ACTIVE_RUNS
from engine.copilot.prompting.records import PromptAbout, PromptProposal, Testing
from engine.copilot.talking.records import Conversation, Turn, TurnPreview
from engine.copilot.talking.turns import LONGEST_ASKED
from engine.runs.prompt_tries.tuned import TuneCost, TuneReport, TuneRequest

_CLASH: dict[int | str, dict[str, Any]] = {
    409: {
        "model": Refusal,
        "description": "The prompt has changed, is being tested, or nobody has agreed to an account",
    }
}
_Model = Annotated[str, Query(max_length=200)]
_Connection = Annotated[str, Query(max_length=64)]
router = APIRouter(prefix="/api/copilot/prompts", tags=["Co-pilot"], route_class=SignedInRoute)


class Tested(Agreeing, RequestBody):
    """With which model the cases are asked."""

    connection: str = Field(
        default="",
        max_length=64,
        description="Default: for a question, the connection of the co-pilot's model, else the only model connection.",
    )


class AskedOfPrompt(Tested):
    """What the caller asks, and what may be sent of the cases."""

    text: str = Field(min_length=1, max_length=LONGEST_ASKED)
    cases: list[str] = Field(
        default=[], max_length=50, description="Cases whose values and expectations may be sent to the model."
    )
    test: bool = Field(default=True, description="Ask the cases with each proposed text.")

    def about(self) -> PromptAbout:
        """Return what is asked about, as the engine takes it."""
        return PromptAbout(self.cases, Testing(self.connection, is_wanted=self.test))


class Tuned(Agreeing, RequestBody):
    """The model that a prompt is tuned for."""

    model_config = ConfigDict(protected_namespaces=())

    model: str = Field(default="", max_length=200, description="Default: the prompt's, else the connection's.")
    connection: str = Field(default="", max_length=64, description="Default: the only one of a model.")
    wait_seconds: float = Field(default=60, ge=0, le=LONGEST_WAIT_SECONDS)


class Ticked(RequestBody):
    """What the caller agrees to."""

    ticks: list[str] = Field(
        default=[], max_length=100, description="The ids of the points that the caller has ticked, one by one."
    )


class PromptProposalList(BaseModel):
    """The caller's proposals for a prompt, oldest first."""

    proposals: list[PromptProposal]


@router.get("/{name}", summary="Get the conversation about a prompt", response_model=Conversation)
def get_prompt_conversation(name: str, orchestra: Door, principal: Acting) -> Any:
    """Return the caller's conversation about a prompt: the last 40 turns. `workflow` is the name of the prompt."""
    return orchestra.copilot.prompting.conversation(principal, name)


@router.delete("/{name}", summary="Delete the conversation about a prompt", status_code=204, responses=BUSY)
def forget_prompt_conversation(name: str, orchestra: Door, principal: Acting) -> Response:
    """Delete the caller's conversation about a prompt; proposals stay."""
    orchestra.copilot.prompting.forget(principal, name)
    return Response(status_code=204)


@router.post("/{name}/preview", summary="Show what would be sent of a prompt", response_model=TurnPreview)
def preview_prompt_turn(name: str, sent: AskedOfPrompt, orchestra: Door, principal: Acting) -> Any:
    """Return exactly what a turn with these words would send first; nothing is sent."""
    return orchestra.copilot.prompting.preview(principal, name, sent.text, sent.about())


@router.post(
    "/{name}/turns",
    summary="Ask the co-pilot about a prompt",
    response_class=StreamingResponse,
    responses=BUSY | STREAM,
)
async def ask_about_prompt(name: str, sent: AskedOfPrompt, orchestra: Door, principal: Acting) -> StreamingResponse:
    """Ask the model that the caller has agreed to, and stream the answer, as for a workflow.

    Each proposed text is tested with the cases of the prompt, if `confirmed` agrees to the account that answers them.
    """
    p = principal.agreeing(sent.confirmed)
    return await streamed(lambda: orchestra.copilot.prompting.start(p, name, sent.text, sent.about()))


@router.post("/{name}/turns/{turn_id}/stop", summary="Stop an answer about a prompt", response_model=Turn)
def stop_prompt_turn(name: str, turn_id: str, orchestra: Door, principal: Acting) -> Any:
    """Stop an answer that is being written; what has been written stays."""
    return orchestra.copilot.prompting.stop(principal, name, turn_id)


@router.get("/{name}/tuning", summary="Show what tuning a prompt may cost", response_model=TuneCost)
def get_tuning_cost(
    name: str, orchestra: Door, principal: Acting, model: _Model = "", connection: _Connection = ""
) -> Any:
    """Return how many questions a model is asked at most, and what that costs. Nothing is asked."""
    return orchestra.copilot.prompting.tuning.cost(principal, name, TuneRequest(model, connection))


@router.post(
    "/{name}/tuning",
    summary="Find a better text of a prompt for a model",
    response_model=None,
    responses={
        200: {"description": "The report", "model": TuneReport},
        202: {"description": "Time is up; the same request continues", "model": TuneReport},
        **_CLASH,
    },
    dependencies=[CHECKED],
)
def tune_prompt(name: str, sent: Tuned, orchestra: Door, principal: Acting) -> JSONResponse:
    """Test variants of the draft with its cases, in rounds, and propose the best: `proposal` has its id.

    202 if it takes longer than `wait_seconds`: the same request continues with the answers recorded so far.
    """
    wanted = TuneRequest(sent.model, sent.connection)
    tuning = orchestra.copilot.prompting.tuning
    found = tuning.tune(principal.agreeing(sent.confirmed), name, wanted, sent.wait_seconds)
    return JSONResponse(asdict(found), 202 if found.status in ACTIVE_RUNS else 200)


@router.get("/{name}/proposals", summary="List the texts proposed for a prompt", response_model=PromptProposalList)
def list_prompt_proposals(name: str, orchestra: Door, principal: Acting) -> dict[str, Any]:
    """List the caller's last 20 proposals for a prompt, oldest first."""
    return {"proposals": orchestra.copilot.prompting.proposals.list(principal, name)}


@router.post(
    "/{name}/proposals/{proposal_id}/test",
    summary="Test a proposed text",
    response_model=PromptProposal,
    responses=_CLASH | TOO_MANY,
    dependencies=[CHECKED],
)
def test_prompt_proposal(name: str, proposal_id: str, sent: Tested, orchestra: Door, principal: Acting) -> Any:
    """Ask the cases with the draft and with the proposed one, and wait; `report` has the results."""
    p = principal.agreeing(sent.confirmed)
    return orchestra.copilot.prompting.proposals.test(p, name, proposal_id, Testing(sent.connection))


@router.post(
    "/{name}/proposals/{proposal_id}/accept",
    summary="Accept a proposed text",
    response_model=PromptProposal,
    responses=_CLASH,
)
def accept_prompt_proposal(name: str, proposal_id: str, sent: Ticked, orchestra: Door, principal: Acting) -> Any:
    """Save the proposed text as the draft; the text from before is kept as a version first.

    No workflow uses it until a version is saved. 409 if the prompt has changed, 422 if a tick is missing.
    """
    return orchestra.copilot.prompting.proposals.accept(principal, name, proposal_id, sent.ticks)


@router.post("/{name}/proposals/{proposal_id}/reject", summary="Reject a proposed text", response_model=PromptProposal)
def reject_prompt_proposal(name: str, proposal_id: str, orchestra: Door, principal: Acting) -> Any:
    """Reject a proposed text; the prompt stays as it is."""
    return orchestra.copilot.prompting.proposals.reject(principal, name, proposal_id)
