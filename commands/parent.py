"""The process that stays while a workspace is served: small, as it has none of the modules needed to start."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

from api.network.address import WorkspaceAddress
from api.serve import ServeParent
from commands.base.failures import DONE, Terminated, failure_of, stops_raised, tell
from commands.base.screen import json_line, note, say
from engine.base.checkout import CHECKOUT

_STOPS = (signal.SIGINT, signal.SIGTERM)


class ParentOptions(NamedTuple):
    """What to serve, and how to report it; `wanted_port` is the requested port."""

    root: str
    state_dir: str
    wanted_port: int
    all_demo: bool
    public_url: str
    as_json: bool


def become_parent(order: ParentOptions, listener: socket.socket) -> NoReturn:
    """Replace this process by the parent, under the same id; only the socket stays open.

    The libraries that read settings and arguments would otherwise stay in memory for as long as it serves.
    """
    listener.set_inheritable(True)
    command = [sys.executable, "-m", "commands.parent", str(listener.fileno()), json.dumps(order._asdict())]
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)  # a signal from now on is for the parent
    try:
        os.chdir(CHECKOUT)  # `-m` looks for the module here
        os.execv(sys.executable, command)  # noqa: S606 - no shell is wanted
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)


def main(arguments: Sequence[str]) -> int:
    """Serve on the inherited socket until asked to stop; return the exit code."""
    listener, order = socket.socket(fileno=int(arguments[0])), ParentOptions(**json.loads(arguments[1]))
    root = Path(order.root)
    state_dir = Path(order.state_dir)
    told = _teller(order)
    parent = ServeParent(
        root, state_dir, listener, all_demo=order.all_demo, public_url=order.public_url, ready=told, say=note
    )
    try:
        with stops_raised():
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
            parent.run()
    except (Exception, Terminated) as error:  # noqa: BLE001 - the last line before the shell: it becomes a sentence
        return tell(failure_of(error, root), as_json=order.as_json)
    return DONE


def _teller(order: ParentOptions) -> Callable[[WorkspaceAddress, str], None]:
    def announce(address: WorkspaceAddress, token: str) -> None:
        login_url = address.login_url(token)
        if order.as_json:
            json_line({"url": address.url, "login_url": login_url, "port": address.port, "pid": address.pid})
            return
        if address.port != order.wanted_port:
            say(f"Port {order.wanted_port} is in use; using port {address.port} instead.")
        say(f"Serving {order.root} at {address.public_url or address.url}")
        if address.public_url:
            say(f"The proxy reaches it at {address.url}")
        say(f"Sign in (works once, within 15 minutes): {login_url}")
        say("Press Ctrl-C to stop.")

    return announce


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
