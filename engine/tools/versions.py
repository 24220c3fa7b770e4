"""The versions of tools: each one that has passed its tests is kept with the state, and can be restored."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from msgspec import Struct

from engine.base.clock import Clock
from engine.base.errors import InvalidFile
from engine.documents.line_differences import unified
from engine.store.texts.texts import TextStore
from engine.workspace.history import History

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


class ToolHistory:
    """The last 20 versions of each tool."""

    def __init__(self, texts: TextStore, clock: Clock) -> None:
        self._history, self._clock = History(texts, "tools"), clock

    def keep(self, name: str, files: Mapping[str, bytes], tested: Mapping[str, Any] | None, by: str) -> None:
        """Keep a version, unless the last one is the same. Raises StorageError."""
        text = json.dumps({"tested": tested, "files": {path: _stored(files[path]) for path in sorted(files)}})
        if text != self._history.latest_text(name):
            self._history.keep(name, text, by, self._clock())

    def rename(self, name: str, new: str) -> None:
        """Move the versions to another name. Raises StorageError."""
        self._history.rename(name, new)

    def versions(self, name: str, files: Mapping[str, bytes]) -> list[ToolVersion]:
        """Return the kept versions, newest first; `files` are the present ones. One that is damaged is left out."""
        found = []
        for one in self._history.versions(name):
            try:
                kept = self.version(name, one.id)
            except InvalidFile:
                continue
            version = version_of(kept.files.get("tool.json", b""))
            is_current = dict(kept.files) == dict(files)
            found.append(ToolVersion(one.id, version, kept.tested is not None, one.saved_at, one.saved_by, is_current))
        return found

    def version(self, name: str, version_id: str) -> ToolVersionFiles:
        """Return a kept version. Raises UnknownName, InvalidFile."""
        text = self._history.text(name, version_id)
        try:
            found = json.loads(text)
            return ToolVersionFiles({path: _content(one) for path, one in found["files"].items()}, found["tested"])
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            said = f"The version {version_id} of the tool {name!r} is damaged: {type(error).__name__}."
            raise InvalidFile(said, remedy="Take another version.") from None


def files_hash(files: Mapping[str, bytes]) -> str:
    """Return the SHA-256 of files: their paths, sizes and contents."""
    found = hashlib.sha256()
    for path, content in sorted(files.items()):
        found.update(f"{len(path.encode())} {len(content)} {path}\n".encode())
        found.update(content)
    return found.hexdigest()


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
