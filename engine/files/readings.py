"""What was read in pictures, kept beside the state: the same file with the same options is read once."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from msgspec import Struct

FOLDER = "readings"
MOST_BYTES = 64_000_000
"""What all readings may take; beyond that, the oldest go."""
_PIECE = 1024 * 1024
_PRIVATE = 0o700


class Readings(Struct, frozen=True):
    """A folder with one file of JSON for each reading, named by `key_of`."""

    folder: Path
    most_bytes: int = MOST_BYTES

    def get(self, key: str) -> dict[str, Any] | None:
        """Return a reading; None if it is not there, or damaged."""
        try:
            found = json.loads((self.folder / f"{key}.json").read_bytes())
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def put(self, key: str, reading: Mapping[str, Any]) -> None:
        """Keep a reading, as far as there is room; a disk that is full costs a later reading, and no run."""
        content = json.dumps(reading, ensure_ascii=False).encode("utf-8", "surrogatepass")
        if len(content) > self.most_bytes:
            return
        with suppress(OSError):
            self.folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
            handle, draft = tempfile.mkstemp(dir=self.folder)  # only its owner may read it
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(content)
                Path(draft).replace(self.folder / f"{key}.json")
            except BaseException:
                with suppress(OSError):
                    Path(draft).unlink()
                raise
        self._shrink()

    def forget(self, older_than_seconds: float) -> None:
        """Delete the readings that were made longer ago than this."""
        before = time.time() - older_than_seconds
        for made_at, _, path in self._all():
            if made_at < before:
                with suppress(OSError):
                    path.unlink()

    def _shrink(self) -> None:
        known = sorted(self._all(), reverse=True)
        size = 0
        for _, size_bytes, path in known:
            size += size_bytes
            if size > self.most_bytes:
                with suppress(OSError):
                    path.unlink()

    def _all(self) -> Iterator[tuple[float, int, Path]]:
        """Yield (Unix time, bytes, path) of what is in the folder."""
        try:
            paths = list(self.folder.iterdir())
        except OSError:
            return
        for path in paths:
            with suppress(OSError):
                facts = path.stat()
                yield facts.st_mtime, facts.st_size, path


def key_of(handle: int, options: Mapping[str, Any]) -> str:
    """Return the name of the reading of an open file with these options: a hash of both."""
    digest = hashlib.sha256(json.dumps(options, sort_keys=True).encode() + b"\n")
    at = 0
    while piece := os.pread(handle, _PIECE, at):
        digest.update(piece)
        at += len(piece)
    return digest.hexdigest()
