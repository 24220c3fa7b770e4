"""uvicorn's server, which says when it answers, and turns once a second while nothing happens."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn

_TICK_SECONDS = 1.0


class QuietServer(uvicorn.Server):
    """A server that calls `on_ready` when it answers."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._signalled = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and tell that it answers."""
        await super().startup(sockets)
        self._on_ready()

    async def main_loop(self) -> None:
        """Look once a second whether to end, and what time the answers bear; a signal is heard at once.

        uvicorn's own loop looks ten times a second, which is a third of what an idle server does.
        """
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._signalled.wait(), _TICK_SECONDS)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Hear a signal."""
        super().handle_exit(sig, frame)
        if self._loop is not None:  # else it has not come so far, and sees it when it does
            self._loop.call_soon_threadsafe(self._signalled.set)
