"""The files of tools for people: read, changed one at a time, and restored from a kept version."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from msgspec import Meta

from engine.base.errors import InvalidFile, InvalidInput, StaleEdit, UnknownName
from engine.base.problem import Problem
from engine.documents.json_file import parse
from engine.files.atomic import etag
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.people.operation import operation
from engine.tools.lock import LOCK
from engine.tools.store import (
    BYTES_MOST,
    FILES_MOST,
    FOLDER,
    LEFT_OUT,
    TESTED,
    TESTS,
    TOOL,
    ToolStore,
    case_of,
    files_hash,
)
from engine.tools.tool_file import checked
from engine.tools.tools import Name
from engine.tools.versions import VersionedTools

_PART = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}"
_PATH = re.compile(rf"{_PART}(/{_PART}){{0,4}}")
_WRITTEN = {TESTED: "`orchestra tools test NAME`", LOCK: "`orchestra tools lock NAME`"}
_SEE, _CHANGE = "see the tools", "change tools"


@dataclass(frozen=True)
class ToolText:
    """A file of a tool; `etag` changes with it. One that is not text in UTF-8 has none, and cannot be edited."""

    path: str
    text: str | None
    etag: str


Texts: TypeAlias = list[ToolText]
Problems: TypeAlias = list[Problem]


class ToolFiles:
    """The `tool_files` area: the files of tools; every change writes an audit line."""

    def __init__(self, shelf: ToolStore, versions: VersionedTools, audit: Audit) -> None:
        self._shelf, self._versions, self._audit = shelf, versions, audit

    @operation("tools.files", "view", _SEE, "List the files of a tool", "GET /api/tools/{name}/files", answer="files")
    def list(self, p: Principal, name: Name) -> Texts:
        """Return every file with its text, also of a tool that is not valid; `tool.json` comes first.

        Raises UnknownName, InvalidFile (a link).
        """
        files = self._shelf.files(name)
        first = sorted(files, key=lambda path: (path != TOOL, "/" in path, path))
        return [_text(path, files[path]) for path in first]

    @operation("tools.file", "view", _SEE, "Read a file of a tool")
    def get(self, p: Principal, name: str, path: str) -> ToolText:
        """Return one file. Raises UnknownName, InvalidFile."""
        return self._file(name, path)

    @operation("tools.check_file", "view", _SEE, "Check a file of a tool")
    def check(self, p: Principal, name: str, path: str, text: str) -> Problems:
        """Return what is wrong with a text as this file of a tool: `tool.json`, a test, or code in Python."""
        shown = f"{FOLDER}/{name}/{path}"
        try:
            if path == TOOL:
                checked(parse(text, shown))
            elif path.startswith(f"{TESTS}/") and path.endswith(".json"):
                case_of(shown, path, text.encode())
            elif path.endswith(".py"):
                ast.parse(text)
        except InvalidFile as error:
            return [*error.problems] or [Problem(error.message, file=shown, remedy=error.remedy)]
        except SyntaxError as error:
            said = f"This is not Python: {error.msg}."
            return [Problem(said, file=shown, line=error.lineno or 1, column=error.offset or 1)]
        except (ValueError, RecursionError, MemoryError) as error:  # a lone surrogate; code too deeply nested
            return [Problem(f"It cannot be read: {error}.", file=shown)]
        return []

    @operation("tools.save", "edit", _CHANGE, "Save a file of a tool")
    def save(self, p: Principal, name: str, path: str, text: str, known: str | None) -> ToolText:
        """Write a file; `known` is the etag of the text that it replaces, None: it must not exist yet.

        The tool has to be tested again. Raises UnknownName, StaleEdit, InvalidInput, InvalidFile, StorageError.
        """
        _require_path(path)
        content = text.encode()
        with self._versions.drafts.editing():
            files = self._shelf.files(name)
            _require_unchanged(name, path, files, known)
            _require_room(name, {**files, path: content})
            self._shelf.write(name, {path: content})
        self._audit.record(p, "tools.save", name, {"file": path})
        return _text(path, content)

    @operation(
        "tools.delete_file",
        "edit",
        _CHANGE,
        "Delete a file of a tool",
        "DELETE /api/tools/{name}/files",
        status=204,
        raises={StaleEdit: "The file was changed"},
    )
    def delete(
        self,
        p: Principal,
        name: Name,
        path: Annotated[str, Meta(max_length=600, description="The path of the file in the folder of the tool.")],
        etag: Annotated[str, Meta(max_length=100, description="The etag of the file to delete.")],
    ) -> None:
        """Delete a file, but not `tool.json`.

        Raises UnknownName, StaleEdit, InvalidInput (`tool.json`), StorageError.
        """
        _require_path(path)
        if path == TOOL:
            raise InvalidInput(f"Without {TOOL}, {name!r} would be no tool.", remedy="Delete other files, or edit it.")
        with self._versions.drafts.editing():
            files = self._shelf.files(name)
            if path not in files:
                raise UnknownName(f"file of the tool {name}", path, list(files))
            _require_unchanged(name, path, files, etag)
            self._shelf.write(name, {path: None})
        self._audit.record(p, "tools.delete_file", name, {"file": path})

    def _file(self, name: str, path: str) -> ToolText:
        files = self._shelf.files(name)
        if path not in files:
            raise UnknownName(f"file of the tool {name}", path, list(files))
        return _text(path, files[path])


def _text(path: str, content: bytes) -> ToolText:
    try:
        return ToolText(path, found := content.decode("utf-8"), etag(found))
    except UnicodeDecodeError:
        return ToolText(path, None, files_hash({path: content})[:16])


def _require_path(path: str) -> None:
    if not _PATH.fullmatch(path) or not LEFT_OUT.isdisjoint(path.split("/")):
        raise InvalidInput(
            f"{path!r} cannot be the name of a file of a tool.",
            remedy="Take letters, digits, '.', '_' and '-', with '/' between folders, such as tests/first.json.",
        )
    if path in _WRITTEN:
        raise InvalidInput(f"{path} is not written by hand.", remedy=f"{_WRITTEN[path]} writes it.")


def require_files(name: str, files: Mapping[str, bytes]) -> None:
    """Raise InvalidInput if these cannot be the files of a tool, such as because one says that it was tested."""
    for path in files:
        if path != LOCK:
            _require_path(path)
    _require_room(name, files)


def _require_unchanged(name: str, path: str, files: Mapping[str, bytes], known: str | None) -> None:
    found = files.get(path)
    if known is None and found is not None:
        raise InvalidInput(f"The tool {name!r} has a file {path} already.", remedy="Take another name, or edit that.")
    if known is not None and (found is None or _text(path, found).etag != known):
        raise StaleEdit(f"Somebody changed {FOLDER}/{name}/{path} since you opened it.")


def _require_room(name: str, files: Mapping[str, bytes]) -> None:
    if len(files) > FILES_MOST or sum(map(len, files.values())) > BYTES_MOST:
        most = f"{FILES_MOST} files, or {BYTES_MOST // 1024**2} MB"
        raise InvalidInput(f"The tool {name!r} would have more than {most}.", remedy="Take less.")
    folders = {path.rpartition("/")[0] for path in files}
    if clash := sorted(folders & files.keys()):
        raise InvalidInput(f"{clash[0]!r} would be a file and a folder.", remedy="Take another name.")
