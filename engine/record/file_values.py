"""Large values in files beside a run's log: how they are named, written, checked and read.

Mails and answers may be megabytes long, and a run may pass them on many times. A value over 256 KB is therefore
written once, to a file named by its SHA-256, and passed on as a reference: a FileValue for expressions, and
`{"$file", "bytes", "media_type"}` in events and logs. Data from outside could look like such a reference; it is
escaped with `{"$literal": …}`, so that only references made by the engine are ever opened.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from engine.base.errors import InvalidFile
from engine.base.lazy_values import Deferred, Unknown
from engine.record.run_files import RunFolder

TEXT, JSON = "text/plain", "application/json"
FILE, LITERAL, UNKNOWN = "$file", "$literal", "$unknown"
"""`{"$literal": x}` in an event is the data x, which without this mark would look like a reference.

`{"$unknown": text}` in the events of a planning run is a value that is not known before the plan is applied.
"""
_REFERENCE = frozenset({FILE, "bytes", "media_type"})
_REMEDY = "The run cannot go on without this value; start a new one."
_DIGITS = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class FileValue(Deferred):
    """A value in a file named by its SHA-256. Only the engine creates these, never data from outside."""

    folder: RunFolder
    digest: str
    size_bytes: int
    media_type: str

    def opened(self) -> Any:
        """Read the value; raise InvalidFile if the file is gone or was changed."""
        return _recent.value(self)

    def data(self) -> bytes:
        """Read the text of the value; raise InvalidFile if the file is gone or was changed."""
        where = self.folder.where(self.digest)
        try:
            data = self.folder.get(self.digest)
        except InvalidFile as error:
            raise InvalidFile(error.message, error.problems, remedy=_REMEDY) from error
        if data is None:
            raise InvalidFile(f"{where} cannot be read: it is gone.", remedy=_REMEDY)
        if hashlib.sha256(data).hexdigest() != self.digest:
            raise InvalidFile(f"{where} was changed since it was written.", remedy=_REMEDY)
        return data

    def document(self) -> dict[str, Any]:
        """Return the reference in the form of events and logs."""
        name = f"{self.folder.name}/{self.digest}"
        return {FILE: name, "bytes": self.size_bytes, "media_type": self.media_type}


def kept(folder: RunFolder, text: str, media_type: str) -> FileValue:
    """Store a text under its hash and return once it is on disk. Raises StorageError."""
    data = text.encode()
    return FileValue(folder, folder.put(data), len(data), media_type)


def live(value: Any, folder: RunFolder) -> Any:
    """Convert the form of events and logs to the form of expressions: references of this run become FileValues."""
    if isinstance(value, list):
        return [live(inner, folder) for inner in value]
    if not isinstance(value, dict):
        return value
    found = _unknown(value) or reference(value, folder)
    if found is not None:
        return found
    inside = value[LITERAL] if _is_escaped(value, folder) else value
    return {key: live(inner, folder) for key, inner in inside.items()}


def written(value: Any, folder: RunFolder) -> Any:
    """Convert the form of expressions to the form of events and logs; the inverse of `live`."""
    if isinstance(value, FileValue):
        return value.document()
    if isinstance(value, Unknown):
        return {UNKNOWN: value.text}
    if isinstance(value, list):
        return [written(inner, folder) for inner in value]
    if not isinstance(value, dict):
        return value
    document = {key: written(inner, folder) for key, inner in value.items()}
    return {LITERAL: document} if _is_in_doubt(value, folder) else document


def reference(value: Any, folder: RunFolder) -> FileValue | None:
    """Return the FileValue for an object of a log; None if it is not a reference of this run."""
    if not isinstance(value, dict) or value.keys() != _REFERENCE:
        return None
    owner, _, digest = str(value[FILE]).partition("/")
    if owner != folder.name or len(digest) != 64 or not _DIGITS.issuperset(digest):
        return None
    size = value["bytes"] if isinstance(value["bytes"], int) else 0
    return FileValue(folder, digest, size, str(value["media_type"]))


def _unknown(value: dict[str, Any]) -> Unknown | None:
    text = value.get(UNKNOWN) if len(value) == 1 else None
    return Unknown(text) if isinstance(text, str) else None


def _is_in_doubt(value: dict[str, Any], folder: RunFolder) -> bool:
    """Return whether data could be mistaken for a reference of this run, or for escaped data."""
    return _unknown(value) is not None or reference(value, folder) is not None or _is_escaped(value, folder)


def _is_escaped(value: dict[str, Any], folder: RunFolder) -> bool:
    inner = value.get(LITERAL) if len(value) == 1 else None
    return isinstance(inner, dict) and _is_in_doubt(inner, folder)


def _read(found: FileValue) -> Any:
    data = found.data()
    return live(json.loads(data), found.folder) if found.media_type == JSON else data.decode()


class _Recent:
    """The most recently read values, for the next expression; small, however many runs there are."""

    MOST_BYTES = 12 * 1024 * 1024
    JSON_WEIGHT = 6
    """How many times more memory parsed JSON takes than its text."""

    def __init__(self) -> None:
        self._values: OrderedDict[FileValue, Any] = OrderedDict()
        self._weight = 0
        self._lock = threading.Lock()

    def value(self, found: FileValue) -> Any:
        with self._lock:
            if found in self._values:
                self._values.move_to_end(found)
                return self._values[found]
        value = _read(found)  # without the lock: it may take long, and values in memory are given out meanwhile
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
