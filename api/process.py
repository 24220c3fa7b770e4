"""The serving process: dashboard, API and engine on a socket that its parent (`api/serve.py`) holds."""

from __future__ import annotations

import contextlib
import faulthandler
import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from api.network.server_log import ServerLogThrottle
from api.pulse import Pulse
from engine.base.environment import WORKSPACE_VARIABLE
from engine.base.errors import OrchestraError
from engine.garbage import look_rarely
from engine.observing.log_lines import set_log_format, set_log_levels

if TYPE_CHECKING:
    import uvicorn

GRACEFUL_SECONDS = 2
_LAST_RESORT_SECONDS = 12.0


class ProcessOptions(NamedTuple):
    """What the parent asks for, in JSON. The parser of arguments would stay in memory."""

    socket: int
    """The file descriptor of the listening socket."""
    ready: int
    """The file descriptor that learns when all is up."""
    link: bool
    """Whether a token for one sign-in is written there, too."""


def main(options: ProcessOptions) -> None:
    """Serve until SIGTERM, or until standard input closes, which means that the parent has died."""
    look_rarely()
    logging.basicConfig(stream=sys.stderr)
    for handler in logging.getLogger().handlers:  # a filter of a logger does not see what its children log
        handler.addFilter(ServerLogThrottle())
    log_format, log_level = _log_settings()
    set_log_format(log_format)
    set_log_levels(log_level)
    logging.getLogger("uvicorn.access").disabled = True  # a handler on it, as Streamlit adds one, would enable it
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    faulthandler.register(signal.SIGUSR1)  # the parent asks for a stack trace before it kills a process that hangs
    pulse = Pulse(options.ready)
    on_ready = partial(_report_ready, pulse, _login_token if options.link else str)
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises the signal again after an orderly shutdown
        _server(on_ready, partial(_beat, pulse)).run(sockets=[socket.socket(fileno=options.socket)])


def _log_settings() -> tuple[Literal["text", "json"], str]:
    """Return format and level; if config.yaml cannot be read, the engine says why when it opens the workspace."""
    from engine.workspace import config

    try:
        settings = config.load(Path(os.environ.get(WORKSPACE_VARIABLE, "")).resolve()).config
    except OrchestraError:
        return "text", "warning"
    return settings.log_format, settings.log_level


def _server(on_ready: Callable[[], None], on_turn: Callable[[], None]) -> uvicorn.Server:
    """Return a server of `app.py`. One worker: sessions live in the process."""
    import uvicorn

    from api.network.connection_limit import ConnectionLimit, capacity, guarded, open_files_limit
    from api.network.quiet_server import QuietServer
    from api.network.websockets import guarded_websocket

    connection_limit = ConnectionLimit(capacity(open_files_limit()))
    config = uvicorn.Config(
        "app:app",
        http=guarded(connection_limit),
        backlog=connection_limit.at_once,
        proxy_headers=False,  # which proxies are trusted is a setting of ours (api/network/proxy.py)
        ws=guarded_websocket,  # type: ignore[arg-type]  # it calls it with the arguments of a class
        log_config=None,
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )
    return QuietServer(config, on_ready, on_turn, connection_limit)


def _report_ready(pulse: Pulse, token: Callable[[], str]) -> None:
    """Tell the parent that everything is up, with a token."""
    from engine import shared

    pulse.begin(shared().config.limits.lease_seconds, token())


def _beat(pulse: Pulse) -> None:
    """Send a sign of life from the server's loop, unless the engine's loop hangs."""
    from engine import shared

    if shared().is_turning():
        pulse.beat()


def _login_token() -> str:
    """Return a token for one sign-in: the parent shows it without opening the workspace itself."""
    from engine import shared
    from engine.people.access import local_user

    return shared().users.login_link(local_user())


def _end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    # A process that is still starting, or hangs, must not outlive its parent; the engine's state survives a kill.
    threading.Event().wait(_LAST_RESORT_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(ProcessOptions(**json.loads(sys.argv[1])))
