"""Locks that are released when a process ends, however it ends: one per owner of runs, and one for the server."""

from __future__ import annotations

import fcntl
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO, Protocol

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


class Lock(Protocol):
    """The lock of a process, held until it is closed or the process ends."""

    def is_certain(self) -> bool:
        """Return whether this process still holds it, without asking anybody."""

    def close(self) -> None:
        """Release it."""


class Locks(Protocol):
    """Shows which processes are alive; any thread."""

    patience_seconds: float
    """How long a lock must have been free before its process counts as dead: it may be taking it again."""

    def hold(self, owner: str) -> Lock:
        """Take the lock of this process. Raises StorageError."""

    def is_held(self, owner: str) -> bool:
        """Return whether the process behind an owner id is alive."""

    def clear_away(self, owner: str) -> None:
        """Remove what a dead process has left of its lock."""

    def leads(self, task: str) -> bool:
        """Return whether this process does a task that only one may do; it does until it ends or loses the state."""

    def close(self) -> None:
        """Lead no more."""


class FileLock:
    """A locked file: only closing it, or the end of the process, releases it."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def is_certain(self) -> bool:
        """Return whether this process still holds it."""
        return not self._file.closed

    def close(self) -> None:
        """Release it."""
        self._file.close()


class FileLocks:
    """Locks on files, which the operating system releases: for the processes of one machine."""

    patience_seconds = 0.0

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._leading = threading.Lock()
        self._led: dict[str, IO[str]] = {}

    def hold(self, owner: str) -> Lock:
        """Take the lock of this process. Raises StorageError."""
        with storage_errors(self._folder):
            lock = open_private(self._folder / f"{owner}.lock", "w")
            fcntl.flock(lock, fcntl.LOCK_EX)  # waits for processes that are just checking it: `is_locked` takes it, too
        return FileLock(lock)

    def is_held(self, owner: str) -> bool:
        """Return whether the process behind an owner id is alive."""
        return is_locked(self._folder, owner)

    def clear_away(self, owner: str) -> None:
        """Remove the file of a dead process; a living one keeps it."""
        with suppress(OSError):  # a file that stays does no harm: nobody holds its lock
            if not is_locked(self._folder, owner):
                (self._folder / f"{owner}.lock").unlink(missing_ok=True)

    def leads(self, task: str) -> bool:
        """Return whether this process does a task that only one may do; it does until it ends."""
        with self._leading:
            if task not in self._led:
                file = self._taken(task)
                if file is None:
                    return False
                self._led[task] = file
            return True

    def _taken(self, task: str) -> IO[str] | None:
        """Return the locked file of a task; None if another process has it, or the disk refuses."""
        try:
            file = open_private(self._folder / f"{task}.lead", "w")
        except OSError:
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return None
        return file

    def close(self) -> None:
        """Lead no more."""
        with self._leading:
            while self._led:
                self._led.popitem()[1].close()


class ServeLock:
    """The lock that allows one `serve` per workspace; its file names the process to stop."""

    def __init__(self, folder: Path) -> None:
        with storage_errors(folder):
            make_folder(folder, PRIVATE_FOLDER)
            self._file = open_private(folder / "serve.lock", "a+")  # "w" would erase the pid of whoever has the lock
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
