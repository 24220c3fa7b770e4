"""What the model may use in a turn, and what becomes of a call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from msgspec import Struct

from engine.base.json_text import JsonObject
from engine.copilot.talking.answer_form import AnswerForm
from engine.copilot.talking.cleaning import cleaned
from engine.copilot.talking.records import AnswerPart, TurnTokens, UsedTool

TEXT = {"type": "string"}
ASK = "ask"
_MOST_CHOICES = 6
_LONGEST_CHOICE = 200


class ToolOutcome(Struct):
    """What became of a call."""

    call: UsedTool
    answer: Any
    """What the model gets, as JSON."""
    part: AnswerPart | None = None
    ends: bool = False
    """Whether the turn ends with it: a person is asked."""
    is_repair: bool = False
    """Whether a proposal has to be mended."""
    unfinished: str = ""
    """The id of a proposal that cannot be accepted."""
    complaint: str = ""
    """What was wrong, to be compared with the next time."""


class TurnSpending(Struct, frozen=True):
    """What a turn has used so far, and the time that it has left."""

    usage: TurnTokens
    seconds_left: float


class TurnTools(Protocol):
    """The tools of one turn, and what the model has learned from them."""

    form: AnswerForm
    from_outside: bool
    """Whether text from outside is in the conversation."""
    values_sent: list[str]
    """The steps or cases whose values have been sent to the model."""
    repairs: int

    def placed(self, part: AnswerPart) -> AnswerPart:
        """Return a part of the answer with the place where it belongs, if it has one."""
        ...

    def use(self, name: str, given: JsonObject, spent: TurnSpending) -> ToolOutcome:
        """Use a tool. What is wrong with the call is the answer; raises only what stops the whole turn."""
        ...


def tool(name: str, description: str, /, **properties: Any) -> dict[str, Any]:
    """Return a tool as the model gets it; all properties are required."""
    schema = {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": schema}}


ASK_TOOL = tool(ASK, "Ask the person; `choices` may be empty.", question=TEXT, choices={"type": "array", "items": TEXT})


def names_of(tools: Sequence[JsonObject]) -> tuple[str, ...]:
    """Return the names of tools."""
    return tuple(one["function"]["name"] for one in tools)


def unknown(name: str, tools: Sequence[JsonObject]) -> ToolOutcome:
    """Return what becomes of a call of a tool that does not exist."""
    said = f"There is no tool {name!r}. The tools are: {', '.join(names_of(tools))}."
    return ToolOutcome(UsedTool(name[:100], said, ok=False), {"error": said}, is_repair=True, complaint=said)


def asked(given: JsonObject) -> ToolOutcome:
    """Return a question to the person, which ends the turn."""
    question = cleaned(str(given.get("question") or "")).strip() or "What exactly do you want?"
    choices = [cleaned(one)[:_LONGEST_CHOICE] for one in texts(given.get("choices"))[:_MOST_CHOICES]]
    part = AnswerPart("question", text=question, choices=choices)
    return ToolOutcome(UsedTool(ASK, "Asked you.", ok=True), {}, part, ends=True)


def texts(value: Any) -> list[str]:
    """Return what a model has given as a list of texts."""
    return [str(one) for one in value] if isinstance(value, Sequence) and not isinstance(value, str) else []
