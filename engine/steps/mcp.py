"""Steps that call tools of MCP servers which a person has accepted."""

from __future__ import annotations

from typing import Any, ClassVar

from clients.mcp.service import MCP
from engine.plugins.step import (
    Call,
    Effect,
    Fields,
    JsonValue,
    Output,
    Receipt,
    Repeat,
    StepType,
    content,
    destination,
    outside,
)


class ToolFields(Fields):
    """The tool and its arguments. Text from outside may only be in `content`, and there only in arguments for which a
    person has allowed it.
    """

    tool: str = destination("Tool", min_length=1, max_length=128)
    arguments: dict[str, JsonValue] = destination("Arguments", {})
    content: dict[str, JsonValue] = content("Arguments that may hold text from outside", {})


class ToolOutput(Output):
    """What the tool returned: its text, and its structured content, if it has any."""

    text: str = outside("Text")
    data: Any = outside("Structured content", None)


class CallTool(StepType):
    """Call a tool of an MCP server, which may change something.

    Only a tool that a person has accepted is called, and only as it was then (`orchestra connections tools`). Whether
    a call has arrived cannot be asked: after a crash, a person decides.
    """

    name = "mcp.call"
    title = "Call a tool"
    service = MCP.name
    is_tool: ClassVar[bool] = True
    effect = Effect.WRITES
    repeat = Repeat.UNFINDABLE
    approval = "always"
    done = "called"
    lasts = "Only the server knows how to undo what its tool did."
    fields = ToolFields
    output = ToolOutput

    def call(self, call: Call) -> JsonValue:
        """Return {text, data}."""
        it: ToolFields = call.fields
        return call.client.call(it.tool, it.arguments, it.content, reads=False)

    def target(self, fields: ToolFields) -> str:
        """Return the tool."""
        return fields.tool

    def receipt(self, output: JsonValue) -> Receipt:
        """Return none: tools have no ids that all understand."""
        return Receipt(id="")


class ReadByTool(StepType):
    """Call a tool of an MCP server of which a person has said that it only reads.

    Only a tool that a person has accepted is called, and only as it was then (`orchestra connections tools`).
    """

    name = "mcp.read"
    title = "Read by a tool"
    service = MCP.name
    is_tool: ClassVar[bool] = True
    effect = Effect.READS
    fields = ToolFields
    output = ToolOutput

    def call(self, call: Call) -> JsonValue:
        """Return {text, data}."""
        it: ToolFields = call.fields
        return call.client.call(it.tool, it.arguments, it.content, reads=True)
