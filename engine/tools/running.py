"""Run the code of a tool in the sandbox, and hold its input and its output to their schemas."""

from __future__ import annotations

from collections.abc import Mapping

from clients.code.service import CODE, CodeSettings
from clients.errors import CodeFailed, InvalidRequest
from engine.base.definitions import ToolDefinition
from engine.documents.schema_check import misfits
from engine.plugins.step import JsonValue
from engine.sandbox.code.languages import language
from engine.sandbox.code.proxy import Way
from engine.sandbox.code.running import Code, run
from engine.steps.code import NOT_IN_DEMO, LimitFields, limits_of


def run_tool(
    tool: ToolDefinition, given: Mapping[str, JsonValue], settings: CodeSettings, *, is_demo: bool
) -> JsonValue:
    """Return the output of a tool for an input. Blocking.

    Raises InvalidRequest (the input does not fit, or it would need network in the demo), CodeFailed (it failed, or its
    output does not fit), LimitExceeded, SandboxMissing.
    """
    name = tool["name"]
    for misfit in misfits(dict(given), tool["input"]):
        raise InvalidRequest(f"The input of the tool {name!r} does not fit its schema: {misfit}", service=CODE.name)
    if tool["network"] and is_demo:
        raise InvalidRequest(NOT_IN_DEMO, service=CODE.name, remedy="Run it on your own accounts.")
    limits, most = limits_of(LimitFields.model_validate(tool["limits"]), settings)
    way = Way.to(list(tool["network"]), settings.allow_hosts) if tool["network"] else None
    spoken = language(tool["language"], settings.interpreters, limits.memory_mb)
    output = run(Code(spoken, tool["code"], dict(given), limits, most, way), []).output
    for misfit in misfits(output, tool["output"]):
        error = CodeFailed(
            f"The output of the tool {name!r} does not fit its schema: {misfit}",
            service=CODE.name,
            remedy=f"Correct its code, or 'output' in tools/{name}/tool.json, and test it again.",
        )
        if way and way.was_used:
            error.outcome = "unknown"  # it may have sent something before
        raise error
    return output
