"""Where models and the state of their servers lie: in the user's cache, for all workspaces."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from clients.errors import InvalidRequest
from clients.local_model.catalogue import SERVICE

PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600


def cache(part: str) -> Path:
    """Return a folder of this program in the user's cache, readable by the user only; makes it.

    A relative XDG_CACHE_HOME does not count (https://specifications.freedesktop.org/basedir-spec). Raises
    InvalidRequest.
    """
    named = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    home = named if named.is_absolute() else Path("~/.cache").expanduser()
    folder = home / "ai-orchestra" / part
    try:
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        folder.chmod(PRIVATE_FOLDER)  # refused for a folder of somebody else
    except OSError as error:
        raise InvalidRequest(
            f"The folder {folder} cannot be used: {error.strerror or error}.",
            service=SERVICE,
            remedy="Let this program write there, or name another folder in XDG_CACHE_HOME.",
        ) from error
    return folder


@contextlib.contextmanager
def try_lock(file: Path) -> Iterator[bool]:
    """Try to lock a file; yield whether that worked. The system releases it when this process ends."""
    handle = os.open(file, os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)


def is_locked(file: Path) -> bool:
    """Return whether another process holds the lock of a file."""
    try:
        handle = os.open(file, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)  # many may look at once
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
