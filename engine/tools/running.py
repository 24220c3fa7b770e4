"""Run the code of a tool in the sandbox, and hold its input and its output to their schemas."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from clients.code.service import CODE, CodeSettings
from clients.errors import CodeFailed, InvalidRequest
from engine.base.definitions import ToolDefinition
from engine.documents.schema_check import misfits
from engine.plugins.step import JsonValue
from engine.sandbox.backends.languages import program_of
from engine.sandbox.code.proxy import ProxySession
from engine.sandbox.code.running import CodeResult, CodeToRun, run
from engine.sandbox.reading import ReadableFile
from engine.steps.code import NOT_IN_DEMO, LimitFields, limits_of
from engine.tools.files import placed
from engine.tools.packages import PackageFolders


def packages_of(tool: ToolDefinition, settings: CodeSettings, folders: PackageFolders) -> Path | None:
    """Return the folder with the packages of a tool, made where it is missing; None if it has none. Blocking.

    Raises as `PackageFolders.made`.
    """
    lock, program = tool.get("lock", ""), program_of(tool["language"], settings.interpreters)
    return folders.made(tool["name"], lock, program) if lock else None


def run_tool(
    tool: ToolDefinition,
    given: Mapping[str, JsonValue],
    settings: CodeSettings,
    folders: PackageFolders,
    opened: Callable[[Any], ReadableFile],
) -> CodeResult:
    """Return what a tool has done with an input; `opened` opens the files in it. Blocking.

    Packages are downloaded first where they are missing. Without `folders.is_online`, as in the demo, there is no
    network. Raises InvalidRequest (the input does not fit, or it would need network in the demo), CodeFailed (it
    failed, or its output does not fit), LimitExceeded, SandboxMissing, Unavailable (packages cannot be downloaded).
    """
    name = tool["name"]
    given, files = placed(given, tool["input"], opened)
    for misfit in misfits(given, tool["input"]):
        raise InvalidRequest(f"The input of the tool {name!r} does not fit its schema: {misfit}", service=CODE.name)
    if tool["network"] and not folders.is_online:
        raise InvalidRequest(NOT_IN_DEMO, service=CODE.name, remedy="Run it on your own accounts.")
    limits, most = limits_of(LimitFields.model_validate(tool["limits"]), settings)
    way = ProxySession.to(list(tool["network"]), settings.allow_hosts) if tool["network"] else None
    packages = packages_of(tool, settings, folders)
    file = f"tools/{name}/{tool.get('entry', '')}".rstrip("/")
    code = CodeToRun(tool["language"], tool["code"], given, settings, limits, most, way, packages, file)
    ran = run(code, files)
    for misfit in misfits(ran.output, tool["output"]):
        error = CodeFailed(
            f"The output of the tool {name!r} does not fit its schema: {misfit}",
            service=CODE.name,
            remedy=f"Correct its code, or 'output' in tools/{name}/tool.json, and test it again.",
        )
        if way and way.was_used:
            error.outcome = "unknown"  # it may have sent something before
        raise error
    return ran
