"""A conversation about a workflow: turns, each with what was asked, what the model used, and its answer in parts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from engine.base.json_text import JsonObject, JsonSchema
from engine.copilot.keeping.lists import RecordFormat
from engine.copilot.without_model.diagrams import Diagram, diagram_of
from engine.copilot.without_model.doc_sections import DocSection

PartKind = Literal["text", "code", "question", "proposal", "buttons", "passages", "note", "diagram"]
TurnStatus = Literal["working", "done", "stopped", "limited", "failed"]
TurnSource = Literal["model", "rules"]


@dataclass(frozen=True)
class Button:
    """Something that a person can do next with one click."""

    label: str
    kind: Literal["ops", "link", "ask"]
    ops: list[Any] = field(default_factory=list)
    """Operations for the draft; a click makes a proposal of them."""
    href: str = ""
    """An address of the dashboard: `/…` or `?…`."""
    text: str = ""
    """What is asked next."""


@dataclass(frozen=True)
class AnswerPart:
    """A piece of an answer. `text` may be the words of a model: text from outside."""

    kind: PartKind
    text: str = ""
    language: str = ""
    """The programming language, if it is code."""
    choices: list[str] = field(default_factory=list)
    """The answers that a question offers."""
    proposal_id: str = ""
    buttons: list[Button] = field(default_factory=list)
    passages: list[DocSection] = field(default_factory=list)
    diagram: Diagram | None = None
    """Its `text` is the diagram in one line."""
    quotes_run: bool = False
    """Whether it has words of a run. No model is sent them: a person may only tick the values of steps."""
    step: str = ""
    """The step that code is for, if any."""
    field: str = ""
    """The field of that step that code can replace."""


@dataclass(frozen=True)
class UsedTool:
    """A tool that the model has used."""

    tool: str
    words: str
    """What it did, in a sentence."""
    ok: bool


@dataclass(frozen=True)
class TurnTokens:
    """The tokens of a turn."""

    input_tokens: int = 0
    cached_tokens: int = 0
    """Input tokens that the server had read before; 0 if it does not say."""
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    """None if a price is not known."""

    @property
    def tokens(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True)
class TurnDestination:
    """Where a turn went, and what of runs went along."""

    host: str = ""
    model: str = ""
    steps_with_values: list[str] = field(default_factory=list)
    """The paths of the steps whose values were sent."""
    from_outside: bool = False
    """Whether text from outside was in the conversation by then."""


@dataclass(frozen=True)
class About:
    """What a turn is about beside the workflow."""

    selection: list[str] = field(default_factory=list)
    """Ids of steps."""
    run_id: str = ""
    values: list[str] = field(default_factory=list)
    """Paths of steps of that run whose values may be sent."""


@dataclass(frozen=True)
class Turn:
    """One question, and its answer."""

    id: str
    at: str
    asked: str
    status: TurnStatus
    source: TurnSource
    about: About = About()
    parts: list[AnswerPart] = field(default_factory=list)
    calls: list[UsedTool] = field(default_factory=list)
    problem: str = ""
    """Why it has no whole answer, with the remedy."""
    usage: TurnTokens = TurnTokens()
    repairs: int = 0
    """How often a proposal was sent back because it did not compile."""
    seconds: float = 0.0
    sent: TurnDestination = TurnDestination()
    most_seconds: float = 60.0
    """When it ends at the latest."""

    @property
    def words(self) -> str:
        """The texts of the answer, as a model may be sent them."""
        told = [one for one in self.parts if one.kind in ("text", "code", "question") and not one.quotes_run]
        return "\n\n".join(one.text for one in told)


@dataclass(frozen=True)
class Conversation:
    """The turns of a person about a workflow, oldest first."""

    workflow: str
    turns: list[Turn]
    from_outside: bool
    """Whether text from outside is in it: every later proposal then needs more ticks."""


@dataclass(frozen=True)
class TurnLimits:
    """Where a turn ends."""

    calls: int = 8
    """Requests to the model."""
    tokens: int = 40_000
    """Tokens of all requests and answers, without input that the server had cached."""
    seconds: float = 60.0
    repairs: int = 3
    silent_seconds: float | None = None
    """Seconds without a new word; None: only the whole time counts."""


@dataclass(frozen=True)
class TurnPrice:
    """Prices in US dollars for a million tokens."""

    input_per_million: float
    output_per_million: float


@dataclass(frozen=True)
class ModelSetup:
    """Which model would be asked, and whether it may be."""

    is_on: bool
    """Whether the workspace allows it (`copilot.is_on` in config.yaml)."""
    is_available: bool
    """Whether there is a model."""
    is_agreed: bool
    """Whether this person has agreed to what goes to this host and model."""
    why_not: str
    """Why no model is asked, with the remedy; empty if one is."""
    connection: str = ""
    service: str = ""
    host: str = ""
    model: str = ""
    limits: TurnLimits = TurnLimits()
    sends: list[str] = field(default_factory=list)
    """What goes there, in sentences."""
    price: TurnPrice | None = None
    is_demo: bool = False
    """Whether the demo's model answers its ten questions (`DEMO_QUESTIONS`), as there is no other one."""

    @property
    def asks_a_model(self) -> bool:
        """Whether the next turn goes to a model."""
        return self.is_on and self.is_available and self.is_agreed


@dataclass(frozen=True)
class ModelMessage:
    """A message as it is sent to the model."""

    role: str
    text: str


@dataclass(frozen=True)
class TurnPreview:
    """Exactly what a turn would send first."""

    host: str
    model: str
    messages: list[ModelMessage]
    tools: list[str]
    answer_schema: JsonSchema | None
    """The JSON Schema that the answer must have, in place of tools, if the model is small."""
    input_tokens: int
    """About; a token is counted as four bytes."""
    most_cost_usd: float | None
    """If the turn reaches its limits at the dearest price of a token; its last request may go over them.

    None if the price is not known.
    """


def turn_of(kept: JsonObject) -> Turn:
    """Return a stored turn."""
    return Turn(
        **{
            **kept,
            "about": About(**kept["about"]),
            "parts": [_part_of(one) for one in kept["parts"]],
            "calls": [UsedTool(**one) for one in kept["calls"]],
            "usage": TurnTokens(**kept["usage"]),
            "sent": TurnDestination(**kept["sent"]),
        }
    )


def _part_of(kept: JsonObject) -> AnswerPart:
    buttons = [Button(**one) for one in kept["buttons"]]
    drawn = kept.get("diagram")
    kept = {name: one for name, one in kept.items() if name != "workflows"}  # which parts had before 0.1.0
    kept["diagram"] = diagram_of(drawn) if drawn else None
    return AnswerPart(**{**kept, "buttons": buttons, "passages": [DocSection(**one) for one in kept["passages"]]})


TURNS = RecordFormat("copilot_turns.", "turn", turn_of, most=40, most_characters=1_000_000)
