"""Large values of a run: kept once as a file under their hash, named by reference in events and logs."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from engine.errors import InvalidFile, StorageError
from engine.names import run_day
from engine.store.journal import JournalBroken
from engine.workspace.files import storage_errors, write_whole

LARGE_BYTES = 256 * 1024
_REMEDY = "The run cannot go on without this value; start a new one."


class Values:
    """The `<run_id>.files` folder of one run."""

    def __init__(self, logs: Path, run_id: str) -> None:
        self._folder = logs / run_day(run_id) / f"{run_id}.files"
        self._name = re.compile(rf"{re.escape(self._folder.name)}/([0-9a-f]{{64}})\Z")

    def stored(self, value: Any) -> Any:
        """Return the value with each text over 256 KB replaced by a reference. Raises JournalBroken."""
        if isinstance(value, str):
            return self._reference(value, "text/plain") if _is_large(value) else value
        if isinstance(value, dict):
            value = {key: self.stored(inner) for key, inner in value.items()}
        elif isinstance(value, list):
            value = [self.stored(inner) for inner in value]
        return value

    def whole(self, value: Any) -> Any:
        """Return the value as it is if it is small, else a reference to all of it as JSON. Raises JournalBroken."""
        value = self.stored(value)
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return self._reference(text, "application/json") if _is_large(text) else value

    def loaded(self, value: Any) -> Any:
        """Return the value with every reference of this run replaced by what it stands for. Raises InvalidFile."""
        if isinstance(value, list):
            return [self.loaded(inner) for inner in value]
        if not isinstance(value, dict):
            return value
        if set(value) == {"$file", "bytes", "media_type"}:
            # A service may send an object of this form: only this run's own names are taken for references.
            name = self._name.match(str(value["$file"]))
            if name is not None:
                return self._content(name[1], str(value["media_type"]))
        return {key: self.loaded(inner) for key, inner in value.items()}

    def _content(self, digest: str, media_type: str) -> Any:
        path = self._folder / digest
        try:
            data = path.read_bytes()
        except OSError as error:
            raise InvalidFile(f"{path} cannot be read: {error.strerror or error}.", remedy=_REMEDY) from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise InvalidFile(f"{path} was changed since it was written.", remedy=_REMEDY)
        text = data.decode()
        return self.loaded(json.loads(text)) if media_type == "application/json" else text

    def _reference(self, text: str, media_type: str) -> dict[str, Any]:
        data = text.encode()
        digest = hashlib.sha256(data).hexdigest()
        path = self._folder / digest
        try:
            self._keep(path, text)
        except StorageError as error:
            raise JournalBroken(error) from error  # as much a part of what must last as the event that names it
        return {"$file": f"{self._folder.name}/{digest}", "bytes": len(data), "media_type": media_type}

    def _keep(self, path: Path, text: str) -> None:
        if not path.exists():
            with storage_errors(path):
                self._folder.mkdir(parents=True, exist_ok=True)
            write_whole(path, text)


def _is_large(text: str) -> bool:
    # A character takes four bytes at most: short texts need not be encoded to know.
    return len(text) * 4 > LARGE_BYTES and len(text.encode()) > LARGE_BYTES
