"""The step type of a tool of an MCP server: `mcp.SERVER.TOOL`, as a person has accepted it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from clients.errors import BadAnswer, InvalidRequest, OutcomeUnknown
from clients.in_workspace.levels import LEVELS_MOST, is_deep
from clients.mcp.service import MCP
from engine.base.definitions import McpToolDefinition
from engine.documents.schema_check import misfits
from engine.expressions.json_values import compact_json
from engine.plugins.step import Call, Effect, JsonValue, Output, Prompts, Receipt, Repeat, Role, StepType
from engine.prompts.model_answers import from_outside
from engine.tools.foreign_schema import open_schema, plain_schema
from engine.tools.schema_fields import fields_of


class McpStep(StepType):
    """Base of the step types of tools of MCP servers."""

    service = MCP.name
    is_tool: ClassVar[bool] = True
    makes = ("a file of this machine",)
    done = "called"
    lasts = "Only the server knows how to undo what its tool did."
    output: ClassVar[type[Output] | None] = None
    definition: ClassVar[McpToolDefinition]

    def call(self, call: Call) -> JsonValue:
        """Return {text, data, left_out}. Raises InvalidRequest, OutcomeUnknown, BadAnswer."""
        it, given = self.definition, call.fields.given()
        name = str(it["tool"]["name"])
        for misfit in misfits(given, it["tool"]["inputSchema"]):
            raise InvalidRequest(f"The arguments of {name!r} do not fit its schema: {misfit}", service=MCP.name)
        answer = call.client.call(name, it["hash"], given, reads=self.effect is Effect.READS)
        if wrong := self._misfit(answer.data):
            kind = BadAnswer if self.effect is Effect.READS else OutcomeUnknown
            raise kind(f"The answer of {name!r} {wrong}", service=MCP.name)
        if answer.left_out:
            call.notes.append(f"Left out, as it is not text: {' '.join(answer.left_out)}")
        text = answer.text
        if not text and answer.data is not None:
            text = compact_json(answer.data)
        if not text and not answer.left_out:
            call.notes.append("The answer is empty.")
        return {"text": text, "data": answer.data, "left_out": list(answer.left_out)}

    def _misfit(self, data: JsonValue) -> str:
        if is_deep(data):
            return f"is nested deeper than {LEVELS_MOST} levels."
        schema = self.definition["tool"].get("outputSchema")
        found = next(misfits(data, schema), "") if schema else ""
        return f"does not fit its schema: {found}" if found else ""

    def target(self, fields: Any) -> str:
        """Return the tool."""
        return str(self.definition["tool"]["name"])

    def receipt(self, output: JsonValue) -> Receipt:
        """Return an empty receipt: tools have no ids that all understand."""
        return Receipt(id="")

    def output_schema(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> dict[str, JsonValue]:
        """Return the schema of {text, data, left_out}: whatever the server says, all of it is text from outside."""
        told = self.definition["tool"].get("outputSchema")
        data = {**from_outside(open_schema(told)), "outside": True} if told else {"outside": True}
        text = {"type": "string", "outside": True}
        left_out = {"type": "array", "title": "What is not text", "items": text, "outside": True}
        properties = {"text": {**text, "title": "Text"}, "data": data, "left_out": left_out}
        return {"type": "object", "properties": properties, "required": [*properties], "outside": True}


def mcp_type(tool: McpToolDefinition) -> StepType:
    """Return the step type of a tool."""
    writes, told = tool["effect"] != "reads", tool["tool"]
    members = {
        "__doc__": str(told.get("description") or "") or f"A tool of the MCP server {tool['connection']}.",
        "name": f"mcp.{tool['connection']}.{tool['name']}",
        "title": str(told.get("title") or told["name"]),
        "of_connection": tool["connection"],
        "effect": Effect.WRITES if writes else Effect.READS,
        "repeat": Repeat.UNFINDABLE if writes else None,
        "approval": "always" if writes else "never",
        "fields": fields_of(plain_schema(told["inputSchema"]), tool["roles"], Role.DESTINATION),
        "definition": tool,
    }
    kind: type[McpStep] = type("ToolOfServer", (McpStep,), members)
    return kind()
