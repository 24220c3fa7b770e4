"""The messages of a conversation with a model, in the form of workflows and as the API has them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, NotRequired, TypedDict

from pydantic import Field

from clients.errors import InvalidRequest
from engine.base.json_text import JsonObject
from engine.plugins.step import Fields, JsonValue, Output, content, instruction, option, outside


class Instruction(Fields):
    """An instruction to the model."""

    role: Literal["system", "developer"]
    content: str = instruction("Instructions", widget="text")


class ToolCall(Output):
    """A tool call requested by the model; the step does not run it."""

    id: str
    name: str = outside("Name")
    arguments: dict[str, JsonValue] = outside("Arguments")


class Talk(Fields):
    """A message from a person, the model or a tool."""

    role: Literal["user", "assistant", "tool"]
    tool_calls: list[ToolCall] = content("Tools that the model asked for", [])
    tool_call_id: str = option("Call that this answers", "")
    content: str = content("Text", widget="text")  # last, because its name hides the function


Message = Annotated[Instruction | Talk, Field(discriminator="role")]


class WireFunction(TypedDict):
    """A function that a model calls, with its arguments as JSON text."""

    name: str
    arguments: str


class WireCall(TypedDict):
    """A tool call in the form of the API."""

    id: str
    type: Literal["function"]
    function: WireFunction


class WirePart(TypedDict):
    """A text or a picture in a message."""

    type: Literal["text", "image_url"]
    text: NotRequired[str]
    image_url: NotRequired[Mapping[str, str]]


class WireMessage(TypedDict):
    """A message in the form of the API."""

    role: str
    content: str | Sequence[WirePart]
    tool_calls: NotRequired[list[WireCall]]
    tool_call_id: NotRequired[str]


class WireTool(TypedDict):
    """A tool in the form of the API: {name, description, parameters}, as its author wrote it."""

    type: Literal["function"]
    function: JsonObject


def wire(message: Instruction | Talk) -> WireMessage:
    """Return a message in the form of the API, in which a tool's arguments are JSON text."""
    sent: WireMessage = {"role": message.role, "content": message.content}
    if isinstance(message, Talk) and message.tool_calls:
        sent["tool_calls"] = [_wire_call(call) for call in message.tool_calls]
    if isinstance(message, Talk) and message.tool_call_id:
        sent["tool_call_id"] = message.tool_call_id
    return sent


def _wire_call(call: ToolCall) -> WireCall:
    function: WireFunction = {"name": call.name, "arguments": json.dumps(call.arguments, ensure_ascii=False)}
    return {"id": call.id, "type": "function", "function": function}


def wire_tool(tool: JsonObject) -> JsonObject:
    """Return a tool in the form of the API, given in that form or as {name, description, parameters}."""
    if "function" in tool:
        return tool
    if not tool.get("name"):
        raise InvalidRequest("A tool has no name: it is {name, description, parameters}.")
    made: WireTool = {"type": "function", "function": tool}
    return made
