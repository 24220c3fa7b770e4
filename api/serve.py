"""`orchestra serve`: a small parent that holds the port and the stand-ins, and starts the serving process again."""

from __future__ import annotations

import contextlib
import errno
import http.client
import json
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
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from engine.demo import PARENT_VARIABLE
from engine.errors import InUse, StorageError
from engine.files import storage_errors, write_whole
from engine.orchestra import DEMO_VARIABLE, WORKSPACE_VARIABLE
from engine.stand_ins import StandInProcess
from engine.store.owners import ServeLock
from engine.workspace import CHECKOUT

FILE_NAME = "serve.json"
LOG_NAME = "serve.log"
_LARGEST_LOG_BYTES = 5_000_000
_TRIED_PORTS = 100
_IN_USE_EXIT = 4
_QUICK_DEATHS = 5
_FIRST_PAUSE_SECONDS = 0.25
_START_SECONDS = 60.0
_END_SECONDS = 8.0
_LOOK_SECONDS = 1.0
_ASK_EVERY_SECONDS = 0.05


@dataclass(frozen=True)
class Address:
    """Where a workspace is served, and by which parent process."""

    url: str
    port: int
    pid: int


def running(state_dir: Path) -> Address | None:
    """Return where this workspace is served now, None where it is not."""
    try:
        address = Address(**json.loads((state_dir / FILE_NAME).read_text(encoding="utf-8")))
        os.kill(address.pid, 0)
    except (OSError, ValueError, TypeError):
        return None
    return address


def require_unserved(state_dir: Path) -> None:
    """Raise InUse where another process serves this workspace, StorageError where its state cannot be written."""
    ServeLock(state_dir).close()


def listen(host: str, port: int, *, exact: bool) -> socket.socket:
    """Return a listening socket on `port`, or on the next free one unless it must be `exact`. Raises InUse."""
    for candidate in range(port, port + 1 if exact else min(port + _TRIED_PORTS, 65536)):
        with contextlib.suppress(_Taken):
            return _bound(host, candidate)
    if exact:
        raise InUse(f"Port {port} is in use.", remedy="Choose another with --port, or leave it out for a free one.")
    raise InUse(f"No port from {port} to {port + _TRIED_PORTS - 1} is free.", remedy="Choose one with --port.")


class _Taken(Exception):
    """Somebody else listens there."""


