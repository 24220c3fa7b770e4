"""Finds the running server of a model, or starts it: one for each model and context, for all processes of a user.

The process of the server (`child.py`) holds a lock while it lives, so nobody takes a file that a dead one has left for
a server, nor asks a port that another program has now.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import httpx

from clients.deadline import seconds_left
from clients.errors import InvalidRequest, ServiceError, Timeout, Unavailable
from clients.local_model.child import COULD_NOT_LOAD
from clients.local_model.folders import cache, is_locked
from clients.local_model.memory import free_memory
from clients.local_model.service import LOCAL_MODEL
from clients.secrets import known
from clients.service import Service

IDLE_SECONDS = 600.0
"""A server ends if nobody asks it for so long."""
_CHILD = Path(__file__).with_name("child.py")
_START_SECONDS = 300.0
"""A large file on a slow disk."""
_ENDING_SECONDS = 2.0
_LOOK_SECONDS = 0.02
_PASSED = re.compile(r"(PATH|HOME|LANG|TMPDIR|(DY)?LD_LIBRARY_PATH|(CUDA|GGML|HIP|OMP)_\w+)\Z")
"""Variables that the server gets: no keys of this program."""


def _nothing() -> None:
    """Look at nothing."""


@dataclass(frozen=True)
class RunningServer:
    """A server that runs: where, and with what it may be asked."""

    pid: int
    port: int
    key: str = field(repr=False)
    memory_bytes: int = 0
    """What it needed until it was ready."""

    def __post_init__(self) -> None:
        """Raise ValueError for what cannot be."""
        if not (self.pid > 1 and 0 < self.port < 65_536 and self.key):
            raise ValueError("not the state of a server")

    @property
    def base_url(self) -> str:
        """The address of its API."""
        return f"http://127.0.0.1:{self.port}/v1"


@dataclass
class ModelServer:
    """The server of one model. Thread-safe."""

    name: str
    """What the model is called in requests."""
    title: str
    file: Path
    context: int
    require_whole: Callable[[], object] = _nothing
    """Looks at the file before a start; raises InvalidRequest if it is not there, or damaged."""
    memory_bytes: int = 0
    """What it needs, about; 0: it is estimated from the file."""
    idle_seconds: float = IDLE_SECONDS
    service: Service = LOCAL_MODEL
    module: str = "xllamacpp"
    """What the server imports of the packages of this program."""
    script: Path | None = None
    """What starts it, if that is not llama.cpp: see `child.py`."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def running(self) -> RunningServer:
        """Return the server; starts it if it does not run. Blocking.

        Raises InvalidRequest (not installed, no such file, damaged, too little memory), Unavailable (it has ended while
        it started) and Timeout.
        """
        found = self._found()
        if found is None:
            with self._lock:  # its threads start one; among processes, the lock of the child decides
                found = self._started()
        known.keep(f"model server {self.state.stem}", found.key)
        return found

    def let_end(self, server: RunningServer) -> None:
        """Wait for a server that is just ending: until its process has ended, it holds its lock."""
        gives_up_at = time.monotonic() + _ENDING_SECONDS
        while self._found() == server and not _answers(server) and time.monotonic() < gives_up_at:
            time.sleep(_LOOK_SECONDS)

    def _found(self) -> RunningServer | None:
        found = read_state(self.state) if is_locked(self.state.with_suffix(".lock")) else None
        return found if found is not None and _is_alive(found.pid) else None

    def _started(self) -> RunningServer:
        process: subprocess.Popen[bytes] | None = None
        gives_up_at = time.monotonic() + _START_SECONDS
        while (found := self._found()) is None:
            if process is not None and process.poll() is not None:
                self._require_well(process.returncode)
                process = None
            if process is None and not is_locked(self.state.with_suffix(".lock")):
                process = self._begun()
            if time.monotonic() > gives_up_at:
                raise self._late()
            try:
                seconds_left(None, httpx.ReadTimeout)
            except httpx.ReadTimeout:
                raise self._late() from None
            time.sleep(_LOOK_SECONDS)
        return found

    def _begun(self) -> subprocess.Popen[bytes]:
        """Start the process, which outlives this one: others use it, too."""
        packages = self._packages()
        self.require_whole()
        self._require_memory()
        given = {
            "file": str(self.file),
            "name": self.name,
            "context": self.context,
            "idle_seconds": self.idle_seconds,
            "state": str(self.state),
            "lock": str(self.state.with_suffix(".lock")),
            "packages": packages,
            "script": str(self.script or ""),
        }
        process = subprocess.Popen(
            [sys.executable, "-I", "-B", str(_CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={name: value for name, value in os.environ.items() if _PASSED.match(name)},
            start_new_session=True,  # Ctrl-C in a terminal ends the command, not the server
        )
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError), process.stdin as stdin:
            stdin.write(json.dumps(given).encode())
        threading.Thread(target=process.wait, name="model-server", daemon=True).start()  # it leaves no zombie
        return process

    def _require_memory(self) -> None:
        needed = self.memory_bytes or _estimated(self.file)
        free = free_memory()
        if free is not None and free < needed:
            raise InvalidRequest(
                f"{self.title} needs about {_mb(needed)} MB of memory; {_mb(free)} MB are free on this machine.",
                service=self.service.name,
                remedy=self._less_memory,
            )

    def _require_well(self, code: int) -> None:
        """Raise the error for a process that has ended, unless another one serves the model."""
        if code == 0:
            return
        if code == COULD_NOT_LOAD:
            raise self._could_not_load()
        how = (
            "the system killed it, usually because memory ran out"
            if code == -signal.SIGKILL
            else f"it ended with {code}"
        )
        raise Unavailable(
            f"The server of {self.title} could not start: {how}.",
            service=self.service.name,
            remedy=self._less_memory,
            outcome="not_done",
        )

    def _could_not_load(self) -> ServiceError:
        if self.script is not None:
            said, remedy = f"{self.title} could not be loaded; memory may be short.", self._less_memory
        else:
            said = f"llama.cpp cannot load {self.title}: the file is damaged or of an unknown kind, or memory is short."
            remedy = "Take another file, or set a smaller `context`. If others fail, too, install the server again: "
            remedy += self.service.install
        return InvalidRequest(said, service=self.service.name, remedy=remedy)

    def _late(self) -> ServiceError:
        return Timeout(
            f"The server of {self.title} was not ready in time: it is still loading the model.",
            service=self.service.name,
            remedy="Try again in a moment.",
            outcome="not_done",
        )

    @property
    def _less_memory(self) -> str:
        if self.script is None:
            return "End other programs, take a smaller model, or set a smaller `context`."
        return "End other programs on this machine."

    def _packages(self) -> list[str]:
        """Return the folders where this process finds what the server imports. Raises InvalidRequest without it."""
        spec = find_spec(self.module)
        if spec is None or not spec.submodule_search_locations:
            told = self.service.lacks({}) or f"{self.service.title} needs the package {self.module}."
            remedy = self.service.install or f"Install it: `{sys.executable} -m pip install {self.module}`."
            raise InvalidRequest(told, service=self.service.name, remedy=remedy)
        return [str(Path(one).parent) for one in spec.submodule_search_locations]

    @property
    def state(self) -> Path:
        """The state file; several machines may share a home folder, and two files a name."""
        served = json.dumps([socket.gethostname(), str(self.file), self.context])
        return cache("servers") / f"{hashlib.sha256(served.encode()).hexdigest()[:16]}.json"


def read_state(file: Path) -> RunningServer | None:
    """Return what a state file says; None if there is none, or it is damaged."""
    try:
        told = json.loads(file.read_bytes())
        return RunningServer(int(told["pid"]), int(told["port"]), str(told["key"]), int(told["memory_bytes"]))
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _answers(server: RunningServer) -> bool:
    """Return whether a server takes requests; also if it is too busy to say so."""
    asked = http.client.HTTPConnection("127.0.0.1", server.port, timeout=1)
    try:
        asked.request("GET", "/health")
        asked.getresponse()
    except TimeoutError:
        return True
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asked.close()
    return True


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _estimated(file: Path) -> int:
    """Return what a model of unknown kind needs at least: its file, and some room to work."""
    return file.stat().st_size + 200_000_000


def _mb(size_bytes: int) -> int:
    return round(size_bytes / 1_000_000)
