"""The parent process of `orchestra serve`: it holds the ports, restarts the serving process, and starts stand-ins.

The serving process may crash, hang or be replaced; the port must survive that. So the parent opens the listening
socket and passes it on: while a new serving process starts, connections wait in the socket's queue instead of being
refused. The parent imports little and handles no requests, which makes it unlikely to fail itself. It restarts a
serving process that has died or sends no sign of life, and gives up after five that died before they answered.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from api.network import address
from api.network.address import WorkspaceAddress
from api.pulse import READY
from engine.base.checkout import CHECKOUT
from engine.base.environment import DEMO_VARIABLE, PARENT_VARIABLE, WORKSPACE_VARIABLE
from engine.base.errors import InUse, StorageError
from engine.connections.stand_in_ports import StandInPorts
from engine.files.atomic import storage_errors
from engine.files.log_files import shorten_logs
from engine.store.locks import ServeLock

LOG_NAME = "serve.log"
_LARGEST_LOG_BYTES = 5_000_000
_IN_USE_EXIT = 4
_AWAY_EXIT = 69
"""As in `api/asgi.py`, whose imports would make this process large."""
_AWAY_PAUSE_SECONDS = 2.0
_QUICK_DEATHS = 5
_FIRST_PAUSE_SECONDS = 0.25
_START_SECONDS = 60.0
_END_SECONDS = 8.0
"""Longer than the two seconds for open requests (`api/process.py`) and the five that the engine waits for a thread."""
_LOOK_SECONDS = 1.0
_LEAST_SILENCE_SECONDS = 10.0
_LEASES_OF_SILENCE = 2
_TRACE_SECONDS = 0.5
"""For the stack traces that `faulthandler` writes to the log before the process is killed."""


def require_unserved(state_dir: Path) -> None:
    """Raise InUse if another process serves this workspace, StorageError if its state cannot be written."""
    ServeLock(state_dir).close()


_ONE_HEAP = "MALLOC_ARENA_MAX"
"""glibc then has one heap for all threads: the peak of six that parse JSON at once is a fifth lower
(https://www.gnu.org/software/libc/manual/html_node/Memory-Allocation-Tunables.html)."""


class ServeParent:
    """Serves one workspace until asked to stop."""

    def __init__(
        self,
        root: Path,
        state_dir: Path,
        listener: socket.socket,
        *,
        all_demo: bool,
        public_url: str,
        ready: Callable[[WorkspaceAddress, str], None],
        say: Callable[[str], None],
    ) -> None:
        """`ready` is called once, when the first serving process answers, with a token for one sign-in.

        `say` gets a sentence whenever a serving process has died.
        """
        self.root, self.state_dir, self.listener = root, state_dir, listener
        self.all_demo, self.public_url, self.ready, self.say = all_demo, public_url, ready, say
        self._events: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._stops = self._is_announced = False
        self._token = ""
        self._patience_seconds = _LEAST_SILENCE_SECONDS
        """How long a serving process may be silent."""
        self._start_seconds = _START_SECONDS
        """How long the next one may take until it answers."""

    def run(self) -> None:
        """Serve until asked to stop.

        Raises InUse if the workspace or its state cannot be used, StorageError after five serving processes in a row
        have died before they answered.
        """
        stand_ins = StandInPorts(self.state_dir / "demo", self.say)
        with self._stops_at_signals(), self._log() as log:
            stand_ins.hold()  # before the serving process could start its own
            try:
                self._serve(stand_ins, log)
            finally:
                address.forget(self.state_dir)
                self.listener.close()
                stand_ins.close()

    def _serve(self, stand_ins: StandInPorts, log: IO[str]) -> None:
        deaths = 0
        while True:
            child = self._start(log)
            did_answer = self._accompany(child, stand_ins)
            if self._stops:
                self.listener.close()  # refuse connections at once, so that a proxy tries another server
            _end(child)
            if self._stops:
                return
            code = child.returncode
            if code == _AWAY_EXIT and self._is_announced:
                self.say("The server that keeps the state cannot be reached; it is tried again.")
                self._event(_AWAY_PAUSE_SECONDS)
                continue
            if code in (_IN_USE_EXIT, _AWAY_EXIT):  # its log says what cannot be used, with the remedy
                raise InUse(self._last_line())
            deaths = 0 if did_answer else deaths + 1
            self._bear(deaths, code)

    def _start(self, log: IO[str]) -> subprocess.Popen[bytes]:
        """Start a serving process; its standard input closes when this process ends, however it ends."""
        environment = {
            _ONE_HEAP: "1",
            **os.environ,
            WORKSPACE_VARIABLE: str(self.root),
            PARENT_VARIABLE: str(os.getpid()),
            DEMO_VARIABLE: "1" if self.all_demo else "0",
        }
        reading, writing = os.pipe()
        passed = (self.listener.fileno(), writing)
        # A new link would end the one already shown.
        options = {"socket": passed[0], "ready": passed[1], "link": not self._is_announced}
        child = subprocess.Popen(
            [sys.executable, "-m", "api.process", json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env=environment,
            cwd=CHECKOUT,
            pass_fds=passed,
            process_group=0,  # Ctrl-C reaches only this process, which ends the others in order
        )
        os.close(writing)  # while this process has it open, the pipe would not end with the child
        threading.Thread(target=self._watch, args=(child, reading), daemon=True).start()
        return child

    def _watch(self, child: subprocess.Popen[bytes], reading: int) -> None:
        """Turn the life of a serving process into events: "ready" if it gets so far, then "alive", finally "ended"."""
        with os.fdopen(reading, "rb", buffering=0) as pipe:
            said = pipe.readline()
            if said.startswith(READY):
                _, lease, self._token = said.decode("ascii").rstrip("\n").split(" ")
                self._patience_seconds = max(_LEAST_SILENCE_SECONDS, _LEASES_OF_SILENCE * float(lease))
                self._events.put("ready")
            while pipe.read(4096):
                self._events.put("alive")
        child.wait()
        self._events.put("ended")

    def _accompany(self, child: subprocess.Popen[bytes], stand_ins: StandInPorts) -> bool:
        """Wait until a serving process ends or this one is asked to stop; return whether it has answered.

        A process that is silent for too long is killed. Silence is counted in looks, not in time: while a machine
        sleeps, this process does not look either.
        """
        did_answer, silent_looks = False, 0
        ends_at = time.monotonic() + self._start_seconds
        while not self._stops:
            event = self._event(_LOOK_SECONDS)
            self._shorten_logs()
            silent_looks = 0 if event else silent_looks + 1
            if event == "ended":
                break
            if event == "ready":
                did_answer = True
                self._announce()
            elif not did_answer and time.monotonic() > ends_at:
                self._end_slow(child)
                ends_at = math.inf
            elif did_answer and silent_looks * _LOOK_SECONDS >= self._patience_seconds:
                self._end_hung(child)
            else:
                stand_ins.hold()
        return did_answer

    def _end_slow(self, child: subprocess.Popen[bytes]) -> None:
        """Kill a serving process that has not answered yet, and give the next one twice as long."""
        slow, self._start_seconds = self._start_seconds, self._start_seconds * 2
        self.say(
            f"The serving process has not answered within {slow:g} s, so it is being replaced: this machine may be "
            f"busy. The next one has {self._start_seconds:g} s."
        )
        child.kill()

    def _end_hung(self, child: subprocess.Popen[bytes]) -> None:
        """Kill a serving process that is stopped or hangs; its log shows where it was."""
        self.say(
            f"The serving process has shown no sign of life for {self._patience_seconds:g} s; it is being replaced."
        )
        child.send_signal(signal.SIGUSR1)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(_TRACE_SECONDS)
        child.kill()

    def _event(self, seconds: float) -> str:
        """Return the next event, "" if none comes in time."""
        try:
            event = self._events.get(timeout=seconds)
        except queue.Empty:
            return ""
        self._stops = self._stops or event == "stop"
        return event

    def _bear(self, deaths: int, code: int) -> None:
        """Report that the process died; pause longer after each early death in a row. Raises StorageError."""
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        if deaths >= _QUICK_DEATHS:
            raise StorageError(
                f"The serving process ended {how}, {deaths} times in a row, before it answered: {self._last_line()}",
                remedy=f"{self.state_dir / LOG_NAME} has more details.",
            )
        self.say(f"The serving process ended {how}; it is being restarted.")
        if deaths:
            self._event(_FIRST_PAUSE_SECONDS * 2 ** (deaths - 1))  # not a sleep: a stop ends the pause

    def _announce(self) -> None:
        if not self._is_announced:
            self._is_announced = True
            here = WorkspaceAddress.of(self.listener, self.public_url)
            address.note(self.state_dir, here)
            self.ready(here, self._token)

    @contextmanager
    def _stops_at_signals(self) -> Iterator[None]:
        def stop(_number: int, _frame: object) -> None:
            self._events.put("stop")

        numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        before = {number: signal.signal(number, stop) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def _log(self) -> Iterator[IO[str]]:
        """Open the log that the serving processes write to, after setting a large one aside."""
        path = self.state_dir / LOG_NAME
        with storage_errors(path):
            if path.exists() and path.stat().st_size > _LARGEST_LOG_BYTES:
                path.replace(path.with_suffix(".log.1"))
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "a", encoding="utf-8") as log:
            yield log

    def _shorten_logs(self) -> None:
        with contextlib.suppress(OSError):  # the disk is full; the serving process reports that
            shorten_logs(self.state_dir)

    def _last_line(self) -> str:
        lines = (self.state_dir / LOG_NAME).read_text(encoding="utf-8", errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "its log is empty.")


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the serving process if it is still running: in order, or by force if that takes too long."""
    child.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(_END_SECONDS)
    child.kill()
    child.wait()
    if child.stdin is not None:
        child.stdin.close()
