"""A connection to a database server, in the form of the sockets that drivers use.

It is opened by the same gate as all connections of this program, obeys the deadline of the calling thread, and sends
nothing while a plan is made that was not proven to be a read.
"""

from __future__ import annotations

import io
import ssl
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpcore

from clients.deadline import seconds_left
from clients.errors import BadAnswer, InvalidRequest, ServiceError, Timeout, Unavailable
from clients.no_connection import no_connection
from clients.sockets import NetworkGate
from clients.sql.address import DatabaseAddress
from clients.sql.service import NAME

_CONNECT_SECONDS = 15.0
_READ_BYTES = 65_536
_MOST_BYTES = 64_000_000
"""Most bytes of one answer: more than the rows of a step, since servers write them at greater length."""


class DriverSocket:
    """The part of a socket that the drivers use. Raises only ServiceError."""

    def __init__(self, stream: httpcore.NetworkStream, shown: str) -> None:
        self._stream, self._shown, self._received = stream, shown, 0

    def count_anew(self) -> None:
        """Begin a new answer, or the next row of one."""
        self._received = 0

    def sendall(self, data: bytes) -> None:
        """Send all of it. Raises WriteRefused in a plan, unless it belongs to a proven read."""
        self.count_anew()
        try:
            self._stream.write(bytes(data))
        except httpcore.TimeoutException:
            raise Timeout(f"{self._shown} did not accept the statement in time.", service=NAME) from None
        except (httpcore.NetworkError, OSError):
            raise self._broken() from None

    def send(self, data: bytes) -> int:
        """Send all of it; return its size."""
        self.sendall(data)
        return len(data)

    def recv(self, most: int) -> bytes:
        """Return bytes that have arrived. Raises InvalidRequest once one answer takes more memory than it should."""
        if self._received > _MOST_BYTES:
            raise InvalidRequest(
                f"One answer of {self._shown} takes more than {_MOST_BYTES // 1_000_000} MB.",
                service=NAME,
                remedy="Select fewer columns, or only the part of a large value that is needed (`substr`).",
            )
        try:
            found = self._stream.read(min(most, _READ_BYTES))
            self._received += len(found)
            return found
        except httpcore.TimeoutException:
            raise Timeout(f"{self._shown} did not answer in time.", service=NAME) from None
        except (httpcore.NetworkError, OSError):
            raise self._broken() from None

    def makefile(self, mode: str) -> io.BufferedReader | io.BufferedRWPair:
        """Return the connection as a file, for reading ("rb") or for both ("rwb")."""
        raw = _Raw(self)
        return io.BufferedReader(raw) if mode == "rb" else io.BufferedRWPair(raw, raw)

    def secured(self, context: ssl.SSLContext, host: str) -> DriverSocket:
        """Start TLS on the connection, and return it."""
        try:
            self._stream = self._stream.start_tls(context, host, _CONNECT_SECONDS)
            return self
        except (httpcore.NetworkError, httpcore.TimeoutException, OSError) as error:
            remedy = "Check the host's name; set `ca_file` for a certificate of your own, or `?sslmode=` in the `url`."
            raise Unavailable(
                f"{self._shown} offers no encryption that can be trusted: {error}.",
                service=NAME,
                remedy=remedy,
                outcome="not_done",
            ) from None

    def settimeout(self, _seconds: float | None) -> None:
        """Do nothing: the deadline of the thread counts."""

    def setsockopt(self, *_option: object) -> None:
        """Do nothing: the gate has set the options."""

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def _broken(self) -> ServiceError:
        return Unavailable(f"{self._shown} closed the connection before answering.", service=NAME)


class _Raw(io.RawIOBase):
    """The unbuffered file under the buffers of the standard library."""

    def __init__(self, wire: DriverSocket) -> None:
        self._wire = wire

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        found = self._wire.recv(len(buffer))
        buffer[: len(found)] = found
        return len(found)

    def write(self, data: Any) -> int:
        return self._wire.send(bytes(data))


class Tls(ssl.SSLContext):
    """The TLS settings of a connection: drivers hand it their socket, which is a DriverSocket."""

    def wrap_socket(self, sock: Any, *args: Any, **more: Any) -> Any:
        """Return the connection with TLS."""
        if isinstance(sock, DriverSocket):
            return sock.secured(self, str(more.get("server_hostname") or ""))
        return super().wrap_socket(sock, *args, **more)


def connected(address: DatabaseAddress) -> DriverSocket:
    """Open a connection to a server, without TLS yet. Raises Unavailable, Timeout: nothing was sent."""
    shown = f"{address.host}:{address.port}"
    gate = NetworkGate(public_only=False, allow_hosts=frozenset())
    try:
        return DriverSocket(gate.connect_tcp(address.host, address.port, _CONNECT_SECONDS), shown)
    except httpcore.ConnectTimeout:
        raise Timeout(f"{shown} could not be reached in time.", service=NAME, outcome="not_done") from None
    except httpcore.ConnectError as error:
        words, remedy = no_connection(error, address.host, address.port)
        raise Unavailable(words, service=NAME, remedy=remedy, outcome="not_done", field="url") from None


@contextmanager
def understood(address: DatabaseAddress) -> Iterator[None]:
    """Raise BadAnswer for an answer that no database would give, while a driver connects."""
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError, AssertionError, struct.error) as error:
        raise BadAnswer(
            f"{address.host}:{address.port} does not answer as this kind of database does ({type(error).__name__}).",
            service=NAME,
            remedy="Check the host and the port in the `url` of the connection.",
            outcome="not_done",
        ) from None


def tls(address: DatabaseAddress, ca_file: str) -> Tls | None:
    """Return how a connection is encrypted; None if it is not. Raises InvalidRequest for a missing certificate."""
    if address.security == "none":
        return None
    import certifi

    context = Tls(ssl.PROTOCOL_TLS_CLIENT)
    if address.security == "encrypted":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    try:
        context.load_verify_locations(certifi.where())
        if ca_file:
            context.load_verify_locations(ca_file)
            # Since Python 3.13 certificates must strictly conform to RFC 5280; self-made ones do not.
            context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    except OSError as error:
        raise InvalidRequest(
            f"The certificate file {ca_file!r} cannot be read: {error}.",
            service=NAME,
            remedy="Correct the connection's `ca_file`.",
        ) from None
    return context


def milliseconds_left(most_seconds: float = 300.0) -> int:
    """Return how long a statement may take on the server: less than the time left, so that its answer arrives."""
    return max(1, int(min(seconds_left(most_seconds, httpcore.ReadTimeout), most_seconds) * 950))
