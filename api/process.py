"""The process that serves: dashboard, API and engine on a socket that its parent (`api/serve.py`) holds."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.garbage import look_rarely

if TYPE_CHECKING:
    import asyncio
    from types import FrameType

    import uvicorn

GRACEFUL_SECONDS = 2
READY = b"ready"
_TICK_SECONDS = 1.0
_LAST_RESORT_SECONDS = 12.0


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM, or until standard input closes: then the parent is dead, however it died."""
    parser = argparse.ArgumentParser(prog="python -m api.process", description=__doc__)
    parser.add_argument("--socket", type=int, required=True, help="file descriptor of the listening socket")
    parser.add_argument("--ready", type=int, required=True, help="file descriptor that learns when all is up")
    parser.add_argument("--link", action="store_true", help="also write a token for one sign-in there")
    options = parser.parse_args(arguments)
    look_rarely()
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s")
    logging.getLogger("uvicorn.access").disabled = True  # a handler put on it, as Streamlit does, would turn it on
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises the signal again once it has shut down in order
        _server(options.ready, _login_token if options.link else str).run(
            sockets=[socket.socket(fileno=options.socket)]
        )


def _server(ready: int, token: Callable[[], str]) -> uvicorn.Server:
    """Return a server of `app.py` that writes to `ready` when it answers, with a token.

    One worker: sessions live in the process.
    """
    import asyncio

    import uvicorn

    class Server(uvicorn.Server):
        _loop: asyncio.AbstractEventLoop | None = None

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            with os.fdopen(ready, "wb") as pipe:
                pipe.write(READY + token().encode("ascii"))

        async def main_loop(self) -> None:
            """Look once a second whether to end, and what time the answers bear; a signal is heard at once.

            uvicorn's own loop looks ten times a second, which is a third of what an idle server does.
            """
            self._loop, self._signalled = asyncio.get_running_loop(), asyncio.Event()
            while not await self.on_tick(0):
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._signalled.wait(), _TICK_SECONDS)

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            super().handle_exit(sig, frame)
            if self._loop is not None:  # else it has not come so far, and sees it when it does
                self._loop.call_soon_threadsafe(self._signalled.set)

    config = uvicorn.Config(
        "app:app",
        ws="websockets-sansio",  # what Streamlit's own server takes
        log_config=None,
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )
    return Server(config)


def _login_token() -> str:
    """Return a token for one sign-in: the parent shows it, and need not open the workspace a second time."""
    from engine import shared
    from engine.people.access import local_user

    return shared().users.login_link(local_user())


def _end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    # One that was not yet up, or hangs, must not outlive its parent either; the engine's state bears a kill.
    threading.Event().wait(_LAST_RESORT_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
