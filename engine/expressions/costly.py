"""Evaluate costly expressions in a child process with limits of memory and time, started on demand."""

from __future__ import annotations

import atexit
import json
import os
import select
import subprocess
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import msgspec

from engine.base import expression_limits as limits
from engine.base.errors import ExpressionError
from engine.packages.in_force import with_functions

_WALL_SECONDS = 60.0
"""Wall-clock limit, generous for a busy machine; the child itself limits its computing time."""
_LONGEST_LINE_SECONDS = 600.0
_LOOK_SECONDS = 0.2  # how often the child's time and memory are checked
_CHILD = (
    "import sys; sys.path.insert(0, sys.argv[1]); sys.path += sys.argv[3:];"
    " from engine.expressions import costly_child; costly_child.main(sys.argv[2])"
)
"""The path is passed in: isolated Python ignores this folder and the environment, and we may not be installed."""
_ROOT = str(Path(__file__).resolve().parents[2])
_PIECE = 1 << 16  # what a pipe of Linux holds
_KEPT_WITHIN = sys.platform.startswith("linux")
"""Whether the operating system enforces the memory limit."""


class Costly:
    """The child process; any thread may call, one at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def worked_out(self, source: str, program: bytes, data: Mapping[str, object]) -> Any:
        """Return the value of a serialized expression. Raises ExpressionError, also if it exceeds the limits."""
        asked = json.dumps({"source": source, "program": b64encode(program).decode(), "data": data}).encode() + b"\n"
        with self._in_turn(), limits.counted():
            answer = json.loads(self._answer(asked))
        if "value" not in answer:
            raise ExpressionError(answer["message"], remedy=answer["remedy"])
        return answer["value"]

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        """Wait in line, at no charge. Raises ExpressionTooCostly where none is allowed, ExpressionError."""
        limits.require_allowed()
        if not self._lock.acquire(timeout=_LONGEST_LINE_SECONDS):
            raise ExpressionError(
                f"Other costly expressions were worked out for {_LONGEST_LINE_SECONDS:g} s; this one was not begun.",
                remedy="Try again later, or run fewer workflows with costly expressions at once.",
            )
        try:
            yield
        finally:
            self._lock.release()

    def close(self) -> None:
        """End the process, if there is one; the next expression starts another."""
        with self._lock:
            process, self._process = self._process, None
            if process is not None:
                _end(process)

    def _answer(self, asked: bytes) -> bytes:
        process = self._living()
        try:
            return _exchange(process, asked)
        except BaseException:
            self._process = None
            _end(process)
            raise

    def _living(self) -> subprocess.Popen[bytes]:
        process = self._process
        if process is not None and process.poll() is None and _is_listening(process):
            return process
        if process is not None:
            _end(process)
        self._process = _started()
        return self._process


def _started() -> subprocess.Popen[bytes]:
    # The environment holds secrets, and expressions work on untrusted text: the child gets none of it.
    given = with_functions()
    folders = dict.fromkeys(one.folder for one in given)
    command = [sys.executable, "-I", "-c", _CHILD, _ROOT, msgspec.json.encode(given).decode(), *folders]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}, bufsize=0
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        os.set_blocking(process.stdin.fileno(), False)  # a child that reads nothing must not hold this thread up
        _read_line(process, time.monotonic() + _WALL_SECONDS)
    except BaseException:
        _end(process)
        raise
    return process


def _is_listening(process: subprocess.Popen[bytes]) -> bool:
    """Return whether an idle process still listens: it closes its end after a long time without requests."""
    assert process.stdout is not None
    return not _is_ready(process.stdout, select.POLLIN, 0)


def _is_ready(stream: IO[bytes], event: int, seconds: float) -> bool:
    """Return whether a pipe can be read or written, or has ended; unlike select, for file numbers over 1,024, too."""
    poll = select.poll()
    poll.register(stream, event)
    return bool(poll.poll(seconds * 1000))


def _exchange(process: subprocess.Popen[bytes], asked: bytes) -> bytes:
    assert process.stdin is not None
    ends_at = time.monotonic() + _WALL_SECONDS
    ahead = memoryview(asked)
    while ahead:
        _look(process, ends_at)
        if _is_ready(process.stdin, select.POLLOUT, _LOOK_SECONDS):
            try:
                ahead = ahead[os.write(process.stdin.fileno(), ahead[:_PIECE]) :]
            except BrokenPipeError:
                raise _ended(process) from None
    return _read_line(process, ends_at)


def _read_line(process: subprocess.Popen[bytes], ends_at: float) -> bytes:
    assert process.stdout is not None
    pieces: list[bytes] = []
    while not (pieces and pieces[-1].endswith(b"\n")):
        _look(process, ends_at)
        if _is_ready(process.stdout, select.POLLIN, _LOOK_SECONDS):
            piece = os.read(process.stdout.fileno(), _PIECE)
            if not piece:
                raise _ended(process)
            pieces.append(piece)
    return b"".join(pieces)


def _look(process: subprocess.Popen[bytes], ends_at: float) -> None:
    """Raise ExpressionError if the process takes too long, or too much memory where the system does not limit it."""
    if time.monotonic() > ends_at:
        raise limits.too_slow()
    if not _KEPT_WITHIN and _resident_bytes(process.pid) > 2 * limits.MEMORY_BYTES:
        raise limits.too_hungry()


def _resident_bytes(pid: int) -> int:
    shown = subprocess.run(["/bin/ps", "-o", "rss=", "-p", str(pid)], capture_output=True, check=False)
    return int(shown.stdout or 0) * 1024


def _ended(process: subprocess.Popen[bytes]) -> ExpressionError:
    """Return the error for a process that ended early: SIGPROF means too slow, anything else out of memory."""
    import signal

    with suppress(subprocess.TimeoutExpired):
        process.wait(_LOOK_SECONDS * 10)
    return limits.too_slow() if process.returncode == -signal.SIGPROF else limits.too_hungry()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()


costly = Costly()
"""The only instance: costly expressions wait in line for it."""
atexit.register(costly.close)
