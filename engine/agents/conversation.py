"""The conversation of an agent: what its run recorded, turn by turn."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from engine.base.clock import moment_of
from engine.base.json_text import JsonObject
from engine.base.statuses import StepStatus
from engine.base.step_tree import AGENT_PREFIX, agent_reference
from engine.record.states.people_waits import step_people_wait
from engine.record.types.run import Run
from engine.record.types.step import StepRecord

_TURN = re.compile(r"turn_(\d+)")
_RESULT = "result"
ASK = "agent.ask"
"""The step that asks a person."""


class AgentTurn(Struct, frozen=True):
    """One question to the model, and the calls that it asked for."""

    number: int
    model: StepRecord
    calls: Sequence[StepRecord]
    """The steps that the model called in this turn, usually one; none while it is being asked, and in the last turn."""

    @property
    def answer(self) -> JsonObject:
        """What the model answered, as `agent.turn` returns it; empty before it has."""
        output = self.model["output"]
        return output if isinstance(output, Mapping) and "tool" in output else {}

    @property
    def arguments(self) -> JsonObject:
        """The fields that the model has filled for the tool it called."""
        found = self.answer.get("arguments", {}).get(self.answer.get("tool"))
        return found if isinstance(found, Mapping) else {}

    def sent(self, step: StepRecord) -> JsonObject:
        """Return the fields with which a call was made if a person edited it before, else an empty object.

        They are the fields that the model has filled, and the ones that the person changed beside them.
        """
        approved, after = step.get("approved"), step["arguments"]
        before = None if approved is None else approved.get("before")
        if before is None or not isinstance(after, Mapping):
            return {}
        return {name: value for name, value in after.items() if name in self.arguments or before.get(name) != value}

    @property
    def asks(self) -> bool:
        """Whether a person is asked: by the model, or because a limit is reached."""
        return bool(self.answer.get("asks"))

    @property
    def tokens(self) -> int:
        """The tokens of the question and the answer."""
        return int(self.answer.get("tokens") or 0)


class AgentLimits(Struct, frozen=True):
    """Where the agent stops, with what people have given beyond its file; None for a limit that it does not have."""

    turns: float
    tokens: float | None
    dollars: float | None
    seconds: float | None


class AgentConversation(Struct, frozen=True):
    """What an agent was asked, what it did, and how it ended."""

    task: str
    variables: JsonObject
    turns: Sequence[AgentTurn]
    limits: AgentLimits
    tools: Mapping[str, str]
    """What each tool does, by name."""
    stopped_by: str
    """How it ended, as `agent.run` returns it; "" while it works, and if it failed."""
    output: Any

    @property
    def asked(self) -> int:
        """How often the model was asked."""
        return sum(turn.tokens > 0 for turn in self.turns)

    @property
    def tokens(self) -> int:
        """The tokens of all turns."""
        return sum(turn.tokens for turn in self.turns)

    def seconds(self, now: datetime) -> float:
        """Return the seconds from the beginning of the first turn to the end of the last one, or now.

        The time in which the agent waited for a person does not count.
        """
        if not self.turns or not self.turns[0].model["started_at"]:
            return 0.0
        last = self.turns[-1]
        ends = [one["ended_at"] for one in (last.model, *last.calls)]
        until = max(map(moment_of, filter(None, ends))) if all(ends) else now
        waited = sum((step_people_wait(one, now) for turn in self.turns for one in turn.calls), timedelta())
        return max(0.0, (until - moment_of(self.turns[0].model["started_at"]) - waited).total_seconds())


def is_agent(run: Run) -> bool:
    """Return whether a run is an agent's own; the run of a workflow that calls an agent is not."""
    return run["workflow"].startswith(AGENT_PREFIX)


def agent_of(run: Run) -> str:
    """Return the name of the agent whose run it is, "" for a run of a workflow."""
    return agent_reference(run["workflow"]).partition("@")[0] if is_agent(run) else ""


def called_agents(run: Run) -> list[StepRecord]:
    """Return the steps of a run that have let an agent work, in their order."""
    return [step for step in run["steps"] if step.get("child_run_id") and _calls_agent(step)]


def _calls_agent(step: StepRecord) -> bool:
    arguments = step["arguments"]
    return isinstance(arguments, Mapping) and str(arguments.get("workflow")).startswith(AGENT_PREFIX)


def conversation_of(run: Run) -> AgentConversation:
    """Return the conversation in the run of an agent."""
    document, inputs = run["definition"]["workflow"], run["inputs"]
    turns = list(_turns(run["steps"]))
    ended = next((one["output"] for one in run["steps"] if one["path"] == _RESULT), None)
    ended = ended if isinstance(ended, Mapping) else {}
    asked = _first_question(document)
    return AgentConversation(
        task=str(inputs.get("task") or ""),
        variables=_mapping(inputs.get("variables")),
        turns=turns,
        limits=_limits(document, asked, _given(turns)),
        tools={str(one["name"]): str(one.get("description") or "") for one in asked.get("tools", ())},
        stopped_by=str(ended.get("stopped_by") or ""),
        output=ended.get("output"),
    )


def _turns(steps: Sequence[StepRecord]) -> Iterable[AgentTurn]:
    inside: dict[int, list[StepRecord]] = {}
    for step in steps:
        group, dot, rest = step["path"].partition(".")
        found = _TURN.fullmatch(group)
        if found and dot and "." not in rest and step["uses"] and step["status"] != StepStatus.SKIPPED:
            inside.setdefault(int(found[1]), []).append(step)
    for number, of_turn in sorted(inside.items()):
        model = next((one for one in of_turn if one["id"] == f"model_{number}"), None)
        if model is not None:
            yield AgentTurn(number, model, [one for one in of_turn if one is not model])


def _first_question(document: JsonObject) -> JsonObject:
    """Return the fields of the first question to the model, which all turns share."""
    groups = [one for one in document.get("steps", ()) if _TURN.fullmatch(str(one.get("id")))]
    return _mapping(groups[0]["steps"][0].get("with")) if groups else {}


def _given(turns: Iterable[AgentTurn]) -> Counter[str]:
    """Return what people have given beyond the limits, by name."""
    found: Counter[str] = Counter()
    for step in (one for turn in turns for one in turn.calls if one["uses"] == ASK):
        found.update(_mapping(_mapping(step["output"]).get("given")))
    return found


def _limits(document: JsonObject, asked: JsonObject, given: Mapping[str, float]) -> AgentLimits:
    turns = asked.get("turns") or sum(_TURN.fullmatch(str(one.get("id"))) is not None for one in document["steps"])
    dollars = _mapping(_mapping(document.get("budget")).get("run")).get("usd")
    tokens, seconds = (
        None if asked.get(name) is None else asked[name] + given.get(name, 0) for name in ("tokens", "seconds")
    )
    return AgentLimits(turns + given.get("turns", 0), tokens, dollars, seconds)


def _mapping(value: Any) -> JsonObject:
    return value if isinstance(value, Mapping) else {}
