"""`POST /api/copilot/answers`: commands, and words to look up, without a model."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import Field

from api.base.documents import RequestBody
from api.base.routing import Acting, Door, SignedInRoute
from api.base.turns import CHECKED, TOO_MANY
from engine.copilot.without_model.without_model import LONGEST_QUESTION, AnswerWithoutModel

router = APIRouter(prefix="/api/copilot", tags=["Co-pilot"], route_class=SignedInRoute, responses=TOO_MANY)


class QuestionBody(RequestBody):
    """A command, or words to look up."""

    text: str = Field(min_length=1, max_length=LONGEST_QUESTION)
    workflow: str = Field(default="", max_length=200, description="The workflow that the question is about, if any.")
    run_id: str = Field(
        default="", max_length=100, description="A run of the workflow that the question is about, if any."
    )
    selection: list[str] = Field(default=[], max_length=50, description="Ids of the steps that `explain` explains.")


@router.post("/answers", summary="Ask without a model", response_model=AnswerWithoutModel, dependencies=[CHECKED])
def answer_question(sent: QuestionBody, orchestra: Door, principal: Acting) -> Any:
    """Do one of the commands without a model: a proposal for a change, an explanation, or why a run has failed. Any
    other text is looked up in the documentation. Nothing is changed.
    """
    return orchestra.copilot.without_model.answer(principal, sent.text, sent.workflow, sent.run_id, sent.selection)
