"""Ask a person: a question of the agent's model, or whether the agent may go on beyond a limit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field

from engine.plugins.step import AskPerson, Call, Effect, Fields, JsonValue, Output, Result, StepType, content, option
from engine.steps.agent.edits import with_edits
from engine.steps.agent.limits import Earlier, answer_in

_SHOWN = 200
_WHY = {
    "ask": "The agent asks you something. Write the answer as a comment, or reject to end the agent.",
    "turns": "The agent has used all its turns and is not done. Give it more, or reject to end it.",
    "tokens": "The agent has used all its tokens and is not done. Give it more, or reject to end it.",
    "seconds": "The agent has used all its time and is not done. Give it more, or reject to end it.",
    "stuck": "The agent has made the same call three times. Say in a comment what else to try, or reject to end it.",
}


class AskFields(Fields):
    """The fields of `agent.ask`."""

    why: Literal["ask", "turns", "tokens", "seconds", "stuck"] = option("Why a person is asked")
    question: str = content("What the model asks", "")
    earlier: list[JsonValue] = content("The turns so far, each {turn, results, asked}", [])
    edited: dict[str, JsonValue] = content("Calls that a person has edited, by path; the engine fills it in", {})
    left: int = option("Maximum number of further turns", ge=1)
    limits: dict[str, JsonValue] = option("The limits of the agent, by name", {})


class AskOutput(Output):
    """The person's answer."""

    approved: bool = Field(title="Whether the agent goes on")
    by: str = Field(title="Who")
    at: str = Field(title="When (UTC)")
    comment: str = Field(title="Their words")
    given: dict[str, float] = Field(default_factory=dict, title="What they gave beyond the limits, by name")


class Ask(StepType):
    """Ask a person what an agent needs to know, or whether it may continue; the run waits for the answer.

    A rejection ends the agent. The model's question counts as text from outside: it may come from a mail that the model
    has read.
    """

    name = "agent.ask"
    title = "Ask a person how the agent should continue"
    effect = Effect.PURE
    fields = AskFields
    sees_edits = True
    output = AskOutput

    def call(self, call: Call) -> Result:
        """Ask; the engine waits."""
        it = call.fields
        details: dict[str, JsonValue] = {"done so far": [*_told(with_edits(it.earlier, it.edited))]}
        if it.why == "ask":
            details = {"the agent's words, which may come from outside": it.question, **details}
        return AskPerson(_WHY[it.why], details, give=_proposed(it), may_refuse=True)


def _proposed(it: AskFields) -> dict[str, int | float]:
    """Return what the person is to give if they only approve: of what is used up as much again, of others nothing."""
    limits = {name: value for name, value in it.limits.items() if isinstance(value, int | float)}
    found: dict[str, int | float] = dict.fromkeys(limits, 0)
    if it.why in limits:
        found[it.why] = limits[it.why]
    if "turns" in found:
        found["turns"] = min(found["turns"], it.left)
    return found


def _told(earlier: Earlier) -> Iterator[JsonValue]:
    """Yield what each turn did, short."""
    for number, one in enumerate(earlier, 1):
        turn: Mapping[str, Any] = one["turn"]
        asked = answer_in(one)
        if asked is not None:
            yield {"turn": number, "asked": turn["stopped_by"] or turn["question"], "answer": _short(asked["comment"])}
        elif turn["error"]:
            yield {"turn": number, "called": turn["wanted"] or _short(turn["said"]), "wrong": _short(turn["error"])}
        else:
            tool = turn["tool"]
            given, came = (json.dumps(it.get(tool), ensure_ascii=False) for it in (turn["arguments"], one["results"]))
            called = {"turn": number, "called": tool, "with": _short(given)}
            if "edited" in one:
                called["edited by a person to"] = _short(json.dumps(one["edited"], ensure_ascii=False))
            yield {**called, "came": _short(came)}


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
