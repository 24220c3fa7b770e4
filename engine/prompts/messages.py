"""The messages of a conversation with a model, in the form of workflows and in that of the API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from clients.errors import InvalidRequest
from engine.plugins.step import Fields, Output, content, instruction, option, outside


class Instruction(Fields):
    """An instruction to the model."""

    role: Literal["system", "developer"]
    content: str = instruction("Instructions", widget="text")


class ToolCall(Output):
    """A tool call requested by the model; the step does not run it."""

    id: str
    name: str
    arguments: dict[str, Any] = outside("Arguments")


class Talk(Fields):
    """A message from a person, the model or a tool."""

    role: Literal["user", "assistant", "tool"]
    tool_calls: list[ToolCall] = content("Tools that the model asked for", [])
    tool_call_id: str = option("Call that this answers", "")
    content: str = content("Text", widget="text")  # last, because its name hides the function


Message = Annotated[Instruction | Talk, Field(discriminator="role")]


def wire(message: Instruction | Talk) -> dict[str, Any]:
    """Return a message in the form of the API, in which a tool's arguments are JSON text."""
    sent: dict[str, Any] = {"role": message.role, "content": message.content}
    if isinstance(message, Talk) and message.tool_calls:
        sent["tool_calls"] = [_wire_call(call) for call in message.tool_calls]
    if isinstance(message, Talk) and message.tool_call_id:
        sent["tool_call_id"] = message.tool_call_id
    return sent


def _wire_call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": json.dumps(call.arguments, ensure_ascii=False)}
    return {"id": call.id, "type": "function", "function": function}


def wire_tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tool in the form of the API, given in that form or as {name, description, parameters}."""
    if "function" in tool:
        return dict(tool)
    if not tool.get("name"):
        raise InvalidRequest("A tool has no name: it is {name, description, parameters}.")
    return {"type": "function", "function": dict(tool)}
