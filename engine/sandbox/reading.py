"""Read untrusted files in child processes: what a file breaks or wastes is the child, never this program."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from msgspec import Struct

from clients.errors import InvalidRequest
from engine.sandbox import child
from engine.sandbox.child import ChildResult
from engine.sandbox.limits import ChildLimits
from engine.sandbox.walls import ChildRoom

_CHILD = Path(__file__).with_name("reader_child.py")
_REFUSED, _NO_MEMORY = 2, 3  # how reader_child.py exits
_REMEDY = "Give another file, or leave this one out: `on_error` of the step says what happens then."


class ReadableFile(Struct, frozen=True):
    """A file to read."""

    handle: int
    """An open descriptor; the child reads from the beginning."""
    name: str
    """What the file is called; its ending is a hint, no more."""

    @property
    def size_bytes(self) -> int:
        """Its size."""
        return os.fstat(self.handle).st_size


def read(
    given: ReadableFile,
    task: str,
    options: Mapping[str, Any],
    limits: ChildLimits | None = None,
    out: int | None = None,
    reads: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Return what a reader finds in a file (engine/sandbox/readers/tasks.py). Blocking.

    `out` is a descriptor that the child may write to, `reads` are files and folders that it needs. Raises
    InvalidRequest, with a sentence, if the file cannot be read within the limits.
    """
    limits = limits or ChildLimits()
    with child.turn:
        end = _end(given, task, options, limits, out, ChildRoom(reads))
    if end.status == 0 and not end.reason:
        answer: dict[str, Any] = json.loads(end.out)
        return answer
    raise InvalidRequest(f"{given.name!r} was not read: {_why(end, limits)}", remedy=_REMEDY)


def _why(end: ChildResult, limits: ChildLimits) -> str:
    if end.status == _REFUSED and end.said:
        return end.said
    if end.reason == "memory":
        return f"it needs more than {limits.tree_bytes // 1024**2} MB of memory."
    if end.status == _NO_MEMORY:
        return f"it needs more than {limits.memory_bytes // 1024**2} MB of memory."
    if end.reason == "answer":
        return f"it gives more than {limits.answer_bytes // 1024**2} MB."
    # SIGKILL, too: where the soft and the hard limit of RLIMIT_CPU are one, the kernel may kill at once.
    if end.reason == "time" or -end.status in (signal.SIGXCPU, signal.SIGKILL):
        return f"it takes more than {limits.cpu_seconds} s of processor time."
    return "it broke the program that reads such files."


def _end(
    given: ReadableFile, task: str, options: Mapping[str, Any], limits: ChildLimits, out: int | None, room: ChildRoom
) -> ChildResult:
    request = {
        "task": task,
        "options": dict(options),
        "handle": given.handle,
        "name": given.name,
        "out": out,
        "limits": asdict(limits),
    }
    os.lseek(given.handle, 0, os.SEEK_SET)
    handles = (given.handle,) if out is None else (given.handle, out)
    return child.ended([str(_CHILD), json.dumps(request)], limits, handles=handles, room=room)
