"""Files in runs: what a step returns is stored beside the run's log, and read again for the step that uses it."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from clients.errors import InvalidRequest
from engine.base.errors import OrchestraError
from engine.base.json_text import whole_text
from engine.base.names import run_day
from engine.base.run_file import FileContent, RunFile, owner_of
from engine.store.blobs.blobs import Blobs

_log = logging.getLogger(__name__)

_OWNER = re.compile(r'"\$file":"\d{8}T\d{6}Z-[a-z2-7]{8}\.files/')
_GONE, _CHANGED = "is gone", "was changed since it was written"
_REMEDY = "The step that gave it must run again: start a new run, or `orchestra runs rerun RUN`."


class RunFolder(Struct, frozen=True):
    """Where one run keeps its files and large values: each in a blob named by its SHA-256."""

    blobs: Blobs
    run_id: str

    @property
    def name(self) -> str:
        """The name of the folder, as in references."""
        return f"{self.run_id}.files"

    def put(self, data: bytes) -> str:
        """Store data and return its hash once it is durable. Raises StorageError."""
        return self.blobs.put_hashed(self._blob(""), data)

    def put_file(self, source: Path) -> str:
        """Store a copy of a local file and return its hash once it is durable. Raises StorageError."""
        return self.blobs.put_file_hashed(self._blob(""), source)

    def opened(self, digest: str) -> AbstractContextManager[Path | None]:
        """Give a local file with what is stored under a hash, None if it is gone. Raises StorageError."""
        return self.blobs.opened(self._blob(digest))

    def get(self, digest: str) -> bytes | None:
        """Return what is stored under a hash, None if it is gone. Raises InvalidFile, StorageError."""
        return self.blobs.get(self._blob(digest))

    def where(self, digest: str) -> str:
        """Return where a person finds it, for messages."""
        return self.blobs.where(self._blob(digest))

    def _blob(self, digest: str) -> str:
        return f"{run_day(self.run_id)}/{self.name}/{digest}"


class RunFiles:
    """Stores the files of one run, and reads the files of any run: a called run uses files of its caller.

    A file is stored in the folder of the run under its SHA-256, so that its name proves its content. Its name is all
    that a step needs to read it, and strangers may have seen one: `plain_json` removes names that were not given from
    the results of steps and the items of triggers, and `RunReader.require_files` checks the inputs of a run.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder

    def copied(self, file: FileContent) -> dict[str, Any]:
        """Do the same as `kept`, and leave a file that is at `path` where it is."""
        if file.path is None:
            return self.kept(file)
        return self._reference(file, file.size_bytes, self._folder.put_file(file.path))

    def kept(self, file: FileContent) -> dict[str, Any]:
        """Store a file and return its reference {$file, name, bytes, media_type} once it is on disk. Blocking.

        Raises StorageError.
        """
        size = file.size_bytes  # before `_put`, which removes a file at `path`
        return self._reference(file, size, self._put(file))

    def _reference(self, file: FileContent, size: int, digest: str) -> dict[str, Any]:
        return {
            "$file": f"{self._folder.name}/{digest}",
            "name": whole_text(file.name),
            "bytes": size,
            "media_type": whole_text(file.media_type),
        }

    def _put(self, file: FileContent) -> str:
        if file.path is None:
            return self._folder.put(file.content)
        digest = self._folder.put_file(file.path)
        file.path.unlink(missing_ok=True)
        return digest

    def read(self, file: RunFile) -> bytes:
        """Return the content of a file. Blocking.

        Raises InvalidRequest if it is gone, was changed or is not a file: steps read files before they send anything.
        """
        folder, digest = self._place(file)
        try:
            content = folder.get(digest)
        except OrchestraError as error:
            _log.warning("a file of run %s: %s", folder.run_id, error.message)
            raise _unreadable(file, folder, "cannot be read; the log of the process says why") from error
        if content is None:
            raise _unreadable(file, folder, _GONE)
        if hashlib.sha256(content).hexdigest() != digest:
            raise _unreadable(file, folder, _CHANGED)
        return content

    @contextmanager
    def path(self, file: RunFile) -> Iterator[Path]:
        """Give a local file with the content of a file of a run, to be read inside and not changed. Blocking.

        Raises InvalidRequest as `read` does. It takes no memory, however large the file is.
        """
        folder, digest = self._place(file)
        with folder.opened(digest) as path:
            if path is None:
                raise _unreadable(file, folder, _GONE)
            try:
                with path.open("rb") as content:
                    found = hashlib.file_digest(content, "sha256").hexdigest()
            except OSError as error:
                raise _unreadable(file, folder, f"cannot be read: {error.strerror}") from error
            if found != digest:
                raise _unreadable(file, folder, _CHANGED)
            yield path

    def _place(self, file: RunFile) -> tuple[RunFolder, str]:
        named = owner_of(file.place)
        if named is None:
            raise _refused(f"{file.place[:100]!r} is not a file of a run.")
        return RunFolder(self._folder.blobs, named[0]), named[1]


def _unreadable(file: RunFile, folder: RunFolder, why: str) -> InvalidRequest:
    """Return the error for a file; strangers may see it, so it names no folder of this machine."""
    return _refused(f"The file {file.name!r} of run {folder.run_id} {why}.")


def _refused(said: str) -> InvalidRequest:
    return InvalidRequest(said, remedy=_REMEDY, outcome="not_done")


def without_owners(text: str) -> str:
    """Return JSON text in which files are named by content only, so that equal files of different runs are equal."""
    return _OWNER.sub('"$file":"', text) if '"$file"' in text else text
