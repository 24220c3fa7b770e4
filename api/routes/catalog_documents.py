"""The JSON of workflows, prompts and step types."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from api.base.documents import RequestBody
from api.base.errors import RewordedResponse
from engine.base.json_text import JsonSchema
from engine.base.problem import Problem
from engine.compiler.definition.step_model import step_schema
from engine.compiler.names import ScopeName
from engine.plugins.step_info import StepTypeInfo
from engine.prompts.prompt_files import PromptSummary
from engine.search.search import Hit
from engine.workflows.samples import Sample
from engine.workflows.workflow_files import WorkflowSummary

StepId = Annotated[str, Field(min_length=1, max_length=64, examples=["classify"])]


class WorkflowText(RequestBody):
    """The text of a workflow file, to be checked without saving."""

    text: str


class PlaceInWorkflow(WorkflowText):
    """A place in the text of a workflow file, such as the position of a cursor."""

    line: int = Field(ge=1, description="From 1.")
    column: int = Field(ge=1, description="From 1, in characters.")


class NamesInScope(BaseModel):
    """The names that expressions at a place may use."""

    names: list[ScopeName]


class StepRenaming(RequestBody):
    """A new id for a step of a workflow."""

    old: StepId
    new: StepId
    etag: str | None = Field(
        default=None, max_length=100, description="The etag of the text to use; default: the newest."
    )


class ValidationResult(BaseModel):
    """Whether a file can be used, and all of its problems."""

    valid: bool
    problems: list[Problem]


class WorkflowRows(BaseModel):
    """All workflows."""

    workflows: list[WorkflowSummary]


class PromptRows(BaseModel):
    """All prompts."""

    prompts: list[PromptSummary]


class SampleRows(BaseModel):
    """The workflows that come with AI-Orchestra."""

    workflows: list[Sample]


class StepTypeRows(BaseModel):
    """All step types, and the fields of every step."""

    step_types: list[StepTypeInfo]
    step_schema: JsonSchema = Field(
        description="The JSON Schema of a step. `section` says where forms show a field,"
        " `only_with` which other field it needs, and `takes_expressions` that it may be one."
    )


class StepTypeNames(BaseModel):
    """The names of step types, the best first."""

    names: list[str]


class WrittenStepTypes:
    """The answer with all step types: hundreds of kilobytes, which change only with the tools of the workspace."""

    def __init__(self) -> None:
        self._last: tuple[list[StepTypeInfo], bytes] = ([], b"")

    def of(self, rows: list[StepTypeInfo]) -> bytes:
        """Return the JSON of `StepTypeRows`; the same object as long as the rows are equal."""
        known, written = self._last
        if not written or known != rows:
            answer = StepTypeRows(step_types=rows, step_schema=step_schema())
            written = bytes(RewordedResponse(answer.model_dump(mode="json")).body)
            self._last = rows, written
        return written


class Hits(BaseModel):
    """What was found, the best first."""

    hits: list[Hit]
