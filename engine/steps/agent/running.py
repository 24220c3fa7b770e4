"""Run an agent, and say how it has ended."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from engine.base.errors import AssertionFailed
from engine.base.step_tree import AGENT, agent_workflow
from engine.plugins.step import (
    Call,
    CallWorkflow,
    Effect,
    Fields,
    JsonValue,
    Output,
    Result,
    StepType,
    content,
    option,
)

StoppedBy = Literal["finished", "turns", "tokens", "seconds", "stuck", "person"]


class RunFields(Fields):
    """The fields of `agent.run`."""

    agent: str = option("Agent", format="agent", min_length=1)
    task: str = content("Task", min_length=1, widget="text")
    variables: dict[str, JsonValue] = content("Variables of the agent", {})


class RunOutput(Output):
    """How an agent ended."""

    output: Any = Field(default=None, title="What the agent says", json_schema_extra={"outside": True})
    turns: int = Field(title="How often its model was asked")
    stopped_by: StoppedBy = Field(title="`finished`, the limit that was reached, or `person`: one ended it")


class RunAgent(StepType):
    """Let an agent work on a task: its model chooses among the tools of `agents/NAME.json`, turn by turn.

    It is a separate run, linked with this one, in which each turn and each call of a tool is a step. So it can be
    resumed, approved and undone like any other run, and each write is made once.
    """

    name = AGENT
    title = "Run an agent"
    is_tool = True
    effect = Effect.PURE
    fields = RunFields
    output = RunOutput

    def call(self, call: Call) -> Result:
        """Ask the engine to run it."""
        it = call.fields
        return CallWorkflow(agent_workflow(it.agent), {"task": it.task, "variables": it.variables})


class ResultFields(Fields):
    """The fields of `agent.result`."""

    turns: list[JsonValue] = content("The turns, each {turn, results, asked}; null for those that were not needed")
    on_limit: Literal["ask", "stop", "fail"] = option("At a limit", "stop")


class ResultOfTurns(StepType):
    """Report how an agent ended, from its turns."""

    name = "agent.result"
    title = "Report how an agent ended"
    effect = Effect.PURE
    fields = ResultFields
    output = RunOutput

    def call(self, call: Call) -> JsonValue:
        """Return {output, turns, stopped_by}. Raises AssertionFailed at a limit if `on_limit` is `fail`."""
        done: list[dict[str, Any]] = [one for one in call.fields.turns if isinstance(one, dict)]
        last, asked = (done or [{"turn": {}}])[-1], sum(one["turn"]["tokens"] > 0 for one in done)
        is_ended = bool(last["turn"].get("asks")) and not last["asked"]["approved"]
        stopped = "person" if is_ended else last["turn"].get("stopped_by") or "turns"
        if stopped != "finished" and call.fields.on_limit == "fail":
            raise AssertionFailed(
                f"The agent has not finished: it was stopped by its limit {stopped!r} after {asked} turns.",
                remedy="Raise the limit in its file, make the task smaller, or take 'on_limit' out.",
            )
        return {"output": last["turn"].get("output"), "turns": asked, "stopped_by": stopped}
