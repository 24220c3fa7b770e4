"""The tools of a workspace: the folders of `tools/`, what is in them, and whether that has passed its tests."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from engine.base.checkout import CHECKOUT
from engine.base.definitions import ToolDefinition
from engine.base.errors import InUse, InvalidFile, InvalidInput, OrchestraError, UnknownName
from engine.base.names import checked_name, child, is_file_name
from engine.base.problem import Problem
from engine.documents.json_file import parse
from engine.files.atomic import (
    make_folder,
    remove,
    storage_errors,
    write_whole,
)
from engine.plugins.registry import TOOL as PREFIX

if TYPE_CHECKING:
    from engine.tools.tool_file import ToolFile

FOLDER, TOOL, TESTED, TESTS = "tools", "tool.json", "tested.json", "tests"
FILES_MOST, BYTES_MOST = 200, 4 * 1024**2
LEFT_OUT = frozenset({"__pycache__", ".venv"})
"""Folders that are not part of a tool."""


class ToolCase(Struct, frozen=True):
    """A test of a tool: an input with the output that it must have, or with words of the error that it must raise."""

    name: str
    """The name of its file."""
    input: Any
    output: Any = None
    error: str = ""
    files: tuple[str, ...] | None = None
    """The names of the files that it must leave, sorted; None: any."""


class Tool(Struct, frozen=True):
    """A tool as its files are now."""

    name: str
    file: ToolFile
    files: Mapping[str, bytes]
    """Each file by its path in the folder, without `tested.json`."""
    tested: Mapping[str, Any] | None
    """What `tested.json` says of the last test that passed; None if no test has passed."""

    @property
    def hash(self) -> str:
        """The SHA-256 of all files: their paths, sizes and contents."""
        return files_hash(self.files)

    @property
    def is_tested(self) -> bool:
        """Whether these very files have passed their tests."""
        return self.tested is not None and self.tested.get("sha256") == self.hash

    @property
    def cases(self) -> list[ToolCase]:
        """The tests. Raises InvalidFile."""
        return [
            case_of(f"{FOLDER}/{self.name}/{path}", path, content)
            for path, content in sorted(self.files.items())
            if path.startswith(f"{TESTS}/") and path.endswith(".json")
        ]

    @property
    def definition(self) -> ToolDefinition:
        """What a run keeps of it. Raises InvalidFile if its code is missing."""
        if self.file.entry not in self.files:
            raise InvalidFile(
                f"The tool {self.name!r} has no file {self.file.entry!r}.",
                remedy=f"Write its code there, or name its file as 'entry' in {FOLDER}/{self.name}/{TOOL}.",
            )
        code = _text(self.files[self.file.entry], f"{FOLDER}/{self.name}/{self.file.entry}")
        it = self.file
        found: ToolDefinition = {
            "name": self.name,
            "version": it.version,
            "description": it.description,
            "language": it.language,
            "code": code,
            "input": it.input,
            "output": it.output,
            "effect": it.effect,
            "network": list(it.network),
            "limits": it.limits.model_dump(exclude_unset=True),
            "hash": self.hash,
            "entry": self.file.entry,
        }
        if it.files:
            found = {**found, "files": True}
        return {**found, "lock": self.lock} if it.dependencies else found

    @property
    def lock(self) -> str:
        """The lock of its dependencies; empty if it has none. Raises InvalidFile if they are not locked."""
        from engine.tools.lock import LOCK, checked_lock  # what it imports, few commands need

        if not self.file.dependencies:
            return ""
        kept = self.files.get(LOCK)
        text = None if kept is None else _text(kept, f"{FOLDER}/{self.name}/{LOCK}")
        return checked_lock(self.name, self.file.dependencies, text)


class ToolStore:
    """The folder `tools/` of a workspace, or of what is shipped."""

    def __init__(self, root: Path) -> None:
        self.folder = root / FOLDER

    def names(self) -> list[str]:
        """Return the names of all tools, valid or not, sorted."""
        return [*filter(is_file_name, self._folders())]

    def _folders(self) -> list[str]:
        try:
            return sorted(one.name for one in self.folder.iterdir() if (one / TOOL).is_file())
        except (FileNotFoundError, NotADirectoryError):
            return []

    def tool(self, name: str) -> Tool:
        """Return a tool. Raises UnknownName, InvalidFile."""
        from engine.tools.tool_file import checked  # the sandbox's imports, which few commands need

        files = self.all_files(name)
        tested = files.pop(TESTED, None)
        file = checked(parse(_text(files[TOOL], self._shown(name)), self._shown(name)))
        return Tool(name, file, files, None if tested is None else _kept(tested))

    def files(self, name: str) -> dict[str, bytes]:
        """Return the files of a tool, valid or not, by path, without `tested.json`. Raises UnknownName, InvalidFile."""
        files = self.all_files(name)
        files.pop(TESTED, None)
        return files

    def problems(self) -> list[Problem]:
        """Return what is wrong with the files of all tools, by place; whether they were tested is not part of it."""
        found: list[Problem] = []
        for name in self._folders():
            try:
                tool = self.tool(checked_name("tool", name))
                _ = tool.definition, tool.cases
            except OrchestraError as error:
                wrong = Problem(error.message, "tool", file=self._shown(name), remedy=error.remedy)
                found += getattr(error, "problems", None) or [wrong]
        return found

    def write(self, name: str, files: Mapping[str, bytes | None]) -> None:
        """Write files of a tool by path, `tool.json` last; None deletes one. Raises InvalidInput, StorageError."""
        # Only with `tool.json` is a folder a tool, so a new one never appears without its other files.
        for path, content in sorted(files.items(), key=lambda one: one[0] == TOOL):
            target = child(self.folder, name)
            for part in path.split("/"):
                target = child(target, part)
            if content is None:
                remove(target)
                with suppress(OSError):  # other files are left there
                    target.parent.rmdir()
            else:
                make_folder(target.parent)
                write_whole(target, content)

    def known(self, uses: str) -> ToolDefinition:
        """Return a tool for people who look, tested or not. Raises UnknownName if it cannot be used."""
        try:
            return self.tool(_pinned(uses)[0]).definition
        except InvalidFile as error:
            raise UnknownName("tool", uses, self.names(), remedy=error.message) from error

    def usable(self, uses: str) -> ToolDefinition:
        """Return a tool whose files have passed their tests; `tool.NAME@1` requires that major version.

        Raises UnknownName, InvalidFile, InvalidInput.
        """
        name, major = _pinned(uses)
        found = self.tool(name)
        if major and major != str(found.file.major):
            raise InvalidInput(
                f"The step uses version {major} of the tool {name!r}, which is at {found.file.version}.",
                remedy=f"Adapt the step, and write tool.{name}@{found.file.major}.",
            )
        if not found.is_tested:
            said = "has not been tested" if found.tested is None else "was changed after its last test"
            raise InvalidInput(
                f"The tool {name!r} {said}, so no workflow can use it.",
                remedy=f"`orchestra tools test {name}` tests it.",
            )
        return found.definition

    def all_usable(self) -> list[ToolDefinition]:
        """Return every tool that workflows can use now, by name."""
        found = []
        for name in self.names():
            with suppress(OrchestraError):  # `orchestra tools list` says why not
                found.append(self.usable(PREFIX + name))
        return found

    def create(self, name: str, sample: Mapping[str, bytes]) -> Path:
        """Make the folder of a new tool with these files. Raises InUse, InvalidInput, StorageError."""
        folder = child(self.folder, checked_name("tool", name))
        if folder.exists():
            raise InUse(f"The name {name!r} is taken by another tool.", remedy="Choose another name.")
        self.write(name, sample)  # the file that makes it one: last
        return folder

    def keep_tested(self, name: str, record: Mapping[str, Any]) -> None:
        """Record that a tool has passed its tests. Raises StorageError."""
        write_whole(child(child(self.folder, name), TESTED), _dumped(record))

    def _shown(self, name: str) -> str:
        return f"{FOLDER}/{name}/{TOOL}"

    def require(self, name: str) -> None:
        """Raise UnknownName if there is no tool of this name."""
        if not is_file_name(name) or not (self.folder / name / TOOL).is_file():
            raise UnknownName("tool", name, self.names())

    def all_files(self, name: str) -> dict[str, bytes]:
        """Return all files of a tool by path. Raises UnknownName, InvalidFile, StorageError."""
        self.require(name)
        return self.read(name)

    def read(self, name: str) -> dict[str, bytes]:
        """Return the files below a folder, whether it is a tool or not. Raises InvalidFile, StorageError."""
        folder, found, size = self.folder / name, dict[str, bytes](), 0
        with storage_errors(folder):
            for place, folders, names in os.walk(folder):
                folders[:] = sorted(one for one in folders if one not in LEFT_OUT)
                for path in (Path(place, one) for one in (*names, *folders)):
                    if path.is_symlink() or not (path.is_file() or path.is_dir()):
                        raise InvalidFile(
                            f"{path} is not a plain file.", remedy="A tool has its own files only: copy it."
                        )
                    if path.is_dir():
                        continue
                    if path.stat().st_nlink > 1:
                        said = f"{path} is a hard link, which may lead to a private file."
                        raise InvalidFile(said, remedy="Copy the file, and delete the link.")
                    size += path.stat().st_size
                    if size > BYTES_MOST or len(found) >= FILES_MOST:
                        most = f"{FILES_MOST} files, or {BYTES_MOST // 1024**2} MB"
                        raise InvalidFile(f"The tool {name!r} has more than {most}.", remedy="Take some out.")
                    found[path.relative_to(folder).as_posix()] = path.read_bytes()
        return found


def files_hash(files: Mapping[str, bytes]) -> str:
    """Return the SHA-256 of files: their paths, sizes and contents."""
    found = hashlib.sha256()
    for path, content in sorted(files.items()):
        found.update(f"{len(path.encode())} {len(content)} {path}\n".encode())
        found.update(content)
    return found.hexdigest()


def _pinned(uses: str) -> tuple[str, str]:
    """Return (name, major version) of a tool in `uses`; the version is "" if it names none."""
    name, _, major = uses.removeprefix(PREFIX).partition("@")
    return name, major


def samples() -> ToolStore:
    """Return the shipped tools."""
    return ToolStore(CHECKOUT / "gallery")


def sample_files(name: str) -> dict[str, bytes]:
    """Return the files of a shipped tool, which has passed its tests. Raises UnknownName."""
    try:
        tool = samples().tool(name)
        return {**tool.files, TESTED: _dumped(tool.tested)} if tool.tested and tool.is_tested else {**tool.files}
    except OrchestraError as error:
        raise UnknownName("sample", name, samples().names()) from error


def _dumped(record: Mapping[str, Any]) -> bytes:
    return (json.dumps(record, ensure_ascii=False, indent=2) + "\n").encode()


def _text(content: bytes, file: str) -> str:
    try:
        return content.decode("utf-8-sig")  # Windows editors begin with a BOM; as code it is an error
    except UnicodeDecodeError as error:
        raise InvalidFile(f"{file} is not UTF-8: {error.reason} at byte {error.start}.") from None


def _kept(content: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def case_of(file: str, path: str, content: bytes) -> ToolCase:
    """Return the test in a file. Raises InvalidFile."""
    found = parse(_text(content, file), file).value
    name = path.removeprefix(f"{TESTS}/").removesuffix(".json")
    members = set(found) if isinstance(found, dict) else set[str]()
    if {"input", "output"} <= members <= {"input", "output", "files"} and _are_names(found.get("files", [])):
        names = tuple(sorted(found["files"])) if "files" in found else None
        return ToolCase(name, found["input"], output=found["output"], files=names)
    if members == {"input", "error"} and isinstance(found["error"], str) and found["error"]:
        return ToolCase(name, found["input"], error=found["error"])
    raise InvalidFile(f"{file} is not a test.", remedy='Write {"input": …, "output": …}, or "error" with words of it.')


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)
