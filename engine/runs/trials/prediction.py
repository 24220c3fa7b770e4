"""A prediction: the type of the output of each step, and the values that its expressions would have."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from engine.base.lazy_values import MARKS, Deferred, Unknown
from engine.record.file_values import FileValue

_LONGEST = 400


class Will(StrEnum):
    """What a step would do."""

    RUN = "run"
    SKIP = "skip"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class FieldValue:
    """The value of an expression."""

    name: str
    """The field: `if`, `foreach`, `title`."""
    value: str | None
    """As JSON, shortened, with the expression of an unknown part in `⟪ ⟫`; None without a value."""
    was: str | None = None
    """What the step was given in the run, if that was something else."""
    why: str = ""
    """Why there is no value."""


@dataclass
class RepeatedStep:
    """One repetition of a step."""

    path: str
    """Its path in the run: `each_mail[3].task`."""
    key: str
    """The key of its item; empty outside of loops."""
    will: Will = Will.RUN
    why: str = ""
    """Why it would fail, or why that or its output is unknown."""
    fields: list[FieldValue] = field(default_factory=list)
    output: str | None = None
    """What the run has recorded as its output, as JSON, shortened; None if that is unknown."""


@dataclass(frozen=True)
class StepPrediction:
    """A step of the draft, over all its repetitions."""

    path: str
    type: str
    """Of its output: `object`, `list of string`, `any`."""
    may_be_missing: bool
    """Whether it may end without an output."""
    counts: Mapping[Will, int] = field(default_factory=dict)
    """How many repetitions would do what; empty if none would be reached."""
    cases: Sequence[RepeatedStep] = ()
    """The first repetitions."""


@dataclass(frozen=True)
class Prediction:
    """The outputs of the steps of a draft: their types and, with a run, the values of their expressions."""

    rev: str
    """The etag of the text."""
    run_id: str | None
    """The run whose outputs were used; None if there are types only."""
    steps: Sequence[StepPrediction]
    why: str
    """Why there are no values; empty if there are some, or if no run was named."""


def text_of(value: Any) -> str:
    """Return a value as JSON, with the sizes of large parts, and the expressions of unknown ones in marks."""
    return json.dumps(_readable(value), ensure_ascii=False)


def shortened(text: str) -> str:
    """Return a text of at most 400 characters."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _readable(value: Any) -> Any:
    if isinstance(value, Unknown):
        return value.text
    if isinstance(value, FileValue):
        return f"({value.size_bytes:,} bytes)"
    if isinstance(value, Deferred):
        return "(large)"
    if isinstance(value, dict):
        return {name: _readable(inner) for name, inner in value.items()}
    return [_readable(inner) for inner in value] if isinstance(value, list) else value


def plain_name(text: str) -> str:
    """Return the name of an unknown value without the marks around it."""
    for mark in MARKS:
        text = text.replace(mark, "")
    return text
