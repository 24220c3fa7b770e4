"""Connections that obey the deadline of the current thread and reach only permitted addresses.

A host name may resolve to another address at each look-up. If a name was checked first and resolved again to connect,
a server could show a public address to the check and a private one to the connection (DNS rebinding). So the gate
resolves once, checks the result, and connects to that address.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import httpcore

from clients import addresses
from clients.deadline import interruptible, seconds_left
from clients.errors import InvalidRequest
from clients.reads_only import checked, require_checked

_SLICE_BYTES = 65_536


class Forbidden(InvalidRequest):
    """This program must not reach the address; nothing was sent."""

    default_remedy = "Use an allowed address, or allow this host in the connection's settings (`allow_hosts`)."


@dataclass(frozen=True)
class NetworkGate(httpcore.NetworkBackend):
    """Opens connections: resolves a name once, checks the addresses, and connects to exactly those."""

    public_only: bool
    allow_hosts: frozenset[str]

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers; raises Forbidden, ConnectError and ConnectTimeout."""
        refused: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in self._addresses(host, port, timeout):
            left = seconds_left(timeout, httpcore.ConnectTimeout)
            try:
                with checked():
                    opened = httpcore.SyncBackend().connect_tcp(str(address), port, left, local_address, socket_options)
                return Stream(opened)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                refused = error
        raise refused

    def _addresses(self, host: str, port: int, timeout: float | None) -> list[addresses.Address]:
        try:
            found = addresses.resolve(host, port, seconds_left(timeout, httpcore.ConnectTimeout))
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.ConnectError(f"the name {host} is not known: {error}") from error
        if self.public_only and not self._is_named(host, port):
            inside = [address for address in found if not addresses.is_public(address)]
            if inside:
                named = host if host == str(inside[0]) else f"{host} resolves to {inside[0]}, which"
                raise Forbidden(f"{named} is not an address of the public Internet.")
        return found

    def _is_named(self, host: str, port: int) -> bool:
        return not self.allow_hosts.isdisjoint({host.lower(), f"{host.lower()}:{port}"})


class Stream(httpcore.NetworkStream):
    """A connection whose reads and writes obey the deadline of the calling thread."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read the available data."""
        with interruptible(self._shut_down):
            return self._inner.read(max_bytes, seconds_left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all the data. Raises WriteRefused if only reads may leave, and nobody has checked it."""
        require_checked("Data on an open connection")
        # In slices: the inner write restarts its timeout with each part that a slow reader accepts.
        for start in range(0, len(buffer), _SLICE_BYTES):
            left = seconds_left(timeout, httpcore.WriteTimeout)
            with interruptible(self._shut_down):
                self._inner.write(buffer[start : start + _SLICE_BYTES], left)

    def _shut_down(self) -> None:
        """End the connection while another thread uses it: a closed socket would not wake that thread."""
        inner = self._inner.get_extra_info("socket")
        if isinstance(inner, socket.socket):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(inner, socket.SHUT_RDWR)  # SSLSocket's own method would break the reading thread

    def close(self) -> None:
        """Close the connection."""
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Start TLS on the connection."""
        left = seconds_left(timeout, httpcore.ConnectTimeout)
        return Stream(self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        """Return information about the socket."""
        return self._inner.get_extra_info(info)
