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
from functools import partial
from typing import TYPE_CHECKING

from engine.garbage import look_rarely

if TYPE_CHECKING:
    import uvicorn

GRACEFUL_SECONDS = 2
READY = b"ready"
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
    on_ready = partial(_tell, options.ready, _login_token if options.link else str)
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises the signal again once it has shut down in order
        _server(on_ready).run(sockets=[socket.socket(fileno=options.socket)])


def _server(on_ready: Callable[[], None]) -> uvicorn.Server:
    """Return a server of `app.py`. One worker: sessions live in the process."""
    import uvicorn

    from api.quiet_server import QuietServer

    config = uvicorn.Config(
        "app:app",
        ws="websockets-sansio",  # what Streamlit's own server takes
        log_config=None,
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )
    return QuietServer(config, on_ready)


def _tell(ready: int, token: Callable[[], str]) -> None:
    """Let the parent know that all is up, with a token."""
    with os.fdopen(ready, "wb") as pipe:
        pipe.write(READY + token().encode("ascii"))


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
