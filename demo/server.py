"""Serves applications on loopback ports in one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator, Mapping

from starlette.types import ASGIApp
from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol


class Protocol(H11Protocol):
    """HTTP/1.1 with the transport in the request's state, so that a fault can cut the connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Accept a new connection."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class StandInServer(Server):
    """A server that leaves signal handling to its caller, which runs several."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture no signals."""
        yield


def server(app: ASGIApp) -> StandInServer:
    """Return a server for one application; shutdown waits a second for open responses."""
    config = Config(
        app,
        http=Protocol,
        ws="none",
        lifespan="off",
        log_level="critical",
        access_log=False,
        # Longer than clients keep an idle connection, so that none is closed during a request.
        timeout_keep_alive=75,
        # A faulty answer may take minutes; a stop must not wait for it.
        timeout_graceful_shutdown=1,
    )
    return StandInServer(config)


async def serve(
    apps: Mapping[str, ASGIApp],
    sockets: Mapping[str, socket.socket],
    stop: asyncio.Event,
    ready: Callable[[], None],
) -> None:
    """Serve each application on the socket of the same name until `stop` is set.

    `ready` is called once all are serving; the sockets already listen, so an early client only waits a moment.
    """
    servers = {name: server(app) for name, app in apps.items()}
    tasks = [asyncio.ensure_future(each.serve(sockets=[sockets[name]])) for name, each in servers.items()]
    ready()
    await stop.wait()
    for each in servers.values():
        each.should_exit = True
    await asyncio.gather(*tasks)
