"""A warm process that has the stand-ins imported and forks one for each `python -m demo`: half a second less for each.

`python -m tests.warm_demo SOCKET`: each connection sends one line of JSON with three files (standard input, output and
error) and hears the process's id, and later its exit code. It ends when its standard input closes; the stand-ins end
with theirs, as ever.
"""

from __future__ import annotations

import atexit
import json
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Any

_REPOSITORY = Path(__file__).resolve().parents[1]
_KILLED = -signal.SIGKILL


class _Warm:
    """The warm process of this one."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="orchestra-demo-"))
        self.socket = str(self._folder / "forks")
        command = [sys.executable, "-m", "tests.warm_demo", self.socket]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=_REPOSITORY)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=20)
        self._process.stdout.close()
        shutil.rmtree(self._folder, ignore_errors=True)


@cache
def _warm(_owner: int) -> _Warm:
    """Start it, at the first call of a process."""
    warm = _Warm()
    atexit.register(warm.close)
    return warm


class Process:
    """A forked `python -m demo`, as `subprocess.Popen` shows it."""

    def __init__(self, arguments: list[str], stdin: int | None, stdout: int, stderr: int) -> None:
        self.returncode: int | None = None
        self.stdin: IO[str] | None = None
        self.stdout: IO[str] | None = None
        ours: list[int] = []
        theirs = [os.open(os.devnull, os.O_RDONLY) if stdin is None else stdin, stdout, stderr]
        for number, is_read in ((0, True), (1, False)):
            if theirs[number] == subprocess.PIPE:
                reading, writing = os.pipe()
                theirs[number], own = (reading, writing) if is_read else (writing, reading)
                ours.append(theirs[number])
                opened = os.fdopen(own, "w" if is_read else "r", encoding="utf-8")
                self.stdin, self.stdout = (opened, self.stdout) if is_read else (self.stdin, opened)
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.connect(_warm(os.getpid()).socket)
        job = {"arguments": arguments, "environment": dict(os.environ), "folder": str(Path.cwd())}
        socket.send_fds(self._connection, [json.dumps(job).encode() + b"\n"], theirs)
        for one in (*ours, *(theirs[:1] if stdin is None else [])):
            os.close(one)
        self._answers = self._connection.makefile()
        self.pid = int(self._answers.readline())

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end."""
        if self.returncode is None:
            if not select.select([self._connection], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(["demo"], timeout or 0)
            self.returncode = int(self._answers.readline() or _KILLED)
            self._answers.close()
            self._connection.close()
        return self.returncode

    def poll(self) -> int | None:
        """Tell how it ended, if it has."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def __del__(self) -> None:
        """Close what `wait` would: stand-ins that others use are not waited for."""
        self._answers.close()
        self._connection.close()

    def kill(self) -> None:
        """Kill it."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)


class Subprocess:
    """In place of the module, where the engine starts stand-ins."""

    PIPE, TimeoutExpired = subprocess.PIPE, subprocess.TimeoutExpired

    @staticmethod
    def Popen(command: list[str], *, stdin: int, stdout: int, **_: object) -> Process:
        """Start the stand-ins."""
        return Process(_arguments(command), stdin, stdout, 2)

    @staticmethod
    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            code = Process(_arguments(command), None, out.fileno(), err.fileno()).wait()
            for file in (out, err):
                file.seek(0)
            return subprocess.CompletedProcess(command, code, out.read(), err.read())


def _arguments(command: list[str]) -> list[str]:
    assert command[:3] == [sys.executable, "-m", "demo"], command
    return command[3:]


def main() -> None:
    """Fork for every connection."""
    from demo import __main__, stand_ins

    stand_ins.load_all()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(sys.argv[1])
    listener.listen(64)
    signal.signal(signal.SIGCHLD, _reap)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        ready, _, _ = select.select([listener, sys.stdin], [], [])
        if sys.stdin in ready:
            return
        connection, _ = listener.accept()
        text, files = _received(connection)
        if os.fork() == 0:
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _accompany(__main__.main, json.loads(text), files, connection)
        connection.close()
        for one in files:
            os.close(one)


def _reap(*_: object) -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _received(connection: socket.socket) -> tuple[bytes, list[int]]:
    text, files, _, _ = socket.recv_fds(connection, 1 << 16, 3)
    while not text.endswith(b"\n"):
        text += connection.recv(1 << 16)
    return text, files


def _accompany(work: Any, job: dict[str, Any], files: list[int], connection: socket.socket) -> None:
    """Fork the process that works, and say its id and how it ends."""
    pid = os.fork()
    if pid == 0:
        connection.close()
        os._exit(_worked(work, job, files))
    for one in (0, 1, *files):
        os.close(one)
    connection.sendall(f"{pid}\n".encode())
    _, status = os.waitpid(pid, 0)
    with suppress(OSError):  # nobody may wait for it
        connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _worked(work: Any, job: dict[str, Any], files: list[int]) -> int:
    try:
        os.setpgid(0, 0)
        for number, one in enumerate(files):
            os.dup2(one, number)
            os.close(one)
        os.environ.clear()
        os.environ.update(job["environment"])
        time.tzset()
        os.chdir(job["folder"])
        random.seed()
        code = int(work(job["arguments"]))
        sys.stdout.flush()
        return code
    except BaseException:  # noqa: BLE001 - said where the process itself would say it
        traceback.print_exc()
        return 1
    finally:
        sys.stderr.flush()


if __name__ == "__main__":
    main()
