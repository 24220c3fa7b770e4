"""Read untrusted files in child processes: what a file breaks or wastes is the child, never this program."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from clients.errors import InvalidRequest
from engine.sandbox.limits import Limits

_CHILD = Path(__file__).with_name("reader_child.py")
_REFUSED, _NO_MEMORY = 2, 3
_BY_SIGNAL = 128
_SAID_MOST = 2000
_PIECE = 65536
_REMEDY = "Give another file, or leave this one out: `on_error` of the step says what happens then."
_BWRAP_SECONDS = 5.0
_turn = threading.BoundedSemaphore(max(2, os.cpu_count() or 2))
"""Children at a time: each may take a gigabyte."""


@dataclass(frozen=True)
class Given:
    """A file to read."""

    handle: int
    """An open descriptor; the child reads from the beginning."""
    name: str
    """What the file is called; its ending is a hint, no more."""

    @property
    def size_bytes(self) -> int:
        """Its size."""
        return os.fstat(self.handle).st_size


@dataclass(frozen=True)
class _End:
    status: int
    out: bytes
    said: str
    reason: str = ""
    """`time` or `answer` if the child was ended because it took too long, or wrote too much."""


def read(
    given: Given, task: str, options: Mapping[str, Any], limits: Limits | None = None, out: int | None = None
) -> dict[str, Any]:
    """Return what a reader finds in a file (engine/sandbox/readers/tasks.py). Blocking.

    `out` is a descriptor that the child may write to. Raises InvalidRequest, with a sentence, if the file cannot be
    read within the limits.
    """
    limits = limits or Limits()
    with _turn:
        return _read(given, task, options, limits, out)


def _read(given: Given, task: str, options: Mapping[str, Any], limits: Limits, out: int | None) -> dict[str, Any]:
    ended = _ended(given, task, options, limits, out)
    if ended.status < 0 and not ended.reason and task == "table" and not options.get("is_careful"):
        # python-calamine aborts where a small file names a cell far away; openpyxl reads only the cells that are there.
        if out is not None:
            os.ftruncate(out, 0)
        ended = _ended(given, task, {**options, "is_careful": True}, limits, out)
    if ended.status == 0 and not ended.reason:
        answer: dict[str, Any] = json.loads(ended.out)
        return answer
    raise InvalidRequest(f"{given.name!r} was not read: {_why(ended, limits)}", remedy=_REMEDY)


def _why(ended: _End, limits: Limits) -> str:
    if ended.status == _REFUSED and ended.said:
        return ended.said
    if ended.status == _NO_MEMORY:
        return f"it needs more than {limits.memory_bytes // 1024**2} MB of memory."
    if ended.reason == "answer":
        return f"it gives more than {limits.answer_bytes // 1024**2} MB."
    if ended.reason == "time" or -ended.status in (signal.SIGXCPU, signal.SIGKILL):
        return f"it takes more than {limits.cpu_seconds} s of processor time."
    return "it broke the program that reads such files."


def _ended(given: Given, task: str, options: Mapping[str, Any], limits: Limits, out: int | None) -> _End:
    request = {
        "task": task,
        "options": dict(options),
        "handle": given.handle,
        "name": given.name,
        "out": out,
        "limits": asdict(limits),
    }
    # The environment holds secrets: the child, which reads an untrusted file, gets none of it.
    command = [*_walls(), sys.executable, "-I", "-B", str(_CHILD), json.dumps(request)]
    os.lseek(given.handle, 0, os.SEEK_SET)
    handles = (given.handle,) if out is None else (given.handle, out)
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=handles,
        env={},
        start_new_session=True,
    )
    try:
        return _awaited(child, limits)
    finally:
        _kill(child)


def _awaited(child: subprocess.Popen[bytes], limits: Limits) -> _End:
    """Read what the child says until it ends, takes too long or says too much."""
    assert child.stdout is not None
    assert child.stderr is not None
    said, until, reason = {child.stdout: bytearray(), child.stderr: bytearray()}, time.monotonic(), ""
    until += limits.wall_seconds
    with selectors.DefaultSelector() as waiting:
        for pipe in said:
            waiting.register(pipe, selectors.EVENT_READ)
        while waiting.get_map() and not reason:
            ready = waiting.select(max(until - time.monotonic(), 0))
            reason = "" if ready else "time"
            for key, _ in ready:
                ready_one: Any = key.fileobj
                piece = os.read(key.fd, _PIECE)
                said[ready_one] += piece
                if not piece:
                    waiting.unregister(ready_one)
                elif len(said[ready_one]) > (limits.answer_bytes if ready_one is child.stdout else _PIECE):
                    reason = "answer"
    if reason:
        _kill(child)
    out, words = bytes(said[child.stdout]), said[child.stderr][:_SAID_MOST].decode("utf-8", "replace")
    status = child.wait()
    if _BY_SIGNAL < status < 2 * _BY_SIGNAL:  # as shells and bubblewrap tell of a signal
        status = _BY_SIGNAL - status
    return _End(status, out, " ".join(words.split()), reason)


def _kill(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    for pipe in (child.stdout, child.stderr):
        if pipe is not None:
            pipe.close()


@cache
def _walls() -> tuple[str, ...]:
    """Return the command that takes network and writing away from what follows it; () where that does not work."""
    program = shutil.which("bwrap")
    if program is None:
        return ()
    walls = (
        *(program, "--unshare-user", "--unshare-net", "--unshare-pid", "--unshare-ipc", "--die-with-parent"),
        *("--cap-drop", "ALL", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--chdir", "/", "--"),
    )
    try:
        tried = subprocess.run(
            [*walls, sys.executable, "-I", "-c", ""], capture_output=True, timeout=_BWRAP_SECONDS, check=False, env={}
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return walls if tried.returncode == 0 else ()
