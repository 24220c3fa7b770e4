"""The process that stays while a workspace is served: small, as nothing is in it that the command needed to start."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NoReturn

from api.address import Address
from api.serve import Parent
from commands.failures import DONE, Stop, failure_of, stops_raised, tell
from commands.screen import json_line, note, say
from engine.checkout import CHECKOUT

_STOPS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class Order:
    """What is to be served, and how it is told; `wanted_port` is what was asked for."""

    root: str
    state_dir: str
    wanted_port: int
    all_demo: bool
    as_json: bool


def become_parent(order: Order, listener: socket.socket) -> NoReturn:
    """Put the parent in the place of this process, under the same id; of this one only the socket stays.

    Settings were read and arguments understood with libraries that would else stay in memory as long as it serves.
    """
    listener.set_inheritable(True)
    command = [sys.executable, "-m", "commands.parent", str(listener.fileno()), json.dumps(asdict(order))]
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)  # one that comes meanwhile is for the parent
    try:
        os.chdir(CHECKOUT)
        os.execv(sys.executable, command)  # noqa: S606 - there is no shell that could be wanted
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)


def main(arguments: Sequence[str]) -> int:
    """Serve on the socket that was left open until told to stop; return the exit code."""
    listener, order = socket.socket(fileno=int(arguments[0])), Order(**json.loads(arguments[1]))
    root = Path(order.root)
    parent = Parent(root, Path(order.state_dir), listener, order.all_demo, ready=_teller(order), say=note)
    try:
        with stops_raised():
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
            parent.run()
    except (Exception, Stop) as error:  # noqa: BLE001 - the last line before the shell: it becomes a sentence
        return tell(failure_of(error, root), as_json=order.as_json)
    return DONE


def _teller(order: Order) -> Callable[[Address, str], None]:
    def told(address: Address, token: str) -> None:
        login_url = address.login_url(token)
        if order.as_json:
            json_line({"url": address.url, "login_url": login_url, "port": address.port, "pid": address.pid})
            return
        if address.port != order.wanted_port:
            say(f"Port {order.wanted_port} is in use; this is port {address.port}.")
        say(f"Serving {order.root} at {address.url}")
        say(f"Sign in (works once, within 15 minutes): {login_url}")
        say("Ctrl-C stops it.")

    return told


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
