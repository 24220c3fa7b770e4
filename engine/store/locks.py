"""Locks that the operating system releases when a process ends: one per owner of runs, and one for the server."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from engine.base.environment import PARENT_VARIABLE
from engine.base.errors import InUse
from engine.files.atomic import PRIVATE_FOLDER, make_folder, open_private, storage_errors


def is_locked(folder: Path, owner: str) -> bool:
    """Return whether the process behind an owner id still holds its lock."""
    try:
        with (folder / f"{owner}.lock").open(encoding="ascii") as lock:
            # Shared: two processes that check at the same time must not take each other for the owner.
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


class ServeLock:
    """The lock that allows one `serve` per workspace; its file names the process to stop."""

    def __init__(self, folder: Path) -> None:
        with storage_errors(folder):
            make_folder(folder, PRIVATE_FOLDER)
            self._file = open_private(folder / "serve.lock", "a+")
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
        """Release the lock, so that another process can serve."""
        self._file.close()


def _process_to_stop() -> int:
    """Return the pid of the parent that would restart this process, else its own."""
    return os.getppid() if os.environ.get(PARENT_VARIABLE) == str(os.getppid()) else os.getpid()
