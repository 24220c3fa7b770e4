"""Child processes for what strangers wrote: a few at a time, with limits, behind walls, without the environment."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct
from msgspec.structs import replace

from engine.base.threads import abandoned
from engine.sandbox.limits import ChildLimits
from engine.sandbox.walls import ChildRoom, filtered, walls
from engine.sandbox.watch import ChildWatch, children

_BY_SIGNAL = 128
_SAID_MOST = 2000
_PIECE = 65536
# backends/bubblewrap.py promises people a look ten times a second.
_LOOK_SECONDS = 0.1
_REAPED_SECONDS = 1.0
_NO_ROOM = ChildRoom()
Heard = Callable[[str, bytes], None]
"""Gets each piece that a child writes, as it comes: (`stdout` or `stderr`, the piece). It must be quick."""
turn = threading.BoundedSemaphore(max(2, os.cpu_count() or 2))
"""Children at a time: each may take a gigabyte."""


class ChildPipe(Struct, frozen=True):
    """A pipe for what a child leaves behind."""

    read: int
    write: int
    bytes_most: int


class _Follower(Struct, frozen=True):
    """Who follows a child: gets what it writes, and may end it."""

    cancelled: threading.Event | None
    heard: Heard | None

    @property
    def is_done(self) -> bool:
        """Whether the child is to end."""
        return self.cancelled is not None and self.cancelled.is_set()

    def hear(self, name: str, piece: bytes) -> None:
        """Hand on a piece of what it writes."""
        if self.heard is not None and piece and name:
            self.heard(name, piece)


class ChildResult(Struct, frozen=True):
    """How a child ended, and what it said."""

    status: int
    """The exit status; minus the signal that ended it."""
    out: bytes
    said: str
    """The beginning of what it wrote to stderr, on one line."""
    reason: str = ""
    """Why the child was ended: `time`, `answer` (it wrote too much), `left` (it left too much), `processes`, `memory`,
    `files`, `cancelled`."""
    left: bytes = b""
    complaints: bytes = b""
    """All that it wrote to stderr."""


def ended(
    script: Sequence[str],
    limits: ChildLimits,
    *,
    content: bytes = b"",
    handles: Sequence[int] = (),
    room: ChildRoom = _NO_ROOM,
    left: ChildPipe | None = None,
    cancelled: threading.Event | None = None,
    heard: Heard | None = None,
) -> ChildResult:
    """Run a script of Python, with its arguments, to its end; the caller has taken its `turn`. Blocking.

    `script` may begin with options of Python.
    The child reads `content` from stdin, and gets the descriptors `handles`. It applies the limits of memory and
    processor time itself; this process applies the limits of time, of the answer, and of all its processes together.
    `left.write` is closed.
    It ends early if `cancelled` is set, or nobody waits for this thread.
    """
    follower = _Follower(cancelled or abandoned(), heard)
    with _readable(content) as given, contextlib.ExitStack() as until_started:
        if left is not None:
            until_started.callback(os.close, left.write)
            handles = (*handles, left.write)
        front, handles = _front(script, handles, room, until_started)
        # The environment holds secrets: the child, which reads what a stranger wrote, gets none of it.
        command = [*front, sys.executable, "-I", "-B", *script]
        return _run(command, limits, given, handles, {}, left, follower, until_started)


def supervised(
    command: Sequence[str],
    limits: ChildLimits,
    environment: Mapping[str, str],
    cancelled: threading.Event | None = None,
    heard: Heard | None = None,
) -> ChildResult:
    """Run a program of this machine to its end, whose stdin ends with this process; limits as `ended`. Blocking."""
    follower = _Follower(cancelled or abandoned(), heard)
    return _run(command, limits, subprocess.PIPE, (), environment, None, follower, contextlib.ExitStack())


def _run(
    command: Sequence[str],
    limits: ChildLimits,
    given: int | BinaryIO,
    handles: Sequence[int],
    environment: Mapping[str, str],
    left: ChildPipe | None,
    follower: _Follower,
    until_started: contextlib.ExitStack,
) -> ChildResult:
    child = _begun(command, given, handles, environment)
    try:
        until_started.close()
        return _awaited(child, limits, left, follower)
    finally:
        kill(child)


def begun(
    script: Sequence[str], handles: Sequence[int], room: ChildRoom, until_started: contextlib.ExitStack
) -> subprocess.Popen[bytes]:
    """Start a script as `ended` does, with a pipe as its stdin; the caller ends it with `kill`."""
    front, handles = _front(script, handles, room, until_started)
    return _begun([*front, sys.executable, "-I", "-B", *script], subprocess.PIPE, handles, {})


def _begun(
    command: Sequence[str], given: int | BinaryIO, handles: Sequence[int], environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=tuple(handles),
        env=environment,
        start_new_session=True,  # a group of its own, which `end` kills as a whole
    )


@contextlib.contextmanager
def _readable(content: bytes) -> Iterator[int | BinaryIO]:
    """Give what a child may read as its stdin, and cannot write to."""
    if not content:
        yield subprocess.DEVNULL
        return
    with contextlib.ExitStack() as until_read:
        # Opened again for reading only; when the child starts, the file has no name left by which to open it.
        with tempfile.NamedTemporaryFile() as written:
            written.write(content)
            written.flush()
            given = until_read.enter_context(Path(written.name).open("rb"))
        yield given


def _front(
    script: Sequence[str], handles: Sequence[int], room: ChildRoom, open_until: contextlib.ExitStack
) -> tuple[list[str], tuple[int, ...]]:
    """Return what stands before the command of a child, and the descriptors to pass."""
    around = walls()
    if around is None:
        return [], tuple(handles)
    handle = open_until.enter_context(filtered(has_descriptors=not room.work_bytes))
    room = replace(room, reads=(*room.reads, next(one for one in script if not one.startswith("-"))))
    return [*around.command(room, handle), "--"], (*handles, *(() if handle is None else (handle,)))


def _awaited(
    child: subprocess.Popen[bytes], limits: ChildLimits, left: ChildPipe | None, follower: _Follower
) -> ChildResult:
    """Read what the child says until it ends, takes too much or is cancelled."""
    assert child.stdout is not None
    assert child.stderr is not None
    out, words, rest = child.stdout.fileno(), child.stderr.fileno(), left.read if left else -1
    most = {out: limits.answer_bytes, words: limits.said_bytes} | ({rest: left.bytes_most} if left else {})
    said: dict[int, bytearray] = {pipe: bytearray() for pipe in most}
    watch, reason = ChildWatch(child.pid, limits), ""
    names = {out: "stdout", words: "stderr"}

    def hear(pipe: int, piece: bytes) -> None:
        follower.hear(names.get(pipe, ""), piece)

    for found in _reasons(child, most, said, time.monotonic() + limits.wall_seconds, rest, hear):
        reason = found or ("cancelled" if follower.is_done else watch.excess())
        if reason:
            break
    if reason:
        kill(child)
    status = child.wait()
    if _BY_SIGNAL < status < 2 * _BY_SIGNAL:  # how shells and bubblewrap report a signal
        status = _BY_SIGNAL - status
    sentence = " ".join(said[words][:_SAID_MOST].decode("utf-8", "replace").split())
    return ChildResult(
        status, bytes(said[out]), sentence, reason, bytes(said[rest]) if left else b"", bytes(said[words])
    )


def _reasons(
    child: subprocess.Popen[bytes],
    most: Mapping[int, int],
    said: Mapping[int, bytearray],
    until: float,
    rest: int,
    hear: Callable[[int, bytes], None],
) -> Iterator[str]:
    """Read until the child has ended; yield now and then, with a reason to end it if there is one."""
    looked = time.monotonic()
    with selectors.DefaultSelector() as waiting:
        for pipe in most:
            waiting.register(pipe, selectors.EVENT_READ)
        while waiting.get_map() or child.poll() is None:
            if not waiting.get_map():  # it has closed its pipes, and still runs
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(_LOOK_SECONDS)
            for key, _ in waiting.select(_LOOK_SECONDS) if waiting.get_map() else ():
                piece, free = os.read(key.fd, _PIECE), most[key.fd] - len(said[key.fd])
                said[key.fd].extend(piece[:free])
                hear(key.fd, piece[:free])
                if not piece:
                    waiting.unregister(key.fd)
                elif len(piece) > free:
                    yield "left" if key.fd == rest else "answer"
            if time.monotonic() > until:
                yield "time"
            if time.monotonic() - looked >= _LOOK_SECONDS:
                yield ""
                looked = time.monotonic()


def kill(child: subprocess.Popen[bytes]) -> None:
    """End a child and all that it started; leave nothing for somebody else to clear away."""
    end(child)
    for pipe in (child.stdin, child.stdout, child.stderr):
        if pipe is not None:
            pipe.close()


def end(child: subprocess.Popen[bytes]) -> None:
    """End a child and all that it started; its pipes stay open."""
    if child.poll() is None:
        # What it started first: then it clears that away itself, and no dead process is left to this machine's init.
        for one in children(child.pid):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(one, signal.SIGKILL)
        if children(child.pid):
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(_REAPED_SECONDS)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
    child.wait()
