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

GRACEFUL_SECONDS = 2
_LAST_RESORT_SECONDS = 12.0


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM, or until standard input closes: then the parent is dead, however it died."""
    parser = argparse.ArgumentParser(prog="python -m api.process", description=__doc__)
    parser.add_argument("--socket", type=int, required=True, help="file descriptor of the listening socket")
    descriptor = parser.parse_args(arguments).socket
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s")
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    serve(socket.socket(fileno=descriptor))


def serve(listener: socket.socket) -> None:
    """Serve `app.py` on a socket that listens already; one worker, because sessions live in the process."""
    import uvicorn

    config = uvicorn.Config(
        "app:app",
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
        server_header=False,
        lifespan="on",
    )
    # uvicorn raises the signal again once it has shut down in order; the parent knows that it asked.
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])


def _end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    # A server that was not yet up, or hangs, must not outlive its parent either; the engine's state bears a kill.
    threading.Event().wait(_LAST_RESORT_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
