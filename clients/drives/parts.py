"""Uploads in parts of a session, which goes on where a connection broke."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from msgspec import Struct

from clients.errors import InvalidRequest, ServiceError, Timeout, Unavailable
from clients.service import Service

_TRIES = 4


class UploadProgress(Struct, frozen=True):
    """How far a session is."""

    offset: int
    """Where the next part begins."""
    made: Any = None
    """The file, once the session has all of it."""


class UploadSession(Struct, frozen=True):
    """An upload session of a drive; the file appears with its last part."""

    service: Service
    part_bytes: int
    put: Callable[[int, bytes, int], UploadProgress]
    """Sends a part: where it begins, its bytes, the size of the file. Raises ServiceError."""
    state: Callable[[int], UploadProgress]
    """Asks how far a file of this size is. Raises ServiceError, also if the session is gone."""

    def sent(self, source: Path) -> Any:
        """Send a file; return the drive's description of it. An error before the last part has made nothing."""
        with source.open("rb") as file:
            return self.send(file, source.stat().st_size)

    def send(self, file: BinaryIO, size: int) -> Any:
        """Send an open file of this size."""
        now = UploadProgress(0)
        while now.made is None:
            file.seek(now.offset)
            part = file.read(self.part_bytes)
            if not part or now.offset + len(part) > size:
                raise InvalidRequest("The file changed while it was uploaded.", service=self.service.name)
            try:
                now = self._after(now.offset, part, size)
            except ServiceError as error:
                if now.offset + len(part) < size:
                    error.outcome = "not_done"
                raise
        return now.made

    def _after(self, offset: int, part: bytes, size: int) -> UploadProgress:
        """Send one part; after a broken connection the session says what it has."""
        broken: ServiceError | None = None
        for _ in range(_TRIES):
            try:
                now = self.state(size) if broken else UploadProgress(offset)
            except (Timeout, Unavailable):
                continue
            except ServiceError as error:
                raise broken or error from error  # it is gone, maybe with the last part: what became of that is unknown
            if now.made is not None or now.offset != offset:
                return now
            try:
                return self.put(offset, part, size)
            except (Timeout, Unavailable) as error:
                broken = error
        assert broken is not None
        raise broken
