"""A way to a server that a test cuts."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class Road:
    """The way to a server, which may be cut: connections are then refused, or nothing that is sent arrives."""

    def __init__(self, host: str, port: int, own_port: int = 0) -> None:
        """Begin at a port of this machine; 0: any that is free."""
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", own_port))
        self.port = self._listener.getsockname()[1]
        self._ends: list[socket.socket] = []
        self._is_closed = False
        self._is_open = threading.Event()
        self._is_open.set()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, *, is_silent: bool) -> None:
        """Cut it."""
        self._is_open.clear()
        if not is_silent:
            self.close()

    def close(self) -> None:
        """End all connections, and accept none."""
        self._is_closed = True
        self._is_open.set()
        for one in (self._listener, *self._ends):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self._is_open.wait()
                if self._is_closed:
                    near.close()
                    return
                far = socket.create_connection(self._target)
                self._ends += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                self._is_open.wait()
                other.sendall(data)
        with suppress(OSError):
            other.shutdown(socket.SHUT_RDWR)
