"""The tools of a workspace for people: list, make, test."""

from __future__ import annotations

import builtins
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta, Struct

from clients.code.service import CodeSettings
from engine.base.errors import InUse, InvalidFile, OrchestraError
from engine.base.json_text import JsonSchema
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.people.operation import Face, operation
from engine.sandbox.backends.languages import program_of
from engine.tools.interface import require_major
from engine.tools.lock import LOCK, checked_lock, locked, pins
from engine.tools.packages import PackageFolders
from engine.tools.store import Tool, ToolStore, files_hash, sample_files, samples
from engine.tools.testing import ToolTestResult, record_of, run_cases
from engine.tools.versions import FileChange, ToolVersion, VersionedTools, differences
from engine.workspace.versioned_files import DeletedItem, NewName

__all__ = ["ToolInfo", "ToolTest", "ToolTestResult", "Tools"]
"""`ToolTestResult` is named here for the front ends."""
State = Literal["tested", "changed", "untested", "invalid"]
_SEE = "see the tools"
_TAKEN: Mapping[type[OrchestraError], str] = {InUse: "The name is taken"}
_IN_USE: Mapping[type[OrchestraError], str] = {InUse: "It is in use, or the name is"}
Name = Annotated[str, Meta(description="The name of the tool."), Face(metavar="TOOL")]
Sample = Annotated[
    str,
    Meta(max_length=100, description="A shipped tool to copy, such as `iban-check`; empty: a small new one."),
]
VersionId = Annotated[str, Meta(description="The id of a version."), Face(metavar="ID")]
# Inside the class below, `list` is the method.
Names: TypeAlias = list[str]
Versions: TypeAlias = list[ToolVersion]
Changes: TypeAlias = list[FileChange]
_NEW: Mapping[str, str] = {
    "main.py": 'output = {"text": inputs["text"].strip()}\n',
    "tests/strips.json": '{"input": {"text": " a "}, "output": {"text": "a"}}\n',
}
_TEXT = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}


@dataclass(frozen=True)
class ToolInfo:
    """A tool: what its file says, the state of its tests, and the workflows that use it.

    `state`: `tested` (workflows can use it), `changed` since its last test, `untested`, `invalid` (`problem` says why).
    """

    name: str
    state: State
    """Workflows can use it only if it is `tested`; `changed`: changed since its last test."""
    problem: str = ""
    """Why it is invalid; else empty."""
    version: str = ""
    description: str = ""
    language: str = ""
    entry: str = ""
    """The file of its code."""
    effect: str = ""
    network: tuple[str, ...] = ()
    """The hosts that it may reach."""
    input: JsonSchema | None = None
    """JSON Schema."""
    output: JsonSchema | None = None
    """JSON Schema."""
    dependencies: tuple[str, ...] = ()
    """The Python packages that it needs (PEP 508)."""
    packages: tuple[str, ...] = ()
    """The locked packages, such as `idna 3.20`."""
    files: tuple[str, ...] = ()
    used_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class ToolTest:
    """A run of all tests of a tool; `passed`: all did, and this was recorded."""

    name: str
    version: str
    passed: bool
    tests: tuple[ToolTestResult, ...]


@dataclass(frozen=True)
class Locked:
    """The packages of a tool as they are locked now, such as `idna 3.20`; `changed`: the lock was another before."""

    name: str
    packages: tuple[str, ...]
    changed: bool


class ToolRenamed(Struct, frozen=True):
    """A tool under its new name, and what changed with it."""

    name: str
    users: list[str]
    """Workflows, and agents as `agent:NAME`."""

    @staticmethod
    def of(users: list[str], given: Mapping[str, Any]) -> ToolRenamed:
        """Return the answer for what was changed."""
        return ToolRenamed(given["new"], users)


class ToolChanges(Struct, frozen=True):
    """What has changed since a version, by file; `lines` is a unified diff."""

    id: str
    changes: list[FileChange]

    @staticmethod
    def of(changes: list[FileChange], given: Mapping[str, Any]) -> ToolChanges:
        """Return the answer for the changes since a version."""
        return ToolChanges(given["version_id"], changes)


