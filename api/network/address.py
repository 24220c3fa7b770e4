"""Where a workspace is served: the port, and the note that tells other commands about it."""

from __future__ import annotations

import errno
import json
import os
import socket
from pathlib import Path
from typing import NamedTuple

from engine.base.errors import InUse, StorageError
from engine.files.atomic import write_whole

FILE_NAME = "serve.json"
_TRIED_PORTS = 100


class Names(NamedTuple):
    """The names in remedies: of the option for the port, and of the option or setting for the host."""

    port: str
    host: str


SERVER = Names("--port", "`server.host` in config.yaml")
WORKER = Names("--metrics-port", "`worker.metrics_host` in config.yaml")


class WorkspaceAddress(NamedTuple):
    """Where a workspace is served, and by which process."""

    url: str
    port: int
    pid: int
    public_url: str = ""
    """The address at which browsers reach it through a proxy, if config.yaml names one."""

    @classmethod
    def of(cls, listener: socket.socket, public_url: str = "") -> WorkspaceAddress:
        """Return the address of a socket that this process holds."""
        host, port = listener.getsockname()[:2]
        return cls(f"http://{_reachable(host)}:{port}", port, os.getpid(), public_url)

    def login_url(self, token: str) -> str:
        """Return a link that signs in once."""
        return f"{self.public_url or self.url}/login?token={token}"


def note(state_dir: Path, address: WorkspaceAddress) -> None:
    """Write the note that tells other commands where this workspace is served. Raises StorageError."""
    write_whole(state_dir / FILE_NAME, json.dumps(address._asdict()), mode=0o600)


def forget(state_dir: Path) -> None:
    """Remove the note."""
    (state_dir / FILE_NAME).unlink(missing_ok=True)


def noted(state_dir: Path) -> WorkspaceAddress | None:
    """Return where this workspace is served now, or None."""
    try:
        address = WorkspaceAddress(**json.loads((state_dir / FILE_NAME).read_text(encoding="utf-8")))
        os.kill(address.pid, 0)  # a process that was killed leaves its note behind
    except (OSError, ValueError, TypeError):
        return None
    return address


def listen(host: str, port: int, names: Names = SERVER) -> socket.socket:
    """Return a socket that listens on exactly this port. Raises InUse, StorageError (a port or host not allowed)."""
    listener = _bound(host, port, names)
    if listener is None:
        raise InUse(f"Port {port} is in use.", remedy=f"Choose another with {names.port}, or omit {names.port}.")
    return listener


def listen_near(host: str, port: int) -> socket.socket:
    """Return a socket that listens on this port, or on the next free one. Raises InUse, StorageError."""
    last = min(port + _TRIED_PORTS, 65536)
    found = next(filter(None, (_bound(host, candidate, SERVER) for candidate in range(port, last))), None)
    if found is None:
        raise InUse(f"No port from {port} to {last - 1} is free.", remedy="Choose one with --port.")
    return found


def _bound(host: str, port: int, names: Names) -> socket.socket | None:
    """Return a listening socket, or None if the port is taken."""
    try:
        family, kind, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise StorageError(
            f"The host {host!r} is unknown: {error.strerror}.", remedy=f"Correct {names.host}."
        ) from error
    # Named as TCP, since asyncio turns Nagle's delay (40 ms a response) off only if the socket says so.
    listener = socket.socket(family, kind, socket.IPPROTO_TCP)
    # Connections of a server that has just ended (TIME_WAIT) would otherwise keep its port for a minute.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(place)
        listener.listen(2048)  # as uvicorn does
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            return None
        is_elsewhere = error.errno == errno.EADDRNOTAVAIL  # the host is another machine
        raise StorageError(
            f"Cannot listen on port {port} of {host}: {error.strerror}.",
            remedy=f"Correct {names.host}." if is_elsewhere else f"Choose another with {names.port}.",
        ) from error
    return listener


def _reachable(host: str) -> str:
    """Return the host to use in a link that works on this machine."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
