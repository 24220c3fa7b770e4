"""A proposal: operations for a person's draft, and everything that was computed about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from engine.base.json_text import JsonObject
from engine.base.problem import Problem
from engine.copilot.keeping.lists import RecordFormat

Source = Literal["model", "rules"]
ChangeKind = Literal["added", "changed", "removed", "moved", "workflow"]
TickKind = Literal["destination", "trigger", "connection", "write", "instruction", "guard", "writes_again"]
MOST = 20
"""Proposals that are kept of each person for each workflow or prompt."""
MOST_CHARACTERS = 2_000_000
"""How long these may be together, as JSON."""
LONGEST_TRY_SECONDS = 120.0
"""How long both runs of a proposal in the demo may take."""
Status = Literal["open", "accepted", "partly_accepted", "rejected", "stale"]


@dataclass(frozen=True)
class StepChange:
    """What a proposal changes in one step, or in the workflow itself."""

    step: str
    """Its id in the proposed text, or before if it is removed; "" for the workflow."""
    kind: ChangeKind
    title: str
    sentences: list[str]
    ops: list[int]
    """The indexes of the operations that it needs; one of several steps is listed with each of them."""


@dataclass(frozen=True)
class News:
    """What a workflow would do outside that it does not do now, in words."""

    writes: list[str] = field(default_factory=list)
    destinations: list[str] = field(default_factory=list)
    triggers: list[str] = field(default_factory=list)
    connections: list[str] = field(default_factory=list)
    instructions: list[str] = field(default_factory=list)
    guards: list[str] = field(default_factory=list)
    """What protects against mistakes and would be weaker: approvals, conditions, limits."""


@dataclass(frozen=True)
class Tick:
    """What a person must agree to by itself before it is accepted."""

    id: str
    """Changes with the fact: an agreement to something else does not count."""
    kind: TickKind
    words: str


@dataclass(frozen=True)
class WriteAgain:
    """A step whose earlier writes no longer count."""

    step: str
    words: str


@dataclass(frozen=True)
class Untouched:
    """The steps that no operation is about."""

    steps: int
    are_byte_equal: bool
    """Whether each has the same characters in both texts."""


@dataclass(frozen=True)
class SecondRun:
    """What the second run of the same text did."""

    status: str
    writes: int


@dataclass(frozen=True)
class DemoRun:
    """What the proposed text did on the stand-ins."""

    run_id: str
    status: str
    writes: dict[str, int]
    """How many writes it made, by step type."""
    destinations: list[str]
    """Where they went, in words."""
    second_run: SecondRun | None
    """None if the first one did not succeed."""
    problems: list[str]
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    """The cost of the first run; None if a price is not known."""
    asks: dict[str, int] = field(default_factory=dict)
    """How many questions to a person the first run ended at, by step type; nobody answers them in a try."""


@dataclass(frozen=True)
class ModelUse:
    """What a model used to make a proposal."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None
    """None if the price is not known."""


@dataclass(frozen=True)
class Proposal:
    """Operations for a draft. `why` may be the words of a model: text from outside."""

    id: str
    workflow: str
    at: str
    base_rev: str
    """The etag of the text that it was made for."""
    ops: list[Any]
    why: str
    source: Source
    text_rev: str
    """The etag of the text after all operations."""
    problems: list[Problem]
    is_acceptable: bool
    """Whether the text compiles."""
    sentences: list[str]
    diff: str
    """Unified, of the text."""
    changes: list[StepChange]
    news: News
    writes_again: list[WriteAgain]
    untouched: Untouched
    ticks: list[Tick]
    from_outside: bool
    """Whether text from outside was in the conversation."""
    demo: DemoRun | None = None
    repairs: int = 0
    usage: ModelUse | None = None
    status: Status = "open"
    accepted: list[str] = field(default_factory=list)
    """The steps whose changes have been accepted; "" for the workflow."""


def proposal_of(kept: JsonObject) -> Proposal:
    """Return a stored proposal."""
    return Proposal(
        **{
            **kept,
            "problems": [Problem(**one) for one in kept["problems"]],
            "changes": [StepChange(**one) for one in kept["changes"]],
            "news": News(**kept["news"]),
            "writes_again": [WriteAgain(**one) for one in kept["writes_again"]],
            "untouched": Untouched(**kept["untouched"]),
            "ticks": [Tick(**one) for one in kept["ticks"]],
            "demo": _demo_of(kept["demo"]),
            "usage": ModelUse(**kept["usage"]) if kept["usage"] is not None else None,
        }
    )


def _demo_of(kept: JsonObject | None) -> DemoRun | None:
    if kept is None:
        return None
    second = kept["second_run"]
    return DemoRun(**{**kept, "second_run": SecondRun(**second) if second is not None else None})


FOR_WORKFLOWS = RecordFormat("copilot_proposals.", "proposal", proposal_of, MOST, MOST_CHARACTERS, member="workflow")


@dataclass(frozen=True)
class Before:
    """The text of a draft before a proposal was accepted."""

    id: str
    """The id of the proposal."""
    at: str
    text: str
    renames: tuple[tuple[str, str], ...]
    """The steps that had another id than in the file then, (old, new)."""


def _before_of(kept: JsonObject) -> Before:
    return Before(**{**kept, "renames": tuple((old, new) for old, new in kept["renames"])})


BEFORE = RecordFormat("copilot_before.", "text from before a proposal", _before_of, MOST, 2 * MOST_CHARACTERS)
