"""The step type of a tool: `tool.NAME`, with the fields and the output that its schemas describe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, ClassVar

from clients.code.client import CodeClient
from clients.code.service import CODE, CodeSettings
from engine.base.definitions import ToolDefinition
from engine.plugins.step import Call, Effect, JsonValue, Output, Prompts, Repeat, Role, StepType
from engine.prompts.model_answers import from_outside
from engine.sandbox.backends.backend import CodeNeeds
from engine.sandbox.backends.ladder import refusal
from engine.sandbox.reading import ReadableFile
from engine.steps.code import contents
from engine.steps.file.fields import opened
from engine.tools.files import LEFT, file_fields, file_inputs, with_files
from engine.tools.packages import PackageFolders
from engine.tools.running import run_tool
from engine.tools.schema_fields import fields_of
from engine.tools.uv import missing_uv, uv_program


class ToolStep(StepType):
    """Base of the step types of tools."""

    service = CODE.name
    connection_optional = True
    is_tool: ClassVar[bool] = True
    done = "run"
    lasts = "Only the servers that it has called know how to undo what it did."
    timeout_seconds = 3720.0  # the code has its own limit, of up to an hour, with a better error
    output: ClassVar[type[Output] | None] = None
    definition: ClassVar[ToolDefinition]

    def call(self, call: Call) -> JsonValue:
        """Return the tool's output. Raises CodeFailed, LimitExceeded, InvalidRequest, SandboxMissing."""
        client: CodeClient = call.client
        folders = PackageFolders.of_state(client.state_folder, is_online=not client.is_demo)
        with ExitStack() as until_done:

            def open_file(file: Any) -> ReadableFile:
                return until_done.enter_context(opened(call, file))

            ran = run_tool(self.definition, call.fields.given(), client.settings, folders, open_file)
        if not self.definition.get("files"):
            return ran.output
        return {**ran.output, LEFT: contents(ran.files)}

    def unfit(self, arguments: Mapping[str, JsonValue], settings: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Require a sandbox that has what its code needs, and what takes its packages."""
        it = self.definition
        needs = CodeNeeds(it["language"], self._has_files(), bool(it["network"]), "lock" in it)
        found = refusal(CodeSettings.model_validate(settings), needs)
        if found:
            return [(next(iter(arguments), ""), f"The tool cannot be run. {found[1]}")]
        return [] if "lock" not in it or uv_program() else [self._missing(arguments)]

    def _has_files(self) -> bool:
        return bool(self.definition.get("files") or file_inputs(self.definition["input"]))

    @staticmethod
    def _missing(arguments: Mapping[str, JsonValue]) -> tuple[str, str]:
        missing = missing_uv()
        return next(iter(arguments), ""), f"{missing.message} {missing.remedy}"

    def hosts(self, arguments: Mapping[str, JsonValue]) -> Sequence[str]:
        """Return the hosts that the tool may reach."""
        return list(self.definition["network"])

    def is_derived(self, arguments: Mapping[str, JsonValue]) -> bool:
        """Return whether it has neither network nor files: then it says nothing that it was not given."""
        return not self.definition["network"] and file_inputs(self.definition["input"]).keys().isdisjoint(arguments)

    def output_schema(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> dict[str, JsonValue]:
        """Return the schema of its output; with network or files, all of it is text from outside."""
        schema: dict[str, JsonValue] = dict(self.definition["output"])
        if not self.is_derived(arguments):
            schema = {**from_outside(schema), "outside": True}
        return with_files(schema) if self.definition.get("files") else schema


def own_type(tool: ToolDefinition) -> StepType:
    """Return the step type of a tool."""
    writes = tool["effect"] == "writes"
    members = {
        "__doc__": tool["description"] or f"The tool {tool['name']} of this workspace.",
        "name": f"tool.{tool['name']}",
        "title": tool["name"].replace("-", " ").replace("_", " ").capitalize(),
        "effect": Effect.WRITES if writes else Effect.READS,
        "repeat": Repeat.UNFINDABLE if writes else None,
        "approval": "always" if writes else "never",
        "fields": fields_of(tool["input"], {}, Role.CONTENT, file_fields(tool["input"])),
        "definition": tool,
    }
    kind: type[ToolStep] = type("WorkspaceTool", (ToolStep,), members)
    return kind()
