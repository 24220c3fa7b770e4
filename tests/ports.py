"""Ports for servers that a test starts, stops and starts again."""

from __future__ import annotations

import random
import socket
from contextlib import closing

_PORTS = range(20_000, 32_768)
"""Below those that Linux gives to connections: another test's connection would take one meanwhile."""


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    while True:
        port = random.SystemRandom().choice(_PORTS)
        with closing(socket.socket()) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
