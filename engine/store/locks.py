"""Locks that the operating system frees when a process ends: of each owner of runs, and of the one server."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from engine.environment import PARENT_VARIABLE
from engine.errors import InUse
from engine.workspace.files import storage_errors


def is_locked(folder: Path, owner: str) -> bool:
    """Tell whether the process behind an owner id still holds its lock."""
    try:
        with (folder / f"{owner}.lock").open(encoding="ascii") as lock:
            # Shared: two processes that look at once must not take each other for the owner.
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


class ServeLock:
    """One `serve` per workspace; the file names the process that a person would have to stop."""

    def __init__(self, folder: Path) -> None:
        with storage_errors(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = (folder / "serve.lock").open("a+", encoding="ascii")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.seek(0)
            pid = self._file.read().strip()
            self._file.close()
            raise InUse(
                f"This workspace is already served by process {pid or 'unknown'}.",
                remedy="Use that one (`orchestra login-link`), or stop it first.",
            ) from error
        self._file.truncate(0)
        self._file.write(str(_process_to_stop()))
        self._file.flush()

    def close(self) -> None:
        """Let another process serve."""
        self._file.close()


def _process_to_stop() -> int:
    """Return the pid of the parent that would start this process again, else its own."""
    return os.getppid() if os.environ.get(PARENT_VARIABLE) == str(os.getppid()) else os.getpid()
