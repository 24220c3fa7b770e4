"""The versions of tools: each one that has passed its tests is kept with the state, and can be restored."""

from __future__ import annotations

import base64
import builtins
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from engine.base.errors import InUse, InvalidFile
from engine.base.names import checked_name, child
from engine.documents.line_differences import unified
from engine.files.atomic import PRIVATE_FOLDER, make_folder, make_private, storage_errors, sync_folder
from engine.plugins.registry import TOOL
from engine.tools.store import ToolStore
from engine.workspace.copies import move
from engine.workspace.file_store import FileStore
from engine.workspace.references import NamingFiles
from engine.workspace.versioned_files import VersionedFiles
from engine.workspace.workspace import Workspace

_MOST_LINES = 2_000
"""Of the differences of one file."""


@dataclass(frozen=True)
class ToolVersion:
    """A kept version; `tested`: it passed its tests. Others were replaced by a restored one."""

    id: str
    version: str
    """What `tool.json` said."""
    tested: bool
    saved_at: str
    saved_by: str
    is_current: bool
    """Whether the files are exactly these now."""

    @property
    def words(self) -> str:
        """Who saved it."""
        return self.saved_by


@dataclass(frozen=True)
class FileChange:
    """How a file differs between two versions; `lines` is a unified diff, empty for a file that is not text."""

    path: str
    change: Literal["added", "removed", "changed"]
    lines: str


class ToolVersionFiles(Struct, frozen=True):
    """The files of a kept version by path, and what `tested.json` said; None: it was not tested."""

    files: Mapping[str, bytes]
    tested: Mapping[str, Any] | None


class ToolDrafts(FileStore):
    """The tools as `VersionedFiles` sees them: a tool is a folder, and its text is all its files, as JSON."""

    def __init__(self, store: ToolStore, workspace: Workspace) -> None:
        super().__init__(workspace.root, workspace.state_dir, "tool", workspace.clock, suffix="", texts=workspace.texts)
        self._store = store

    def require(self, name: str) -> None:
        """Raise UnknownName if there is no tool of this name."""
        self._store.require(name)

    def text(self, name: str) -> str:
        """Return the files of a tool as one text. Raises UnknownName, InvalidFile."""
        return _text(self._store.files(name), None)

    def rename_by_copy(self, name: str, new: str, follow: Callable[[], object], _by: str) -> None:
        """Rename in an order that keeps both names usable until `follow` has changed all users to the new one.

        If interrupted, this can be repeated: a folder with files of this tool only counts as the one begun. Raises
        UnknownName, InUse, InvalidInput, InvalidFile, StorageError.
        """
        with self.editing():
            files, target = self._store.all_files(name), child(self.folder, checked_name("tool", new))
            begun = self._store.read(new) if target.exists() else {}
            if new == name or not begun.items() <= files.items():
                raise InUse(f"The name {new!r} is taken by another tool.", remedy="Choose another name.")
            self._store.write(new, files)
            follow()
            with storage_errors(self.folder):
                shutil.rmtree(child(self.folder, name))
                sync_folder(self.folder)
            self.history.rename(name, new)

    def delete(self, name: str, check: Callable[[], object] = bool) -> Path:
        """Move the folder of a tool, valid or not, to the trash; return it. Raises UnknownName, StorageError."""
        with self.editing():
            self.require(name)
            check()
            trash = self.trash_folder(name)
            with storage_errors(trash):
                make_folder(trash.parent, PRIVATE_FOLDER)
                move(child(self.folder, name), trash)
                make_private(trash)
                sync_folder(trash.parent)  # before the old name is certainly gone
                sync_folder(self.folder)
        return trash


class VersionedTools(VersionedFiles[ToolVersionFiles]):
    """The tools of a workspace, with the last 20 versions of each."""

    def __init__(self, store: ToolStore, workspace: Workspace) -> None:
        self.naming = NamingFiles(workspace.users, "tool", TOOL)
        super().__init__(ToolDrafts(store, workspace), _files, self.naming)
        self._clock = workspace.clock

    def record(self, name: str, files: Mapping[str, bytes], tested: Mapping[str, Any] | None, by: str) -> None:
        """Keep a version, unless the last one is the same. Raises StorageError."""
        text, history = _text(files, tested), self.drafts.history
        if text != history.latest_text(name):
            history.keep(name, text, by, self._clock())

    def listed(self, name: str) -> builtins.list[ToolVersion]:
        """Return the kept versions of a tool, newest first; one that is damaged is left out. Raises UnknownName."""
        files, found = self.document(name).files, []
        for one in self.saved(name):
            with suppress(InvalidFile):
                kept = self.document(name, one.id)
                stated, is_current = version_of(kept.files.get("tool.json", b"")), kept.files == files
                tested = kept.tested is not None
                found.append(ToolVersion(one.id, stated, tested, one.saved_at, one.saved_by, is_current))
        return found


def _text(files: Mapping[str, bytes], tested: Mapping[str, Any] | None) -> str:
    return json.dumps({"tested": tested, "files": {path: _stored(files[path]) for path in sorted(files)}})


def _files(text: str, file: str) -> ToolVersionFiles:
    """Return what is in the text of a version. Raises InvalidFile."""
    try:
        found = json.loads(text)
        return ToolVersionFiles({path: _content(one) for path, one in found["files"].items()}, found["tested"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        said = f"A version of {file} is damaged: {type(error).__name__}."
        raise InvalidFile(said, remedy="Take another version.") from None


def differences(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Iterator[FileChange]:
    """Yield each file that differs, by path."""
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path), after.get(path)
        if old != new:
            yield FileChange(
                path, "added" if old is None else "removed" if new is None else "changed", _lines(old, new)
            )


def version_of(tool_json: bytes) -> str:
    """Return the version that a `tool.json` states; empty if it is damaged."""
    try:
        found = json.loads(tool_json)
    except (ValueError, RecursionError):
        return ""
    return str(found.get("version", "")) if isinstance(found, dict) else ""


def _lines(old: bytes | None, new: bytes | None) -> str:
    try:
        before, after = ((one or b"").decode("utf-8").splitlines() for one in (old, new))
    except UnicodeDecodeError:
        return ""
    if max(len(before), len(after)) > _MOST_LINES:
        return ""
    found: Sequence[str] = list(unified(before, after, "", ""))
    return "\n".join(found[2:])  # without the two lines for names


def _stored(content: bytes) -> dict[str, str]:
    try:
        return {"text": content.decode("utf-8")}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode("ascii")}


def _content(stored: Mapping[str, str]) -> bytes:
    return stored["text"].encode() if "text" in stored else base64.b64decode(stored["base64"], validate=True)
