"""Values that lie in files of their own beside a run's log: how they are named, written, checked and read."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import InvalidFile
from engine.expressions.deferred import Deferred
from engine.workspace.files import write_hashed

TEXT, JSON = "text/plain", "application/json"
FILE, LITERAL = "$file", "$literal"
"""`{"$literal": x}` in an event stands for data x that without this mark would be taken for a reference."""
_REFERENCE = frozenset({FILE, "bytes", "media_type"})
_REMEDY = "The run cannot go on without this value; start a new one."
_DIGITS = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class FileValue(Deferred):
    """A value in a file named by its SHA-256. Only the engine makes these: data from outside is never one."""

    path: Path
    size_bytes: int
    media_type: str

    def opened(self) -> Any:
        """Read it; raises InvalidFile where the file is gone or was changed."""
        return _recent.value(self)

    def document(self) -> dict[str, Any]:
        """Return the reference as events and logs carry it."""
        name = f"{self.path.parent.name}/{self.path.name}"
        return {FILE: name, "bytes": self.size_bytes, "media_type": self.media_type}


def kept(folder: Path, text: str, media_type: str) -> FileValue:
    """Keep a text under its hash, on disk when this returns. Raises StorageError."""
    data = text.encode()
    return FileValue(write_hashed(folder, data), len(data), media_type)


def live(value: Any, folder: Path) -> Any:
    """Return what events and logs carry as expressions see it: each reference of this run as a FileValue."""
    if isinstance(value, list):
        return [live(inner, folder) for inner in value]
    if not isinstance(value, dict):
        return value
    found = reference(value, folder)
    if found is not None:
        return found
    inside = value[LITERAL] if _is_escaped(value, folder) else value
    return {key: live(inner, folder) for key, inner in inside.items()}


def written(value: Any, folder: Path) -> Any:
    """Return what expressions see as events and logs carry it; the other way round than `live`."""
    if isinstance(value, FileValue):
        return value.document()
    if isinstance(value, list):
        return [written(inner, folder) for inner in value]
    if not isinstance(value, dict):
        return value
    document = {key: written(inner, folder) for key, inner in value.items()}
    return {LITERAL: document} if _is_in_doubt(value, folder) else document


def reference(value: Any, folder: Path) -> FileValue | None:
    """Return what an object of a log refers to; None where it is no reference of this run."""
    if not isinstance(value, dict) or value.keys() != _REFERENCE:
        return None
    owner, _, digest = str(value[FILE]).partition("/")
    if owner != folder.name or len(digest) != 64 or not _DIGITS.issuperset(digest):
        return None
    size = value["bytes"] if isinstance(value["bytes"], int) else 0
    return FileValue(folder / digest, size, str(value["media_type"]))


def _is_in_doubt(value: dict[str, Any], folder: Path) -> bool:
    """Tell whether data would be taken for a reference of this run, or for data marked as none."""
    return reference(value, folder) is not None or _is_escaped(value, folder)


def _is_escaped(value: dict[str, Any], folder: Path) -> bool:
    inner = value.get(LITERAL) if len(value) == 1 else None
    return isinstance(inner, dict) and _is_in_doubt(inner, folder)


def _read(found: FileValue) -> Any:
    try:
        data = found.path.read_bytes()
    except OSError as error:
        raise InvalidFile(f"{found.path} cannot be read: {error.strerror or error}.", remedy=_REMEDY) from error
    if hashlib.sha256(data).hexdigest() != found.path.name:
        raise InvalidFile(f"{found.path} was changed since it was written.", remedy=_REMEDY)
    return live(json.loads(data), found.path.parent) if found.media_type == JSON else data.decode()


class _Recent:
    """The values that were read last, for the expression that follows; small, whatever the number of runs."""

    MOST_BYTES = 12 * 1024 * 1024
    JSON_WEIGHT = 6
    """How much more memory a parsed JSON text takes than the text."""

    def __init__(self) -> None:
        self._values: OrderedDict[FileValue, Any] = OrderedDict()
        self._weight = 0
        self._lock = threading.Lock()

    def value(self, found: FileValue) -> Any:
        with self._lock:
            if found in self._values:
                self._values.move_to_end(found)
                return self._values[found]
        value = _read(found)
        with self._lock:
            self._keep(found, value)
        return value

    def _keep(self, found: FileValue, value: Any) -> None:
        if found in self._values or _weight(found) > self.MOST_BYTES:
            return
        self._values[found] = value
        self._weight += _weight(found)
        while self._weight > self.MOST_BYTES:
            oldest, _ = self._values.popitem(last=False)
            self._weight -= _weight(oldest)


def _weight(found: FileValue) -> int:
    return found.size_bytes * (_Recent.JSON_WEIGHT if found.media_type == JSON else 1)


_recent = _Recent()
