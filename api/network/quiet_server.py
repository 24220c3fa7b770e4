"""uvicorn's server, which reports when it is ready and wakes only once a second while nothing happens."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn

from api.network.connection_limit import ConnectionLimit

_TICK_SECONDS = 1.0
_BACKLOG = 2048


class QuietServer(uvicorn.Server):
    """A server that calls `on_ready` when it is ready to answer, and `on_turn` once a second from its loop.

    `connection_limit` limits its connections.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        on_ready: Callable[[], None],
        on_turn: Callable[[], None],
        connection_limit: ConnectionLimit,
    ) -> None:
        super().__init__(config)
        self._on_ready, self._on_turn, self._connection_limit = on_ready, on_turn, connection_limit
        self._signalled = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and call `on_ready`."""
        await super().startup(sockets)
        for each in sockets or ():
            each.listen(_BACKLOG)  # `backlog` in the settings is also how many asyncio accepts before it serves any
        self._on_ready()

    async def main_loop(self) -> None:
        """Check once a second whether to exit, and update the time that responses bear; react to a signal at once.

        uvicorn's own loop checks ten times a second, which is a third of what an idle server does.
        """
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):  # 0: uvicorn updates its Date header only at every tenth count
            self._connection_limit.look()
            self._on_turn()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._signalled.wait(), _TICK_SECONDS)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Handle a signal."""
        super().handle_exit(sig, frame)
        if self._loop is not None:  # otherwise the loop has not started yet, and notices when it does
            self._loop.call_soon_threadsafe(self._signalled.set)
