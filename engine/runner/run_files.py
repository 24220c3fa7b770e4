"""The files of runs: what a step gave is kept beside the run's log, and read again for the step that takes it."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

from clients.errors import InvalidRequest
from engine.names import RUN_ID, run_day
from engine.run_file import FileContent, RunFile
from engine.runner.outside_values import whole_text
from engine.workspace.files import write_hashed

_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_OWNER = re.compile(r'"\$file":"\d{8}T\d{6}Z-[a-z2-7]{8}\.files/')
_REMEDY = "The step that gave it must run again: start a new run, or `orchestra runs rerun RUN`."


class RunFiles:
    """Keeps the files of one run, and reads those of any: a called run gets files of its caller.

    A file lies in `<run_id>.files` under its SHA-256, so that its name proves its content: data from outside that
    looks like a file's reference opens nothing that its author did not know already.
    """

    def __init__(self, logs: Path, run_id: str) -> None:
        self._logs, self._run_id = logs, run_id

    def kept(self, file: FileContent) -> dict[str, Any]:
        """Keep a file, on disk when this returns; give its reference {$file, name, bytes, media_type}. Blocking.

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
        """Give the content of a file. Blocking.

        Raises InvalidRequest where it is gone, was changed or is none: steps read before they send anything.
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
    """Give JSON text with every file named by its content alone: the same file of another run is the same."""
    return _OWNER.sub('"$file":"', text) if '"$file"' in text else text
