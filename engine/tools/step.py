"""The step type of a tool: `tool.NAME`, with the fields and the output that its schemas describe."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, ConfigDict, Field, WithJsonSchema, create_model

from clients.code.client import CodeClient
from clients.code.service import CODE
from engine.base.definitions import ToolDefinition
from engine.base.json_text import JsonSchema
from engine.documents.schema_check import misfits
from engine.plugins.step import Call, Effect, Fields, JsonValue, Output, Prompts, Repeat, Role, StepType
from engine.prompts.model_answers import from_outside
from engine.sandbox.code.languages import program_of, remedy
from engine.sandbox.walls import lack
from engine.tools.packages import PackageFolders
from engine.tools.running import run_tool
from engine.tools.uv import missing_uv, uv_program


class ToolStep(StepType):
    """Base of the step types of tools."""

    service = CODE.name
    connection_optional = True
    is_tool: ClassVar[bool] = True
    done = "run"
    lasts = "Only the servers that it has called know how to undo what it did."
    timeout_seconds = 3720.0
    output: ClassVar[type[Output] | None] = None
    definition: ClassVar[ToolDefinition]

    def call(self, call: Call) -> JsonValue:
        """Return the tool's output. Raises CodeFailed, LimitExceeded, InvalidRequest, SandboxMissing."""
        given = call.fields.model_dump(include=self._given(call.fields))
        client: CodeClient = call.client
        folders = PackageFolders.of_state(client.state_folder, is_online=not client.is_demo)
        return run_tool(self.definition, given, client.settings, folders)

    def _given(self, fields: Fields) -> set[str]:
        """Return the fields that the step names, and those that have a value otherwise."""
        known = self.definition["input"].get("properties", {})
        return {name for name in known if name in fields.model_fields_set or "default" in known[name]}

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> list[tuple[str, str]]:
        """Require a sandbox."""
        missing = lack()
        first = next(iter(arguments), "")
        return [(first, f"The tool cannot be run on this machine: nothing shuts it off. {missing}")] if missing else []

    def unfit(self, arguments: Mapping[str, JsonValue], settings: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Require its language to be installed."""
        spoken, programs = self.definition["language"], settings["interpreters"]
        if program_of(spoken, programs):
            return [] if "lock" not in self.definition or uv_program() else [self._missing(arguments)]
        return [(next(iter(arguments), ""), f"Code in {spoken!r} cannot be run here. {remedy(spoken, programs)}")]

    @staticmethod
    def _missing(arguments: Mapping[str, JsonValue]) -> tuple[str, str]:
        missing = missing_uv()
        return next(iter(arguments), ""), f"{missing.message} {missing.remedy}"

    def hosts(self, arguments: Mapping[str, JsonValue]) -> Sequence[str]:
        """Return the hosts that the tool may reach."""
        return list(self.definition["network"])

    def is_derived(self, arguments: Mapping[str, JsonValue]) -> bool:
        """Return whether it has no network: then it says nothing that it was not given."""
        return not self.definition["network"]

    def output_schema(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> dict[str, JsonValue]:
        """Return the schema of its output; with network, all of it is text from outside."""
        schema: dict[str, JsonValue] = dict(self.definition["output"])
        return {**from_outside(schema), "outside": True} if self.definition["network"] else schema


def tool_type(definition: ToolDefinition) -> StepType:
    """Return the step type of a tool; the same for the same definition."""
    return _made(json.dumps(definition, sort_keys=True))


@lru_cache(maxsize=256)
def _made(definition: str) -> StepType:
    tool: ToolDefinition = json.loads(definition)
    writes = tool["effect"] == "writes"
    members = {
        "__doc__": tool["description"] or f"The tool {tool['name']} of this workspace.",
        "name": f"tool.{tool['name']}",
        "title": tool["name"].replace("-", " ").replace("_", " ").capitalize(),
        "effect": Effect.WRITES if writes else Effect.READS,
        "repeat": Repeat.UNFINDABLE if writes else None,
        "approval": "always" if writes else "never",
        "fields": _fields(tool),
        "definition": tool,
    }
    kind: type[ToolStep] = type("WorkspaceTool", (ToolStep,), members)
    return kind()


def _fields(tool: ToolDefinition) -> type[Fields]:
    schema = tool["input"]
    required = set(schema.get("required", []))
    named: dict[str, Any] = {
        name: (_annotated(name, one), Field(... if name in required else one.get("default")))
        for name, one in schema.get("properties", {}).items()
    }
    made: type[Fields] = create_model("ToolFields", __base__=_Base, **named)
    return made


class _Base(Fields):
    """What the tool takes."""

    model_config = ConfigDict(protected_namespaces=())


def _annotated(name: str, schema: JsonSchema) -> Any:
    shown = {"title": name.replace("_", " ").capitalize(), **schema, "role": str(Role.CONTENT)}
    return Annotated[Any, AfterValidator(_fitting(schema)), WithJsonSchema(shown)]


def _fitting(schema: JsonSchema) -> Callable[[Any], Any]:
    def fit(value: Any) -> Any:
        for misfit in misfits(value, schema):
            raise ValueError(misfit)
        return value

    return fit
