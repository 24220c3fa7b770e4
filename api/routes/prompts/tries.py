"""`/api/prompts/{name}/try`: ask a model with a prompt, a version or a text that is not saved."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

from anyio import to_thread
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from api.base.awaiting import LONGEST_WAIT_SECONDS, answered_or_accepted
from api.base.documents import Refusal, RequestBody
from api.base.routing import Acting, Door, SignedInRoute
from api.routes.run_documents import Agreeing, RunId, StepPath
from engine.base.errors import InvalidInput
from engine.prompts.prompt import DEFAULT_LABEL
from engine.runs.prompt_tries.columns import TriedColumn
from engine.runs.prompt_tries.recorded import RecordedCall
from engine.runs.prompt_tries.try_requests import TryRequest

router = APIRouter(prefix="/api/prompts", tags=["Prompts"], route_class=SignedInRoute)


class TextChoice(RequestBody):
    """Which text to ask with, and which model."""

    model_config = ConfigDict(protected_namespaces=())

    version: str | None = Field(
        default=None, max_length=64, examples=["staging", "7"], description="A label or number; default: production."
    )
    draft: bool = Field(default=False, description="Try the draft.")
    text: str | None = Field(default=None, description="The text of the prompt to try, as in its file.")
    connection: str = Field(default="", max_length=64, description="Default: the step's, or the only one.")
    model: str = Field(default="", max_length=200, description="Default: as a step would.")

    def column(self) -> TriedColumn:
        """Return the text and the model. Raises InvalidInput if several texts are given."""
        if sum((self.version is not None, self.draft, self.text is not None)) > 1:
            raise InvalidInput(
                "Only one text can be tried at a time.", remedy="Give one of `version`, `draft` and `text`."
            )
        version = self.version or DEFAULT_LABEL
        return TriedColumn(version, self.text, is_draft=self.draft, connection=self.connection, model=self.model)


class GivenValues(BaseModel):
    """The values of the variables."""

    variables: dict[str, JsonValue] = Field(
        default_factory=dict, description="These take precedence over the values of a sample or step."
    )
    sample: str = Field(default="", max_length=1_000, description="Use the values of this sample of the prompt.")
    run_id: RunId = Field(default="", description="With step: use the values of a step of this run.")
    step: StepPath | Literal[""] = ""

    def requested(self) -> TryRequest:
        """Return the values as a request without a text."""
        return TryRequest(variables=self.variables, sample=self.sample, run_id=self.run_id, step=self.step)


class TryBody(GivenValues, Agreeing, TextChoice):
    """What to try: a version, the draft or a text that is not saved, and with which values."""

    wait_seconds: float = Field(default=60, ge=0, le=LONGEST_WAIT_SECONDS)


class TryState(BaseModel):
    """A try that waits for its answer."""

    model_config = ConfigDict(extra="allow")

    id: str
    status: str


class TryRows(BaseModel):
    """The last 20 tries of a prompt, newest first."""

    tries: list[TryState]


class CallRows(BaseModel):
    """The last 25 steps of runs that asked a model with the prompt."""

    calls: list[RecordedCall]


@router.post(
    "/{name}/try",
    summary="Try a prompt",
    response_model=None,
    responses={
        200: {"description": "The try, with the answer or why there is none", "model": TryState},
        202: {"description": "The try still waits for its answer", "model": TryState},
        409: {"model": Refusal, "description": "Nobody has agreed to the real account (`needs_confirmation`)"},
    },
)
async def try_prompt(name: str, sent: TryBody, request: Request, orchestra: Door, principal: Acting) -> JSONResponse:
    """Ask a model; budgets apply, nothing is written outside. 200 once it has answered, 202 after `wait_seconds`."""
    wanted = sent.requested().asked_in(sent.column())
    found = await to_thread.run_sync(orchestra.tries.start, principal.agreeing(sent.confirmed), name, wanted)
    wait = partial(orchestra.tries.wait, principal, name, found["id"])
    place = f"/api/prompts/{name}/tries/{found['id']}"
    return await answered_or_accepted(request, wait, found, sent.wait_seconds, place)


@router.get("/{name}/tries", summary="List the tries of a prompt", response_model=TryRows)
def list_tries(name: str, orchestra: Door, principal: Acting) -> dict[str, Any]:
    """List the last 20 tries of a prompt, newest first."""
    orchestra.prompts.get(principal, name)
    return {"tries": orchestra.tries.list(principal, name)}


@router.get("/{name}/tries/{try_id}", summary="Get a try", response_model=TryState)
def get_try(name: str, try_id: str, orchestra: Door, principal: Acting) -> Any:
    """Return a try: the messages, the answer and what it cost."""
    return orchestra.tries.get(principal, name, try_id)


@router.post("/{name}/tries/{try_id}/cancel", summary="Stop waiting for an answer", response_model=TryState)
def cancel_try(name: str, try_id: str, orchestra: Door, principal: Acting) -> Any:
    """Stop waiting for an answer; the model may still charge for it."""
    return orchestra.tries.cancel(principal, name, try_id)


@router.get("/{name}/calls", summary="List the model steps that used a prompt", response_model=CallRows)
def list_calls(name: str, orchestra: Door, principal: Acting) -> dict[str, Any]:
    """List the last 25 steps of runs that asked a model with the prompt, to try their values."""
    return {"calls": orchestra.tries.calls(principal, name)}
