"""The messages of a talk with a model, as workflows write them and as the API takes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from clients.errors import InvalidRequest
from engine.step import Fields, Output, content, instruction, option, outside


class Instruction(Fields):
    """What the model is told to do."""

    role: Literal["system", "developer"]
    content: str = instruction("Instructions", widget="text")


class ToolCall(Output):
    """A tool that the model asks for; nothing runs it here."""

    id: str
    name: str
    arguments: dict[str, Any] = outside("Arguments")


class Talk(Fields):
    """What a person, the model or a tool said."""

    role: Literal["user", "assistant", "tool"]
    tool_calls: list[ToolCall] = content("Tools that the model asked for", [])
    tool_call_id: str = option("Call that this answers", "")
    content: str = content("Text", widget="text")  # the last one: its name hides the function


Message = Annotated[Instruction | Talk, Field(discriminator="role")]


def wire(message: Instruction | Talk) -> dict[str, Any]:
    """Give a message as the API takes it: a tool's arguments are JSON text there."""
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
    """Give a tool as the API takes it, of that form or of the short one: {name, description, parameters}."""
    if "function" in tool:
        return dict(tool)
    if not tool.get("name"):
        raise InvalidRequest("A tool has no name: it is {name, description, parameters}.", service="openai")
    return {"type": "function", "function": dict(tool)}