class Tools:
    """The `tools` area."""

    def __init__(
        self,
        shelf: ToolStore,
        settings: Callable[[], CodeSettings],
        state_dir: Path,
        versions: VersionedTools,
        audit: Audit,
    ) -> None:
        self._shelf, self._settings, self._audit = shelf, settings, audit
        self._state_dir, self._versions = state_dir, versions

    @operation("tools.list", "view", _SEE, "List tools", "GET /api/tools", "tools list", answer="tools")
    def list(self, p: Principal) -> builtins.list[ToolInfo]:
        """List the tools with the state of their tests.

        They come by name, valid or not.
        """
        found = self._versions.naming.of_each(self._shelf.names())
        return [self._info(name, p.shown(used_by)) for name, used_by in found.items()]

    @operation("tools.show", "view", _SEE, "Show a tool", "GET /api/tools/{name}", "tools show")
    def show(self, p: Principal, name: Name) -> ToolInfo:
        """Show a tool: its fields and output, its files, and which workflows use it.

        Raises UnknownName.
        """
        return self._info(name, p.shown(self._versions.naming.of(name)))

    @operation("tools.samples", "view", _SEE, "List the shipped tools")
    def samples(self, p: Principal) -> tuple[str, ...]:
        """Return the names of the shipped tools."""
        return tuple(samples().names())

    @operation("tools.new", "edit", "make a tool", "Create a tool", "POST /api/tools", status=201, raises=_TAKEN)
    def new(self, p: Principal, name: Annotated[str, Meta(max_length=100)], sample: Sample = "") -> ToolInfo:
        """Create the folder of a new tool, with a first test.

        Raises UnknownName (a sample), InUse, InvalidInput, StorageError.
        """
        self._shelf.create(name, sample_files(sample) if sample else _blank())
        self._audit.record(p, "tools.new", name, {"sample": sample})
        return self.show(p, name)

    @operation(
        "tools.rename",
        "edit",
        "rename a tool",
        "Rename a tool",
        "POST /api/tools/{name}/rename",
        "tools rename",
        answer=ToolRenamed.of,
        raises=_IN_USE,
    )
    def rename(self, p: Principal, name: Name, new: NewName) -> Names:
        """Rename a tool, also in the workflows and agents that use it.

        It keeps its versions, and stays tested.

        Raises UnknownName, InUse, InvalidInput, InvalidFile (a file that seems to use it cannot be read), StorageError.
        Returns the names of what was changed.
        """
        changed = self._versions.rename(name, new, p.id)
        self._audit.record(p, "tools.rename", new, {"from": name, "users": changed})
        return p.shown(changed)

    @operation(
        "tools.delete",
        "edit",
        "delete a tool",
        "Delete a tool",
        "DELETE /api/tools/{name}",
        "tools delete",
        answer=DeletedItem.of,
        raises=_IN_USE,
    )
    def delete(self, p: Principal, name: Name) -> Path:
        """Move a tool to the trash. Refused while a workflow or an agent uses it.

        The error names them.

        Raises UnknownName, InUse, StorageError. Returns the folder in the trash.
        """
        trash = self._versions.delete(name)
        self._audit.record(p, "tools.delete", name, {"moved_to": str(trash)})
        return trash

    @operation(
        "tools.lock",
        "edit",
        "lock the packages of a tool",
        "Lock the packages of a tool",
        "POST /api/tools/{name}/lock",
        "tools lock",
    )
    def lock(self, p: Principal, name: Name) -> Locked:
        """Lock the dependencies of a tool to exact packages, and download them. It needs uv and the network.

        Nothing of a package runs.

        Raises UnknownName, InvalidFile, InvalidRequest and Unavailable (with what is in the way), StorageError.
        Blocking.
        """
        tool = self._shelf.tool(name)
        text = locked(name, tool.file.dependencies) if tool.file.dependencies else ""
        if text:
            checked_lock(name, tool.file.dependencies, text)
            self._folders(demo=False).made(name, text, program_of(tool.file.language, self._settings().interpreters))
        before = tool.files.get(LOCK, b"").decode("utf-8", "replace")
        with self._versions.drafts.editing():
            if self._shelf.tool(name).hash != tool.hash:
                raise _changed(name, "its packages were locked", f"`orchestra tools lock {name}` again.")
            self._shelf.write(name, {LOCK: text.encode() or None})
        self._audit.record(p, "tools.lock", name, {"packages": len(pins(text))})
        return Locked(name, tuple(pins(text)), text != before)

    @operation("tools.test", "edit", "test a tool", "Test a tool")
    def test(self, p: Principal, name: str, *, demo: bool = False) -> ToolTest:
        """Run all tests of a tool; if all pass, record that these files have passed. Blocking.

        Raises UnknownName, InvalidFile (also without a test, if it breaks its interface under the same major
        version, and if it was changed meanwhile), SandboxMissing, StorageError.
        """
        tool = self._shelf.tool(name)
        if not tool.cases:
            raise InvalidFile(
                f"The tool {name!r} has no test.",
                remedy=f'Write one as tools/{name}/tests/first.json: {{"input": …, "output": …}}.',
            )
        require_major(tool)
        tests = tuple(run_cases(tool, self._settings(), self._folders(demo=demo)))
        passed = all(one.passed for one in tests)
        if passed:
            if self._shelf.tool(name).hash != tool.hash:
                raise _changed(name, "its tests ran", f"`orchestra tools test {name}` again.")
            record = record_of(tool)
            self._shelf.keep_tested(name, record)
            self._versions.record(name, tool.files, record, p.id)
            self._audit.record(p, "tools.test", name, {"version": tool.file.version, "sha256": tool.hash})
        return ToolTest(name, tool.file.version, passed, tests)

    @operation(
        "tools.versions",
        "view",
        _SEE,
        "List the versions of a tool",
        "GET /api/tools/{name}/versions",
        "tools versions",
        answer="versions",
    )
    def versions(self, p: Principal, name: Name) -> Versions:
        """List the last versions of a tool that passed their tests, newest first.

        They are the last 20, with those that a restored one replaced.
        """
        return self._versions.listed(name)

    @operation(
        "tools.changes",
        "view",
        _SEE,
        "Show what has changed since a version",
        "GET /api/tools/{name}/versions/{version_id}",
        "tools diff",
        answer=ToolChanges.of,
    )
    def changes(self, p: Principal, name: Name, version_id: VersionId) -> Changes:
        """Show what has changed in a tool since a version.

        Raises UnknownName, InvalidFile.
        """
        now = self._versions.document(name)
        return [*differences(self._versions.document(name, version_id).files, now.files)]

    @operation(
        "tools.restore",
        "edit",
        "change tools",
        "Restore a version",
        "POST /api/tools/{name}/versions/{version_id}/restore",
        "tools restore",
    )
    def restore(self, p: Principal, name: Name, version_id: VersionId) -> ToolInfo:
        """Restore the files of a version; the current files are kept as a version, too.

        One that has passed its tests can be used at once.

        Raises UnknownName, InvalidFile, StorageError.
        """
        self._shelf.require(name)
        kept = self._versions.document(name, version_id)
        with self._versions.drafts.editing():
            before = self._shelf.files(name)
            if not any(one.is_current for one in self._versions.listed(name)):
                self._versions.record(name, before, None, p.id)
            gone = dict.fromkeys(path for path in before if path not in kept.files)
            self._shelf.write(
                name, {**gone, **{path: one for path, one in kept.files.items() if before.get(path) != one}}
            )
            if kept.tested is not None:
                self._shelf.keep_tested(name, kept.tested)
        sums = {"from": files_hash(before), "to": files_hash(kept.files)}
        self._audit.record(p, "tools.restore", name, {"version": version_id, **sums})
        return self.show(p, name)

    def _folders(self, *, demo: bool) -> PackageFolders:
        return PackageFolders.of_state(self._state_dir, is_online=not demo)

    def _info(self, name: str, used_by: Sequence[str]) -> ToolInfo:
        try:
            tool = self._shelf.tool(name)
        except InvalidFile as error:
            return ToolInfo(name, "invalid", error.message, used_by=tuple(used_by))
        it = tool.file
        return ToolInfo(
            name,
            _state(tool),
            version=it.version,
            description=it.description,
            language=it.language,
            entry=it.entry,
            effect=it.effect,
            network=it.network,
            input=it.input,
            output=it.output,
            dependencies=it.dependencies,
            packages=tuple(pins(tool.files.get(LOCK, b"").decode("utf-8", "replace"))) if it.dependencies else (),
            files=tuple(sorted(tool.files)),
            used_by=tuple(used_by),
        )


def _changed(name: str, meanwhile: str, remedy: str) -> InvalidFile:
    return InvalidFile(f"The tool {name!r} was changed while {meanwhile}.", remedy=remedy)


def _state(tool: Tool) -> State:
    return "tested" if tool.is_tested else "untested" if tool.tested is None else "changed"


def _blank() -> dict[str, bytes]:
    document = {
        "version": "0.1.0",
        "description": "What the tool does, in Markdown.",
        "language": "python",
        "entry": "main.py",
        "input": _TEXT,
        "output": _TEXT,
        "effect": "pure",
        "network": [],
        "limits": {"seconds": 10},
    }
    files = {**_NEW, "tool.json": json.dumps(document, indent=2) + "\n"}
    return {path: text.encode() for path, text in files.items()}