def _bound(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # Named as TCP, since asyncio turns Nagle's delay (40 ms an answer) off only where the socket says so.
        listener = socket.socket(family, kind, protocol or socket.IPPROTO_TCP)
    except OSError as error:
        raise StorageError(f"The host {host!r} cannot be served: {error}.", remedy="See `server.host`.") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise _Taken from None
        said = error.strerror or str(error)
        raise StorageError(
            f"Port {port} of {host} cannot be taken: {said}.", remedy="Choose another with --port."
        ) from error
    return listener


@dataclass
class Parent:
    """Serves one workspace until it is told to stop.

    `ready` is called once, when the first serving process answers; `said` gets a line whenever one had to be started
    again.
    """

    root: Path
    state_dir: Path
    listener: socket.socket
    all_demo: bool
    ready: Callable[[Address], None]
    said: Callable[[str], None]
    _events: queue.SimpleQueue[str] = field(default_factory=queue.SimpleQueue)
    _stops: bool = False

    def run(self) -> int:
        """Serve; return the exit code: 0 when told to stop, 4 where the workspace or its state is in use.

        Raises StorageError after five serving processes in a row have died before they answered.
        """
        stand_ins = StandInProcess(self.state_dir / "demo")
        with self._stops_at_signals(), storage_errors(self.state_dir / LOG_NAME), self._log() as log:
            try:
                threading.Thread(target=self._start_stand_ins, args=(stand_ins,), daemon=True).start()
                return self._serve(stand_ins, log)
            finally:
                (self.state_dir / FILE_NAME).unlink(missing_ok=True)
                self.listener.close()
                stand_ins.close()

    def _serve(self, stand_ins: StandInProcess, log: IO[str]) -> int:
        deaths = 0
        is_announced = False
        while not self._stops:
            child = self._start(log)
            if self._wait_until_it_answers(child):
                deaths = 0
                if not is_announced:
                    is_announced = True
                    self._announce()
                self._wait_for_its_end(child, stand_ins)
            if self._stops:
                _end(child)
                break
            code = child.wait()
            if code == _IN_USE_EXIT:
                self.said(self._last_line())
                return _IN_USE_EXIT
            deaths = self._count(deaths + 1, code)
        return 0

    def _start(self, log: IO[str]) -> subprocess.Popen[bytes]:
        """Start a serving process; its standard input closes when this process ends, however it ends."""
        environment = {
            **os.environ,
            WORKSPACE_VARIABLE: str(self.root),
            PARENT_VARIABLE: str(os.getpid()),
            DEMO_VARIABLE: "1" if self.all_demo else "0",
        }
        child = subprocess.Popen(
            [sys.executable, "-m", "api.process", "--socket", str(self.listener.fileno())],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env=environment,
            cwd=CHECKOUT,
            pass_fds=[self.listener.fileno()],
            process_group=0,  # Ctrl-C reaches this process only, which ends the others in order
        )
        threading.Thread(target=self._watch, args=(child,), daemon=True).start()
        return child

    def _watch(self, child: subprocess.Popen[bytes]) -> None:
        child.wait()
        self._events.put("ended")

    def _wait_until_it_answers(self, child: subprocess.Popen[bytes]) -> bool:
        """Return whether the process answers; False where it has died, hung, or all is to stop."""
        ends_at = time.monotonic() + _START_SECONDS
        while time.monotonic() < ends_at and not self._stops and child.poll() is None:
            if _answers(self.listener):
                return True
            self._stops_within(_ASK_EVERY_SECONDS)
        if not self._stops and child.poll() is None:
            child.kill()
        return False

    def _wait_for_its_end(self, child: subprocess.Popen[bytes], stand_ins: StandInProcess) -> None:
        while child.poll() is None and not self._stops:
            self._stops_within(_LOOK_SECONDS)
            if not self._stops and not stand_ins.is_running():
                self._start_stand_ins(stand_ins)

    def _stops_within(self, seconds: float) -> None:
        """Wait for the next event, at most so long."""
        with contextlib.suppress(queue.Empty):
            self._stops = self._events.get(timeout=seconds) == "stop" or self._stops

    def _count(self, deaths: int, code: int) -> int:
        """Say that the process died, and wait where it has done so before it ever answered. Raises StorageError."""
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        if deaths >= _QUICK_DEATHS:
            raise StorageError(
                f"The serving process ended {how} {deaths} times before it answered: {self._last_line()}",
                remedy=f"{self.state_dir / LOG_NAME} has more.",
            )
        self.said(f"The serving process ended {how}; it is started again.")
        if deaths > 1:
            self._stops_within(_FIRST_PAUSE_SECONDS * 2**deaths)
        return deaths

    def _announce(self) -> None:
        host, port = self.listener.getsockname()[:2]
        address = Address(f"http://{_reachable(host)}:{port}", port, os.getpid())
        write_whole(self.state_dir / FILE_NAME, json.dumps(asdict(address)), mode=0o600)
        self.ready(address)

    def _start_stand_ins(self, stand_ins: StandInProcess) -> None:
        try:
            stand_ins.endpoints()
        except StorageError as error:  # the pages say so, too; an owner of real accounts can work without them
            self.said(f"{error.message} {error.remedy}")

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
        if path.exists() and path.stat().st_size > _LARGEST_LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
        with path.open("a", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as log:
            yield log

    def _last_line(self) -> str:
        lines = (self.state_dir / LOG_NAME).read_text(encoding="utf-8", errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "it wrote nothing to its log.")


def _reachable(host: str) -> str:
    """Return the host of a link that works on this machine."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 - read, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _answers(listener: socket.socket) -> bool:
    host, port = listener.getsockname()[:2]
    connection = http.client.HTTPConnection(_reachable(host).strip("[]"), port, timeout=5)
    try:
        connection.request("GET", "/health", headers={"Host": f"localhost:{port}"})
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the serving process: in order, or by force where that takes too long."""
    child.terminate()
    try:
        child.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    if child.stdin is not None:
        child.stdin.close()
