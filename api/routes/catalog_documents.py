"""The JSON of workflows, prompts and step types."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from api.base.documents import Sent

StepId = Annotated[str, Field(min_length=1, max_length=64, examples=["classify"])]


class WorkflowText(Sent):
    """The text of a workflow file, to be checked without saving."""

    text: str


class StepRenaming(Sent):
    """A new id for a step of a workflow."""

    old: StepId
    new: StepId
    etag: str | None = Field(
        default=None, max_length=100, description="The etag of the text to use; default: the newest."
    )


class ProblemView(BaseModel):
    """A problem in a file, and where it is."""

    severity: str
    file: str
    line: int
    column: int
    step: str | None
    field: str | None
    code: str
    message: str
    remedy: str


class Verdict(BaseModel):
    """Whether a file can be used, and all of its problems."""

    valid: bool
    problems: list[ProblemView]


class WorkflowRow(BaseModel):
    """A workflow in the list."""

    name: str
    title: str
    description: str
    problems: int
    warnings: int = Field(description="Warnings, which do not stop it from running.")
    steps: int
    services: list[str]
    changed_at: datetime


class WorkflowRows(BaseModel):
    """All workflows."""

    workflows: list[WorkflowRow]


class WorkflowView(BaseModel):
    """A workflow file: its text, its content if it can be read, and all of its problems."""

    name: str
    etag: str
    text: str
    document: dict[str, Any] | None
    problems: list[ProblemView]


class PromptRow(BaseModel):
    """A prompt in the list."""

    name: str
    title: str
    description: str
    problems: int
    versions: list[int]
    labels: dict[str, int]


class PromptRows(BaseModel):
    """All prompts."""

    prompts: list[PromptRow]


class PromptView(BaseModel):
    """A prompt file, with its saved versions and the version that each label points at."""

    name: str
    etag: str
    text: str
    document: dict[str, Any] | None
    problems: list[ProblemView]
    versions: list[int]
    labels: dict[str, int]


class StepTypeRow(BaseModel):
    """A step type: its name, its effect on the outside world, its fields and its output."""

    name: str
    title: str
    description: str
    service: str | None
    effect: str
    repeat: str | None
    fields_schema: dict[str, Any]
    output_schema: dict[str, Any]


class StepTypeRows(BaseModel):
    """All step types."""

    step_types: list[StepTypeRow]
