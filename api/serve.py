"""`orchestra serve`: a small parent that holds the port and the stand-ins, and starts the serving process again."""

from __future__ import annotations

import contextlib
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
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from api import address
from api.address import Address
from api.process import READY
from engine.checkout import CHECKOUT
from engine.connections.stand_ins import StandInProcess
from engine.environment import DEMO_VARIABLE, PARENT_VARIABLE, WORKSPACE_VARIABLE
from engine.errors import InUse, StorageError
from engine.store.locks import ServeLock
from engine.workspace.files import storage_errors

LOG_NAME = "serve.log"
_LARGEST_LOG_BYTES = 5_000_000
_IN_USE_EXIT = 4
_QUICK_DEATHS = 5
_FIRST_PAUSE_SECONDS = 0.25
_START_SECONDS = 60.0
_END_SECONDS = 8.0
_LOOK_SECONDS = 1.0


def require_unserved(state_dir: Path) -> None:
    """Raise InUse where another process serves this workspace, StorageError where its state cannot be written."""
    ServeLock(state_dir).close()


@dataclass
class Parent:
    """Serves one workspace until it is told to stop.

    `ready` is called once, when the first serving process answers, with a token for one sign-in; `say` gets a
    sentence whenever one has died.
    """

    root: Path
    state_dir: Path
    listener: socket.socket
    all_demo: bool
    ready: Callable[[Address, str], None]
    say: Callable[[str], None]
    _events: queue.SimpleQueue[str] = field(default_factory=queue.SimpleQueue)
    _stops: bool = False
    _is_announced: bool = False
    _token: str = ""

    def run(self) -> None:
        """Serve until told to stop.

        Raises InUse where the workspace or its state cannot be used, StorageError after five serving processes in a
        row have died before they answered.
        """
        stand_ins = StandInProcess(self.state_dir / "demo")
        with self._stops_at_signals(), self._log() as log:
            threading.Thread(target=self._start_stand_ins, args=(stand_ins,), daemon=True).start()
            try:
                self._serve(stand_ins, log)
            finally:
                address.forget(self.state_dir)
                self.listener.close()
                stand_ins.close()

    def _serve(self, stand_ins: StandInProcess, log: IO[str]) -> None:
        deaths = 0
        while True:
            child = self._start(log)
            did_answer = self._accompany(child, stand_ins)
            _end(child)
            if self._stops:
                return
            code = child.returncode
            if code == _IN_USE_EXIT:  # it has said what cannot be used, and with which remedy
                raise InUse(self._last_line())
            deaths = 0 if did_answer else deaths + 1
            self._bear(deaths, code)

    def _start(self, log: IO[str]) -> subprocess.Popen[bytes]:
        """Start a serving process; its standard input closes when this process ends, however it ends."""
        environment = {
            **os.environ,
            WORKSPACE_VARIABLE: str(self.root),
            PARENT_VARIABLE: str(os.getpid()),
            DEMO_VARIABLE: "1" if self.all_demo else "0",
        }
        reading, writing = os.pipe()
        passed = (self.listener.fileno(), writing)
        command = [sys.executable, "-m", "api.process", "--socket", str(passed[0]), "--ready", str(passed[1])]
        child = subprocess.Popen(
            command if self._is_announced else [*command, "--link"],  # a new link would end the one that was shown
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env=environment,
            cwd=CHECKOUT,
            pass_fds=passed,
            process_group=0,  # Ctrl-C reaches this process only, which ends the others in order
        )
        os.close(writing)
        threading.Thread(target=self._watch, args=(child, reading), daemon=True).start()
        return child

    def _watch(self, child: subprocess.Popen[bytes], reading: int) -> None:
        """Turn what happens to a serving process into events: "ready" if it gets so far, then "ended"."""
        with os.fdopen(reading, "rb") as pipe:
            said = pipe.read()
        if said.startswith(READY):
            self._token = said.removeprefix(READY).decode("ascii")
            self._events.put("ready")
        child.wait()
        self._events.put("ended")

    def _accompany(self, child: subprocess.Popen[bytes], stand_ins: StandInProcess) -> bool:
        """Wait for the end of a serving process, or for the order to stop; return whether it has answered."""
        did_answer = False
        ends_at = time.monotonic() + _START_SECONDS
        while not self._stops:
            event = self._event(_LOOK_SECONDS)
            if event == "ended":
                break
            if event == "ready":
                did_answer = True
                self._announce()
            elif not did_answer and time.monotonic() > ends_at:
                child.kill()
            elif did_answer and not stand_ins.is_running():
                self._start_stand_ins(stand_ins)
        return did_answer

    def _event(self, seconds: float) -> str:
        """Return the next event, "" where none comes in time."""
        try:
            event = self._events.get(timeout=seconds)
        except queue.Empty:
            return ""
        self._stops = self._stops or event == "stop"
        return event

    def _bear(self, deaths: int, code: int) -> None:
        """Say that the process died; pause longer each time it did so before it answered. Raises StorageError."""
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        if deaths >= _QUICK_DEATHS:
            raise StorageError(
                f"The serving process ended {how}, {deaths} times in a row, before it answered: {self._last_line()}",
                remedy=f"{self.state_dir / LOG_NAME} says more.",
            )
        self.say(f"The serving process ended {how}; it is started again.")
        if deaths:
            self._event(_FIRST_PAUSE_SECONDS * 2 ** (deaths - 1))

    def _announce(self) -> None:
        if not self._is_announced:
            self._is_announced = True
            here = Address.of(self.listener)
            address.note(self.state_dir, here)
            self.ready(here, self._token)

    def _start_stand_ins(self, stand_ins: StandInProcess) -> None:
        try:
            stand_ins.endpoints()
        except StorageError as error:  # the pages say so, too, and real accounts can be worked with
            self.say(f"{error.message} {error.remedy}")

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
        """Give the log that the serving processes write to; a large one makes way for a new one first."""
        path = self.state_dir / LOG_NAME
        with storage_errors(path):
            if path.exists() and path.stat().st_size > _LARGEST_LOG_BYTES:
                path.replace(path.with_suffix(".log.1"))
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "a", encoding="utf-8") as log:
            yield log

    def _last_line(self) -> str:
        lines = (self.state_dir / LOG_NAME).read_text(encoding="utf-8", errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "it wrote nothing to its log.")


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the serving process, if it has not ended by itself: in order, or by force where that takes too long."""
    child.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(_END_SECONDS)
    child.kill()
    child.wait()
    if child.stdin is not None:
        child.stdin.close()
