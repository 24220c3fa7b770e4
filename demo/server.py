"""Serves applications on loopback ports, all in one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator, Mapping

from starlette.types import ASGIApp
from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

HOST = "127.0.0.1"


class Protocol(H11Protocol):
    """HTTP/1.1 that lets the fault switch cut the connection: the transport is in the request's state."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a new connection."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class QuietServer(Server):
    """A server that leaves signals to whoever runs several of them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def bind(port: int = 0) -> socket.socket:
    """A loopback socket on this port, or on a free one where it is 0 or taken."""
    # Named as TCP, since asyncio turns Nagle's delay (40 ms an answer) off only where the socket says so.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError:
        listener.bind((HOST, 0))
    listener.listen(128)
    return listener


def server(app: ASGIApp) -> QuietServer:
    """A server for one application; stopping waits a second for open answers."""
    config = Config(
        app,
        http=Protocol,
        ws="none",
        lifespan="off",
        log_level="critical",
        access_log=False,
        # Longer than a client keeps an idle connection, so that none is closed under a request.
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
    return QuietServer(config)


async def serve(
    apps: Mapping[str, ASGIApp],
    sockets: Mapping[str, socket.socket],
    stop: asyncio.Event,
    ready: Callable[[], None],
) -> None:
    """Serve each application on the socket of the same name until `stop` is set.

    `ready` is called as soon as all answer; the sockets listen already, so an early caller only waits a moment.
    """
    servers = {name: server(app) for name, app in apps.items()}
    tasks = [asyncio.ensure_future(each.serve(sockets=[sockets[name]])) for name, each in servers.items()]
    ready()
    await stop.wait()
    for each in servers.values():
        each.should_exit = True
    await asyncio.gather(*tasks)
