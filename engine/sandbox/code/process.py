"""A program behind walls that is talked to through its stdin and stdout, line by line, such as an MCP server."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from clients.client import Program
from clients.errors import InvalidRequest, SandboxMissing
from engine.base.threads import abandoned
from engine.sandbox import child
from engine.sandbox.backends.backend import SOCKET
from engine.sandbox.backends.bubblewrap import TRUSTED
from engine.sandbox.code.proxy import ProxySession, opened
from engine.sandbox.code.running import PROXY, shown
from engine.sandbox.limits import WRITABLE, ChildLimits
from engine.sandbox.walls import ChildRoom, lack, shown_folders, walls
from engine.sandbox.watch import ChildWatch
from engine.sandbox.work import CHILD, arguments, turns

_MB, _KB = 1024**2, 1024
_PLACES = "/usr/local/bin:/usr/bin:/bin"
_OWN_MB = 128
"""What an interpreter needs itself, beyond what its program may take."""
_ENV = "/usr/bin/env"
"""Runs any program: inside/command.py takes what ends in `.py` for its own."""
_LOOK_SECONDS = 0.1
_ENDING_SECONDS = 0.5
"""How long a program may take to end by itself once its stdin is closed."""
_LAST_WORDS_SECONDS = 0.5
"""How long its stderr is read once its stdout has ended: what it has started may hold it open for ever."""
_NOTHING = "nothing"
"""What it leaves."""
_SAID_BYTES = 64 * _KB
_SHOWN = 500
_PIECE = 65536
_NO_FOLDERS = ("/", "/dev", "/proc", "/run", "/sys", "/var/run", *WRITABLE)
"""What the sandbox has of its own, or where programs of this machine listen."""
_turn = threading.BoundedSemaphore(8)
"""Programs at a time."""


class SandboxProcess:
    """A running program, and why it was ended: `time`, `answer`, `processes`, `memory`, `files`, `cancelled`."""

    def __init__(self, process: subprocess.Popen[bytes], limits: ChildLimits) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self.reason = ""
        self._process, self._limits = process, limits
        self._in, self._out, self._err = process.stdin.fileno(), process.stdout.fileno(), process.stderr.fileno()
        self._unread, self._read_bytes, self._said = b"", 0, bytearray()
        self._cancelled, self._is_over = abandoned(), threading.Event()
        self._has_ended = False
        """Whether its stdout has ended."""
        self._has_said_all = threading.Event()
        # A thread that nobody waits for must not use a descriptor that has become another file's.
        self._writing, self._reading = threading.Lock(), threading.Lock()

    def write(self, data: bytes) -> None:
        """Write to its stdin. Blocking. Raises OSError once it has ended."""
        with self._writing:
            while data:
                if self._is_over.is_set():
                    raise BrokenPipeError
                data = data[os.write(self._in, data) :]

    def line(self) -> bytes:
        """Return the next line of its stdout, with its end; empty once it has ended or has written too much. Blocking.

        What follows the last line is not a line.
        """
        with self._reading:
            return self._next_line()

    def _next_line(self) -> bytes:
        while b"\n" not in self._unread:
            piece = b"" if self._is_over.is_set() else os.read(self._out, _PIECE)
            self._has_ended = not piece
            self._read_bytes += len(piece)
            if self._read_bytes > self._limits.answer_bytes:
                self.end("answer")
            if not piece or self.reason:
                return b""
            self._unread += piece
        found, _, self._unread = self._unread.partition(b"\n")
        return found + b"\n"

    @property
    def complaint(self) -> str:
        """The last line that it has written to stderr. May block for a moment: the last may not be read yet."""
        if self._has_ended or self._process.poll() is not None:
            self._has_said_all.wait(_LAST_WORDS_SECONDS)
        lines = [one.strip() for one in shown(bytes(self._said)).splitlines() if one.strip()]
        return lines[-1][:_SHOWN] if lines else ""

    def end(self, reason: str) -> None:
        """End it with all that it has started."""
        self.reason = self.reason or reason
        child.end(self._process)

    def watch(self) -> None:
        """Keep it to its limits until it is over, and read what it complains about."""
        watch, until = ChildWatch(self._process.pid, self._limits), time.monotonic() + self._limits.wall_seconds
        reading = threading.Thread(target=self._listen, name="program-stderr", daemon=True)
        reading.start()
        while not self._is_over.wait(_LOOK_SECONDS) and self._process.poll() is None:
            is_cancelled = self._cancelled is not None and self._cancelled.is_set()
            reason = "time" if time.monotonic() > until else "cancelled" if is_cancelled else watch.excess()
            if reason:
                self.end(reason)
        reading.join()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while piece := os.read(self._err, _PIECE):
                self._said = (self._said + piece)[-_SAID_BYTES:]
        self._has_said_all.set()

    def close(self, watching: threading.Thread) -> None:
        """End it, and leave nothing behind."""
        self._is_over.set()
        # A writer that waits for the program holds this lock until the program has ended, below.
        if self._writing.acquire(blocking=False):
            self._close_in()
            self._writing.release()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_ENDING_SECONDS)
        child.end(self._process)
        watching.join()
        with self._reading, self._writing:
            self._close_in()
            child.kill(self._process)

    def _close_in(self) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()


@contextlib.contextmanager
def talking(program: Program, root: Path, private: Sequence[Path]) -> Iterator[SandboxProcess]:
    """Start a program of a workspace behind walls, and end it with all that it has started.

    It sees nothing but the system, its folders (never one with a `private` file), and its own environment. Raises
    SandboxMissing, InvalidRequest (a program or a folder that is not there).
    """
    if walls() is None:
        raise SandboxMissing("This machine has no sandbox to run the connection's program in.", remedy=lack())
    folders = [_folder(root, one, private) for one in program.folders]
    command = (_ENV, _found(root, program.command[0], folders), *program.command[1:])
    limits = _limits(program)
    way = ProxySession.to(program.hosts, program.private_hosts) if program.hosts else None
    with (
        tempfile.TemporaryDirectory(prefix="orchestra-program-") as place,
        turns(abandoned(), _turn),
        contextlib.ExitStack() as until_done,
    ):
        if way is not None:
            until_done.enter_context(opened(way, Path(place)))
        room = ChildRoom(
            TRUSTED if way else (),
            program.disk_mb * _MB,
            (*folders, (place, "/network")),
            f"/network/{SOCKET}" if way else "",
        )
        environment = {"PATH": _PLACES, **(PROXY if way else {}), **program.environment}
        running = until_done.enter_context(_started(command, environment, limits, room))
        yield running


@contextlib.contextmanager
def _started(
    command: Sequence[str], environment: Mapping[str, str], limits: ChildLimits, room: ChildRoom
) -> Iterator[SandboxProcess]:
    with contextlib.ExitStack() as until_started:
        nowhere, secrets = os.open(os.devnull, os.O_WRONLY), _unseen(environment)
        until_started.callback(os.close, nowhere)
        until_started.callback(os.close, secrets)
        given = arguments(limits, {}, (_NOTHING,), proxy=room.proxy, left=str(nowhere), secrets=str(secrets))
        script = ["-S", str(CHILD), *given, *command]
        process = child.begun(script, (nowhere, secrets), room, until_started)
    running = SandboxProcess(process, limits)
    watching = threading.Thread(target=running.watch, name="program-watch", daemon=True)
    watching.start()
    try:
        yield running
    finally:
        running.close(watching)


def _unseen(environment: Mapping[str, str]) -> int:
    """Return a descriptor of memory with the variables of a program: secrets are not written to a disk."""
    handle = os.memfd_create("environment")
    with open(handle, "wb", closefd=False) as written:
        written.write("".join(f"{name}={value}\0" for name, value in environment.items()).encode())
    os.lseek(handle, 0, os.SEEK_SET)
    return handle


def _limits(program: Program) -> ChildLimits:
    memory = (program.memory_mb + _OWN_MB) * _MB
    return ChildLimits(
        memory_bytes=memory,
        data_bytes=memory,  # of address space, Node.js reserves gigabytes
        cpu_seconds=program.seconds + 1,
        wall_seconds=program.seconds,
        file_bytes=program.disk_mb * _MB,
        answer_bytes=program.output_kb * _KB,
        said_bytes=_SAID_BYTES,
        processes=program.processes,
        tree_bytes=memory,
        open_files=256,
    )


def _folder(root: Path, named: str, private: Sequence[Path]) -> tuple[str, str]:
    """Return (where a folder is, where the program sees it). Raises InvalidRequest."""
    inside = Path(os.path.normpath(root / Path(named).expanduser()))
    place, wrong = inside.resolve(), ""
    if not place.exists():
        wrong = "does not exist"
    elif str(place) in _NO_FOLDERS or str(inside) in _NO_FOLDERS or place.is_relative_to("/run"):
        wrong = "is a folder of the system that no program may see"
    elif any(one.is_relative_to(place) or place.is_relative_to(one) for one in (path.resolve() for path in private)):
        wrong = "has the secrets or the state of this workspace"
    if wrong:
        raise InvalidRequest(f"{named!r} in `folders` {wrong}.", remedy="Correct `folders` of the connection.")
    return str(place), str(inside)


def _found(root: Path, named: str, folders: Sequence[tuple[str, str]]) -> str:
    """Return the path of a program. Raises InvalidRequest if it is not there, or not in what the sandbox shows."""
    if "/" not in named:
        if found := shutil.which(named, path=_PLACES):
            return found
        raise InvalidRequest(
            f"There is no program {named!r} in {_PLACES}.",
            remedy="Install it, or write its path in `command`, with its folder in `folders`.",
        )
    path = os.path.normpath(root / Path(named).expanduser())
    if not os.access(path, os.X_OK) or Path(path).is_dir():
        raise InvalidRequest(f"{named!r} is not a program.", remedy="Correct `command` of the connection.")
    if not any(Path(path).is_relative_to(one) for one in (*shown_folders(), *(inside for _, inside in folders))):
        raise InvalidRequest(f"The sandbox does not show {named!r}.", remedy="Add its folder to `folders`.")
    return path
