"""`orchestra serve` as a process tree to be measured: the parent and the serving process, without stand-ins."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from bench.base.workspace import chain, make

_SETTLE_SECONDS = 15.0
_OWN_CONFIG = "connections: {}\n"


@dataclass(frozen=True)
class Served:
    """The processes of one server, and how to reach it."""

    pid: int
    port: int
    login_url: str

    def pids(self) -> list[int]:
        """Return the ids of parent and serving process; the stand-ins are another program that only the demo needs."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="ascii").split()
        serving = [int(pid) for pid in children if b"api.process" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        assert len(serving) == 1
        return [self.pid, *serving]

    def mebibytes(self) -> float:
        """Return the resident memory of all of them."""
        found = 0
        for pid in self.pids():
            status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
            found += next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))
        return found / 1024

    def processor_seconds(self) -> float:
        """Return the processor time that all of them have used."""
        found = 0
        for pid in self.pids():
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
            found += int(fields[11]) + int(fields[12])
        return found / os.sysconf("SC_CLK_TCK")

    def token(self) -> str:
        """Sign in as a program does; return the token."""
        return str(self.client().asked("POST", "/auth/login", {"user_id": USER, "password": PASSWORD})["access_token"])

    def client(self, token: str = "") -> Client:
        """Return a client with a connection of its own."""
        return Client(HTTPConnection("127.0.0.1", self.port, timeout=60), token)


USER, PASSWORD = "bench", "a long enough password"


@dataclass
class Client:
    """One client of the API, on a connection that stays open."""

    connection: HTTPConnection
    token: str = ""
    seconds: list[float] = field(default_factory=list)
    """The duration of each call."""

    def asked(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Return the response to one call. Raises AssertionError if it is an error."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if body is not None:
            headers["Content-Type"] = "application/json"
        began = time.perf_counter()
        self.connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self.connection.getresponse()
        text = answer.read()
        self.seconds.append(time.perf_counter() - began)
        assert answer.status < 300, (answer.status, text[:300])
        return json.loads(text)


@contextmanager
def served(
    workflows: Mapping[str, Any] | None = None,
    config: str = _OWN_CONFIG,
    settle_seconds: float = _SETTLE_SECONDS,
    prepare: Callable[[Path], None] = lambda root: None,
) -> Iterator[Served]:
    """Serve a fresh workspace, as `prepare` leaves it, on a free port; no page is opened. Linux only."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "workspace"
        port = free_port()
        make(root, workflows or {"chain": chain(3)}, f"{config}server:\n  port: {port}\n")
        _add_user(root)
        prepare(root)
        command = [str(Path(sys.executable).with_name("orchestra")), "serve", "--json", "--workspace", str(root)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            said = json.loads(process.stdout.readline())
            time.sleep(settle_seconds)
            yield Served(process.pid, port, said["login_url"])
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _add_user(root: Path) -> None:
    """Add a user for the API, in a process of its own: this one stays small."""
    command = [
        str(Path(sys.executable).with_name("orchestra")),
        "users",
        "add",
        USER,
        "--role",
        "owner",
        "--password-stdin",
    ]
    subprocess.run(
        [*command, "--workspace", str(root)],
        input=PASSWORD,
        text=True,
        check=True,
        capture_output=True,
    )
