"""Child processes for what strangers wrote: a few at a time, with limits, behind walls, without the environment."""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from engine.sandbox.limits import Limits

_BY_SIGNAL = 128
_SAID_MOST = 2000
_PIECE = 65536
_BWRAP_SECONDS = 5.0
turn = threading.BoundedSemaphore(max(2, os.cpu_count() or 2))
"""Children at a time: each may take a gigabyte."""


@dataclass(frozen=True)
class End:
    """How a child ended, and what it said."""

    status: int
    """The exit status; minus the signal that ended it."""
    out: bytes
    said: str
    reason: str = ""
    """`time` or `answer` if the child was ended because it took too long, or wrote too much."""


def ended(script: Sequence[str], limits: Limits, *, content: bytes = b"", handles: Sequence[int] = ()) -> End:
    """Run a script of Python, with its arguments, to its end; the caller has taken its `turn`. Blocking.

    The child reads `content` from stdin, and gets the descriptors `handles`. It applies the limits of memory and
    processor itself; those of time and of the answer hold here.
    """
    with tempfile.TemporaryFile() as given:
        given.write(content)
        given.seek(0)
        # The environment holds secrets: the child, which reads what a stranger wrote, gets none of it.
        child = subprocess.Popen(
            [*walls(), sys.executable, "-I", "-B", *script],
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=tuple(handles),
            env={},
            start_new_session=True,
        )
        try:
            return _awaited(child, limits)
        finally:
            _kill(child)


def _awaited(child: subprocess.Popen[bytes], limits: Limits) -> End:
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
    return End(status, out, " ".join(words.split()), reason)


def _kill(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    for pipe in (child.stdout, child.stderr):
        if pipe is not None:
            pipe.close()


@cache
def walls() -> tuple[str, ...]:
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
