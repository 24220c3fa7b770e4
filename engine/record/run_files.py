"""Files in runs: what a step returns is stored beside the run's log, and read again for the step that uses it."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

from clients.errors import InvalidRequest
from engine.base.names import RUN_ID, run_day
from engine.base.plain_values import whole_text
from engine.base.run_file import FileContent, RunFile
from engine.files.atomic import write_hashed

_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_OWNER = re.compile(r'"\$file":"\d{8}T\d{6}Z-[a-z2-7]{8}\.files/')
_REMEDY = "The step that gave it must run again: start a new run, or `orchestra runs rerun RUN`."


class RunFiles:
    """Stores the files of one run, and reads those of any run: a called run uses files of its caller.

    A file is stored in `<run_id>.files` under its SHA-256, so that its name proves its content: data from outside that
    imitates a reference opens only what its author already knew.
    """

    def __init__(self, logs: Path, run_id: str) -> None:
        self._logs, self._run_id = logs, run_id

    def kept(self, file: FileContent) -> dict[str, Any]:
        """Store a file and return its reference {$file, name, bytes, media_type} once it is on disk. Blocking.

        Raises StorageError.
        """
        path = write_hashed(self._folder(self._run_id), file.content)
        return {
            "$file": f"{path.parent.name}/{path.name}",
            "name": whole_text(file.name),
            "bytes": len(file.content),
            "media_type": whole_text(file.media_type),
        }

    def read(self, file: RunFile) -> bytes:
        """Return the content of a file. Blocking.

        Raises InvalidRequest if it is gone, was changed or is not a file: steps read files before they send anything.
        """
        path = self._path(file.place)
        if path is None:
            raise _unreadable(f"{file.place[:100]!r} is not a file of a run.")
        try:
            content = path.read_bytes()
        except OSError as error:
            raise _unreadable(f"{file.name!r} is gone: {path} ({error.strerror or error}).") from error
        if hashlib.sha256(content).hexdigest() != path.name:
            raise _unreadable(f"{file.name!r} was changed since it was written: {path}.")
        return content

    def _path(self, place: str) -> Path | None:
        folder, _, digest = place.partition("/")
        run_id = folder.removesuffix(".files")
        if folder == run_id or not RUN_ID.match(run_id) or not _DIGEST.match(digest):
            return None
        return self._folder(run_id) / digest

    def _folder(self, run_id: str) -> Path:
        return self._logs / run_day(run_id) / f"{run_id}.files"


def _unreadable(said: str) -> InvalidRequest:
    return InvalidRequest(said, remedy=_REMEDY, outcome="not_done")


def without_owners(text: str) -> str:
    """Return JSON text in which files are named by content only, so that equal files of different runs are equal."""
    return _OWNER.sub('"$file":"', text) if '"$file"' in text else text
