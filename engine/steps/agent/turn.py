"""Ask the model of an agent for its next call."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from clients.errors import BadAnswer
from engine.base.clock import timestamp
from engine.documents.meant_value import as_meant
from engine.plugins.step import Call, JsonValue, Prompts, Usage, content, instruction, option
from engine.prompts.model_answers import as_spelled, faults, from_outside, read_json
from engine.prompts.talk import ModelTalk, early_end
from engine.steps.agent.conversation import ASK, FINISH, messages
from engine.steps.agent.edits import with_edits
from engine.steps.agent.limits import Earlier, reached
from engine.steps.agent.plain_call import read_call
from engine.steps.llm.extract import ModelFields, ModelStep


class ToolField(BaseModel):
    """A tool as the model sees it: its name, what it does, and the schema of the fields that the model fills."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    name: str = instruction("Name")
    description: str = instruction("What it does", "")
    arguments: dict[str, JsonValue] = instruction("JSON Schema of its arguments")
    volatile: list[str] = option("Fields of its result that differ in each call, such as headers", [])
    plain_text: str = option("The argument that is written below the call, as it is", "")


class TurnFields(ModelFields):
    """The fields of `agent.turn`."""

    instructions: str = instruction("Instructions", widget="text")
    task: str = content("Task", widget="text")
    variables: dict[str, JsonValue] = content("Variables", {})
    tools: list[ToolField] = instruction("Tools", [])
    answer_schema: dict[str, JsonValue] | None = instruction("JSON Schema of the agent's output", None)
    earlier: list[JsonValue] = content("Earlier turns, each {turn, results, asked}", [])
    edited: dict[str, JsonValue] = content("Calls that a person has edited, by path; the engine fills it in", {})
    turns: int | None = option("Maximum turns; a person can allow more", None, ge=1)
    tokens: int | None = option("Maximum tokens in all turns", None, ge=1)
    seconds: float | None = option("Maximum seconds since the first turn began", None, gt=0)
    may_ask: bool = option("Whether a person can be asked", default=False)
    is_last: bool = option("Whether no turn follows", default=False)


