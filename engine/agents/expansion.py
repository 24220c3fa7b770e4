"""An agent as a workflow: each turn is a group of steps, the model's question and one step for each tool.

So everything that holds for steps holds for what an agent does: the record, the budgets, the approvals, the rules about
text from outside, and that each write is made once. The identity of a write is its path: `turn_3.use_reply_3`.
"""

from __future__ import annotations

from typing import Any

from engine.agents.agent_file import AgentModel, ToolModel
from engine.agents.tool_check import arguments_schema
from engine.base.json_text import JsonObject
from engine.plugins.registry import step_type
from engine.plugins.step import Effect

_LIMITS = ("turns", "tokens", "seconds")


def workflow_of(name: str, agent: AgentModel) -> JsonObject:
    """Return the workflow that an agent is; its tools must be without faults."""
    turns = range(1, agent.most_turns + 1)
    result: dict[str, Any] = {
        "id": "result",
        "uses": "agent.result",
        "with": {"turns": [_earlier(number) for number in turns], "on_limit": agent.on_limit},
    }
    document: dict[str, Any] = {
        "schema_version": 1,
        "title": agent.title or name,
        "description": agent.description,
        "inputs": _inputs(agent),
        "steps": [*(_turn(agent, number) for number in turns), result],
        "outputs": {one: f"{{{{ steps.result.output.{one} }}}}" for one in ("output", "turns", "stopped_by")},
    }
    if agent.limits.dollars is not None:
        document["budget"] = {"run": {"usd": agent.limits.dollars}}
    return document


def _inputs(agent: AgentModel) -> JsonObject:
    variables = {"type": "object", "properties": agent.variables, "required": [*agent.variables]}
    properties = {"task": {"type": "string", "title": "Task", "minLength": 1}, "variables": variables}
    return {"type": "object", "properties": properties, "required": ["task", "variables"]}


def _earlier(number: int) -> str:
    path = f"steps.turn_{number}.output"  # the first turn always runs, each later one may be skipped
    return f"{{{{ {path} }}}}" if number == 1 else f"{{{{ default({path}, null) }}}}"


def _turn(agent: AgentModel, number: int) -> JsonObject:
    said, asked = f"steps.model_{number}.output", f"steps.ask_{number}.output"
    steps = [_model(agent, number), *(_use(one, number) for one in agent.tools)]
    results = {one.name: f"{{{{ default(steps.use_{one.name}_{number}.output, null) }}}}" for one in agent.tools}
    output: dict[str, Any] = {"turn": f"{{{{ {said} }}}}", "results": results, "goes_on": f"{{{{ {said}.goes_on }}}}"}
    if agent.on_limit == "ask" and number < agent.most_turns:
        steps.append(_ask(agent, number))
        output |= {
            "asked": _answer(agent, asked),
            "goes_on": f"{{{{ {said}.goes_on || default({asked}.approved, false) }}}}",
        }
    group: dict[str, Any] = {"id": f"turn_{number}", "title": f"Turn {number}", "steps": steps, "output": output}
    if number > 1:
        group["if"] = f"{{{{ default(steps.turn_{number - 1}.output.goes_on, false) }}}}"
    return group


def _answer(agent: AgentModel, asked: str) -> JsonObject:
    """Return what the next turn learns about an answer.

    The time is left out, unless a limit needs it: a replay, in which a person answers at another time, asks no model.
    """
    empty = {"approved": "false", "comment": "''", "given": "null"}
    if agent.limits.seconds is not None:
        empty["at"] = "''"
    return {name: f"{{{{ default({asked}.{name}, {value}) }}}}" for name, value in empty.items()}


def _ask(agent: AgentModel, number: int) -> JsonObject:
    said, limits = f"steps.model_{number}.output", agent.limits.model_dump(include=set(_LIMITS), exclude_none=True)
    given: dict[str, Any] = {
        "why": f"{{{{ {said}.stopped_by == '' ? 'ask' : {said}.stopped_by }}}}",
        "question": f"{{{{ {said}.question }}}}",
        "earlier": [_earlier(one) for one in range(1, number)],
        "left": agent.most_turns - number,
        "limits": limits,
    }
    return {
        "id": f"ask_{number}",
        "title": "Ask a person",
        "uses": "agent.ask",
        "if": f"{{{{ {said}.asks }}}}",
        "with": given,
    }


def _model(agent: AgentModel, number: int) -> JsonObject:
    given: dict[str, Any] = {
        "instructions": agent.instructions,
        "task": "{{ inputs.task }}",
        "variables": "{{ inputs.variables }}",
        "tools": [
            {
                "name": one.name,
                "description": described(one),
                "arguments": arguments_schema(one),
                "volatile": sorted(step_type(one.uses).volatile),
                **({"plain_text": one.plain_text} if one.plain_text else {}),
            }
            for one in agent.tools
        ],
        "earlier": [_earlier(one) for one in range(1, number)],
        "is_last": number == agent.most_turns,
    }
    own = {
        "model": agent.model,
        "temperature": agent.temperature,
        "answer_schema": agent.output,
        "tokens": agent.limits.tokens,
        "seconds": agent.limits.seconds,
    }
    if agent.on_limit == "ask":
        own |= {"turns": agent.limits.turns, "may_ask": True}
    given.update({name: value for name, value in own.items() if value not in (None, "")})
    step: dict[str, Any] = {"id": f"model_{number}", "title": "Ask the model", "uses": "agent.turn", "with": given}
    return step if agent.connection is None else {**step, "connection": agent.connection}


def described(tool: ToolModel) -> str:
    """Return what a tool does, for the model."""
    return tool.description or step_type(tool.uses).title


def _use(tool: ToolModel, number: int) -> JsonObject:
    said = f"steps.model_{number}.output"
    called = f"{said}.arguments.{tool.name}"
    step: dict[str, Any] = {
        "id": f"use_{tool.name}_{number}",
        "title": tool.description or tool.name,
        "uses": tool.uses,
        "if": f"{{{{ {said}.tool == '{tool.name}' && has({called}) }}}}",
        "with": {**tool.with_, **{name: f"{{{{ {called}.{name} }}}}" for name in tool.give}},
    }
    if tool.connection is not None:
        step["connection"] = tool.connection
    if tool.approve:
        step["approve"] = {"when": "always"}
    if step_type(tool.uses).effect_of(tool.with_)[0] is Effect.READS:
        told = {"id": f"told_{tool.name}_{number}", "uses": "flow.set"}
        step["on_error"] = {"steps": [{**told, "with": {"values": {"error": "{{ error.message }}"}}}]}
    return step
