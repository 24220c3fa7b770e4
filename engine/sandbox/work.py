"""Run a command of a person's in a child with a folder to write in, and take from there only plain files."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from clients.errors import InvalidRequest, LimitExceeded, SandboxMissing, Timeout
from engine.base.threads import abandoned
from engine.sandbox import child, left_files
from engine.sandbox.child import ChildPipe, ChildResult, Heard
from engine.sandbox.left_files import LeftFile, TooManyFiles
from engine.sandbox.limits import ChildLimits
from engine.sandbox.walls import ChildRoom, lack, walls

CHILD = Path(__file__).with_name("inside") / "command.py"
_HEADS = 2
"""What names add to the bytes of files, at most, with many small files."""
_LOOK_SECONDS = 0.1
_ROOM_TO_BE_SEEN = 16
"""How many processes more than its limit a command may start before the system stops it: the watch sees these."""
_EVERYTHING = (".",)
_NOTHING: Mapping[str, str] = {}
_turn = threading.BoundedSemaphore(max(2, os.cpu_count() or 2))
"""Commands at a time. Not the turn of readers, which would wait for minutes."""


def run(
    command: Sequence[str],
    limits: ChildLimits,
    room: ChildRoom,
    *,
    cancelled: threading.Event | None = None,
    environment: Mapping[str, str] = _NOTHING,
    leaves: Sequence[str] = _EVERYTHING,
    left_bytes: int = 0,
    heard: Heard | None = None,
) -> ChildResult:
    """Run a command in the folder `/w`; `left` of its end is what it left there (`files`). Blocking.

    Its stdin is empty; `environment`, a few kilobytes, is added to its variables. `leaves` are the files and folders in
    `/w` that it leaves, with `left_bytes` at most; `heard` gets what it writes, as it comes. Raises
    SandboxMissing where bubblewrap does not work: there is no such folder then.
    """
    if walls() is None:
        raise SandboxMissing("This machine has no sandbox to run code in.", remedy=lack())
    with turns(cancelled or abandoned()):
        read, write = os.pipe()
        most = str(limits.processes + _ROOM_TO_BE_SEEN) if _counts_by_namespace() else ""
        request = arguments(limits, environment, leaves, proxy=room.proxy, left=str(write), processes=most)
        left = ChildPipe(read, write, left_bytes or _HEADS * room.work_bytes)
        # -S: it needs no packages, and looking for them takes longer than all else that Python does at its start.
        script = ["-S", str(CHILD), *request, *command]
        try:
            return child.ended(script, limits, room=room, left=left, cancelled=cancelled, heard=heard)
        finally:
            os.close(read)


@cache
def _counts_by_namespace() -> bool:
    """Return whether RLIMIT_NPROC counts the processes in the sandbox alone, as Linux does since 5.14.

    Before, it counts all of the same user. Those of root are not counted at all.
    """
    release = re.match(r"(\d+)\.(\d+)", os.uname().release)
    return release is not None and (int(release[1]), int(release[2])) >= (5, 14)


def arguments(limits: ChildLimits, environment: Mapping[str, str], leaves: Sequence[str], **more: str) -> list[str]:
    """Return what stands before a command for inside/command.py."""
    named = {"limits": ",".join(f"{name}={most}" for name, most in limits.of_process().items())}
    named |= {"leaves": ":".join(leaves), **more}
    given = [f"{name}={value}" for name, value in named.items() if value]
    return [*given, *(f"env={name}={value}" for name, value in environment.items()), "--"]


@contextmanager
def turns(cancelled: threading.Event | None, turn: threading.Semaphore = _turn) -> Iterator[None]:
    """Wait for a turn; what was cancelled meanwhile is ended as soon as it begins."""
    while not turn.acquire(timeout=_LOOK_SECONDS):
        if cancelled is not None and cancelled.is_set():
            raise Timeout("It was cancelled before its turn.", outcome="not_done")
    try:
        yield
    finally:
        turn.release()


def files(left: bytes, *, most: int, bytes_most: int) -> list[LeftFile]:
    """Return the plain files that a command has left; folders, links and devices are not among them.

    Raises LimitExceeded if there are more files, or more bytes in all, InvalidRequest if they cannot be read.
    """
    try:
        return list(left_files.read(left, most=most, bytes_most=bytes_most))
    except TooManyFiles as error:
        raise LimitExceeded(f"The program left {error}.", remedy="Let it leave less.") from None
    except ValueError as error:
        raise InvalidRequest(f"What the program left cannot be read: {error}.", remedy="Run it again.") from None