class TakeTurn(ModelStep):
    """Ask a model which tool to call next and with which arguments. The call itself is a separate step.

    If an answer is invalid, the model learns why in the next turn. Over a limit, or after three identical calls with
    identical results, no model is asked.
    """

    name = "agent.turn"
    title = "Ask an agent's model for its next call"
    fields = TurnFields
    sees_edits = True

    def call(self, call: Call) -> JsonValue:
        """Return {tool, arguments, error, output, stopped_by, goes_on, asks, question, tokens, started_at, at, …}.

        `asks`: a person is to be asked, about the limit in `stopped_by` or the `question` of the model.
        Raises BadAnswer if the model finishes with an output that does not fit for the second time.
        """
        it, earlier = call.fields, with_edits(call.fields.earlier, call.fields.edited)
        found = _nothing(call, earlier)
        limits = it.model_dump(include={"turns", "tokens", "seconds"})
        volatile = {one.name: one.volatile for one in it.tools}
        stopped = reached(limits, earlier, found["started_at"], _now(call), volatile, call.approval_wait)
        may_ask = it.may_ask and not it.is_last
        if stopped:
            return {**found, "stopped_by": stopped, "asks": may_ask}
        schemas = _schemas(it, may_ask=may_ask)
        described = {one.name: one.description for one in it.tools}
        below = {one.name: one.plain_text for one in it.tools if one.plain_text}
        asked = messages(it.instructions, it.task, it.variables, described, schemas, below, earlier)
        if it.is_last:
            asked.append({"role": "user", "content": "This is the last turn: call finish now."})
        talk = ModelTalk(call, asked, it.model, it.parameters())
        answer = talk.answer() if below else talk.json(_answer_schema(schemas))
        early = early_end(answer)
        if early is not None:
            raise early
        found |= {"tokens": _tokens(call.usage, asked, answer["text"]), "said": answer["text"], "goes_on": True}
        tool, arguments, wrong = _read(answer["text"], schemas, below)
        if wrong:
            _require_first(tool, wrong, earlier)
            return {**found, "wanted": tool, "error": "; ".join(wrong)}
        if tool == FINISH:
            ended = {"output": arguments["output"], "stopped_by": "finished", "goes_on": False}
            return {**found, "said": "", **ended}
        if tool == ASK:
            return {**found, "wanted": tool, "question": arguments["question"], "asks": True, "goes_on": False}
        return {**found, "wanted": tool, "tool": tool, "arguments": {tool: arguments}}

    def output_schema(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> dict[str, JsonValue]:
        """Return the schema: free texts of the model are text from outside, choices among fixed values are not."""
        given = arguments.get("tools")
        tools = [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []
        called: dict[str, JsonValue] = {str(one.get("name")): from_outside(one.get("arguments")) for one in tools}
        text: JsonValue = {"type": "string", "outside": True}
        properties: dict[str, JsonValue] = {
            "tool": {"type": "string", "enum": [*called, ""]},
            "arguments": {"type": "object", "properties": called},
            "wanted": text,
            "said": text,
            "error": text,
            "output": from_outside(arguments.get("answer_schema") or {"type": "string"}),
            "stopped_by": {"type": "string", "enum": ["", "finished", "turns", "tokens", "seconds", "stuck"]},
            "goes_on": {"type": "boolean"},
            "asks": {"type": "boolean"},
            "question": text,
            "tokens": {"type": "integer"},
            "started_at": {"type": "string"},
            "at": {"type": "string"},
        }
        properties["output"] = {"anyOf": [properties["output"], {"type": "null"}]}
        return {"type": "object", "properties": properties, "required": list(properties)}


def _tokens(usage: Usage, asked: JsonValue, said: str) -> int:
    """Return the tokens of a turn; a count that the server does not give is one for each byte, as in budgets."""
    sent = usage.input_tokens or len(json.dumps(asked, ensure_ascii=False).encode(errors="replace"))
    return sent + (usage.output_tokens or len(said.encode(errors="replace")))


def _now(call: Call) -> datetime:
    assert call.started_at is not None
    return call.started_at


def _nothing(call: Call, earlier: Earlier) -> dict[str, Any]:
    """Return the output of a turn in which nothing happens."""
    at = timestamp(_now(call))
    empty: dict[str, Any] = {"tool": "", "arguments": {}, "wanted": "", "said": "", "error": "", "output": None}
    empty |= {"stopped_by": "", "goes_on": False, "asks": False, "question": "", "tokens": 0, "at": at}
    return {**empty, "started_at": earlier[0]["turn"]["started_at"] if earlier else at}


def _schemas(it: TurnFields, *, may_ask: bool) -> dict[str, Any]:
    """Return the schema of the arguments of each tool, `finish` last."""
    built_in = {FINISH: ("output", it.answer_schema or {"type": "string"})}
    if may_ask:
        built_in = {ASK: ("question", {"type": "string", "minLength": 1}), **built_in}
    own = {
        tool: {"type": "object", "properties": {name: schema}, "required": [name], "additionalProperties": False}
        for tool, (name, schema) in built_in.items()
    }
    return {**{one.name: one.arguments for one in it.tools}, **own}


def _answer_schema(schemas: Mapping[str, Any]) -> dict[str, Any]:
    properties = {"tool": {"type": "string", "enum": [*schemas]}, "arguments": {"anyOf": [*schemas.values()]}}
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


def _read(text: str, schemas: Mapping[str, Any], below: Mapping[str, str]) -> tuple[str, dict[str, Any], list[str]]:
    """Return (tool, its arguments, what is wrong with them)."""
    try:
        answer = read_call(text, below) if below else read_json(text)
    except ValueError as error:
        return "", {}, [str(error)]
    tool = str(answer.get("tool")) if isinstance(answer, dict) else ""
    if not isinstance(answer, dict) or tool not in schemas:
        return "", {}, [f"There is no tool {tool!r}. The tools are: {', '.join(schemas)}."]
    arguments = as_meant(as_spelled(answer.get("arguments"), schemas[tool]), schemas[tool])
    wrong = faults(arguments, schemas[tool])
    return tool, arguments if isinstance(arguments, dict) else {}, wrong


def _require_first(tool: str, wrong: list[str], earlier: Earlier) -> None:
    if tool == FINISH and any(one["turn"]["wanted"] == FINISH for one in earlier):
        error = BadAnswer(
            f"The agent's output does not fit its schema, after one repair too: {'; '.join(wrong)}",
            remedy="Make the instructions or the schema of the output clearer, or use another model.",
            outcome="not_done",
        )
        error.retryable = False
        raise error
