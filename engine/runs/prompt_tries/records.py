"""A try: one question to a model with a prompt, and its answer."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

from msgspec import Struct

from engine.base.json_text import JsonObject, JsonSchema
from engine.base.statuses import RunStatus
from engine.prompts.prompt import MarkedMessage
from engine.record.types.step import Failure, UsageRecord


class RealModel(Struct, frozen=True):
    """A real account of a model that nobody has agreed to ask with a prompt."""

    name: str
    """What is agreed to."""
    host: str
    model: str
    """The connection's own model."""


class TryAnswer(TypedDict):
    """What the model answered."""

    text: str
    value: Any
    """The JSON in the text, if the prompt wants JSON and the text has some; else None."""
    finish_reason: str
    """`stop`, or why it ended early."""
    problems: list[str]
    """Such as: it does not fit the schema, or is cut off."""
    unsure: NotRequired[str]
    """What the model was not sure of, in a sentence: `value` says `unsure` there. Absent if it was sure."""


class TrySource(TypedDict, total=False):
    """Where the variables came from; empty if they were typed."""

    sample: str
    """The sample of the prompt."""
    run_id: str
    step: str
    """The path of a step of that run."""


class TryColumn(TypedDict):
    """Which column of a comparison a try is."""

    comparison: str
    """Its id; sorts by time."""
    number: int
    """From 1."""
    count: int
    """How many columns the comparison has."""
    title: str


class Try(TypedDict):
    """One question to a model with a prompt, and its answer."""

    id: str
    """Sorts by time."""
    prompt: str
    version: int | None
    """None for a text that is not saved as a version."""
    status: RunStatus
    """`running`, `succeeded`, `failed`, `cancelled` or, if the program ended first, `interrupted`."""
    started_by: str
    started_at: str
    ended_at: str | None
    seconds: float | None
    connection: str
    account: str
    """Its name for people; empty if not known."""
    demo: bool
    """Whether the demo's stand-in answers."""
    model: str
    """The model that was asked; once there is an answer, the one that gave it."""
    parameters: JsonObject
    variables: JsonObject
    source: TrySource
    messages: list[MarkedMessage]
    tokens: int
    """Of the messages together, estimated."""
    output_schema: JsonSchema | None
    """What the answer is checked against."""
    answer: TryAnswer | None
    error: Failure | None
    usage: UsageRecord
    notes: list[str]
    """Such as: a budget is used up, and only warns."""
    owner: str
    """The process that asks."""
    column: TryColumn | None
    """None for a try alone."""
