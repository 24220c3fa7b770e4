"""The tests of a tool, run in the sandbox."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from clients.code.service import CodeSettings
from clients.errors import CodeFailed, InvalidRequest, ServiceError
from engine.base.definitions import ToolDefinition
from engine.base.json_text import is_same
from engine.expressions.json_values import compact_json
from engine.sandbox.reading import ReadableFile
from engine.tools.packages import PackageFolders
from engine.tools.running import packages_of, run_tool
from engine.tools.store import Tool, ToolCase

_LONGEST = 300


@dataclass(frozen=True)
class ToolTestResult:
    """How a test went."""

    name: str
    passed: bool
    said: str = ""
    """Why it did not pass, as a sentence; else empty."""
    trace: str = ""
    """The last lines of what failing code complained about, and of what it had printed."""
    remedy: str = ""
    line: int | None = None
    """The line of code that failed."""


def run_cases(tool: Tool, settings: CodeSettings, folders: PackageFolders) -> list[ToolTestResult]:
    """Run all tests of a tool. Blocking. Raises InvalidFile (of a test, or without code), and as `packages_of`."""
    definition = tool.definition
    packages_of(definition, settings, folders)  # once: packages that are missing are no failure of a test
    return [_run(tool, definition, case, settings, folders) for case in tool.cases]


def record_of(tool: Tool) -> Mapping[str, Any]:
    """Return what `tested.json` keeps of a tool that has passed: its version, hash and interface."""
    inputs = [case.input for case in tool.cases]
    return {
        "version": tool.file.version,
        "sha256": tool.hash,
        "input": tool.file.input,
        "output": tool.file.output,
        "files": tool.file.files,
        "inputs": inputs,
    }


def _run(
    tool: Tool, definition: ToolDefinition, case: ToolCase, settings: CodeSettings, folders: PackageFolders
) -> ToolTestResult:
    if not isinstance(case.input, Mapping):
        return ToolTestResult(case.name, passed=False, said="Its 'input' is not an object.")
    try:
        with ExitStack() as until_done:
            ran = run_tool(definition, case.input, settings, folders, lambda path: _opened(tool, path, until_done))
    except ServiceError as error:
        return _ended(case, error)
    output, left = ran.output, tuple(sorted(one.path for one in ran.files))
    if case.error:
        return ToolTestResult(
            case.name, passed=False, said=f"It ended well, with {_short(output)}, not with {case.error!r}."
        )
    if not is_same(output, case.output):
        return ToolTestResult(
            case.name, passed=False, said=f"The output is {_short(output)}, not {_short(case.output)}."
        )
    if case.files is not None and left != case.files:
        said = f"It left {', '.join(left) or 'no file'}, not {', '.join(case.files) or 'none'}."
        return ToolTestResult(case.name, passed=False, said=said)
    return ToolTestResult(case.name, passed=True)


def _opened(tool: Tool, path: object, until_done: ExitStack) -> ReadableFile:
    """Open a file of the tool's own folder, as an input of a test. Raises InvalidRequest."""
    if not isinstance(path, str) or path not in tool.files:
        said = f"The tool has no file {path!r} for this test."
        raise InvalidRequest(said, remedy="Name one by its path in the folder of the tool.")
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the test is done
    until_done.enter_context(file)
    file.write(tool.files[path])
    file.flush()
    return ReadableFile(file.fileno(), path)


def _ended(case: ToolCase, error: ServiceError) -> ToolTestResult:
    if case.error and case.error in error.message:
        return ToolTestResult(case.name, passed=True)
    said, _, trace = error.message.partition("\n")
    line = error.line if isinstance(error, CodeFailed) else None
    return ToolTestResult(case.name, passed=False, said=said, trace=trace, remedy=error.remedy, line=line)


def _short(value: Any) -> str:
    text = compact_json(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
