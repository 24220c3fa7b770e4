"""One connection to a mail server: lines and blocks, within the thread's deadline and a size limit."""

from __future__ import annotations

import functools
import ssl
import threading
import weakref
from typing import Literal

import httpcore
from msgspec import Struct

from clients.addresses import is_loopback
from clients.errors import BadAnswer, InvalidRequest, ServiceError, Timeout, Unavailable
from clients.mail_server.outgoing_traffic import OutgoingTraffic
from clients.no_connection import no_connection
from clients.reads import ReadCommands
from clients.reads_only import checked
from clients.sockets import Forbidden, NetworkGate

Security = Literal["tls", "starttls", "none"]

LINE_MOST = 4 * 1024 * 1024
"""A SEARCH answers on one line: room for half a million numbers."""
ANSWER_MOST = 96 * 1024 * 1024
"""Maximum size of one command's answer: a mail of 50 MB in base64, and its headers."""
_CONNECT_SECONDS = 15.0
_READ_BYTES = 65_536


class MailServerAddress(Struct, frozen=True):
    """The address of a mail server, and how the connection is secured."""

    service: str
    host: str
    port: int
    security: Security
    reads: ReadCommands
    """What may be sent while only reads may leave."""
    ca_file: str = ""
    setting: str = ""
    """The setting of the connection that names the host."""

    @property
    def shown(self) -> str:
        """Host and port, as shown in errors."""
        return f"{self.host}:{self.port}"


class MailConnector:
    """Opens one mailbox's connections: only to addresses that its gate allows, and none while it is shut."""

    def __init__(self, gate: NetworkGate, *, is_shut: bool = False) -> None:
        self._gate, self._is_shut = gate, is_shut
        # Weak, so that closed sessions are not kept for as long as the client lives.
        self._wires: weakref.WeakSet[MailSocket] = weakref.WeakSet()
        self._lock = threading.Lock()

    def connect(self, place: MailServerAddress) -> MailSocket:
        """Open a connection, with TLS from the start if the place requires it. Raises ServiceError."""
        if self._is_shut:
            raise Forbidden(
                f"{place.shown} cannot be used now: only the demo can be reached.",
                service=place.service,
                remedy="Leave out `--demo`: an IMAP mailbox has no demo account.",
            )
        if place.security == "none" and not is_loopback(place.host):
            raise InvalidRequest(
                f"{place.shown} would receive the password without encryption.",
                service=place.service,
                remedy="Set `security` to tls or starttls; `none` is only for this machine itself (127.0.0.1).",
            )
        wire = MailSocket(place, self._stream(place))
        with self._lock:
            self._wires.add(wire)
        if place.security == "tls":
            try:
                wire.start_tls()
            except ServiceError:
                wire.close()
                raise
        return wire

    def close(self) -> None:
        """Close all open connections."""
        with self._lock:
            wires = list(self._wires)
        for wire in wires:
            wire.close()

    def _stream(self, place: MailServerAddress) -> httpcore.NetworkStream:
        try:
            return self._gate.connect_tcp(place.host, place.port, _CONNECT_SECONDS)
        except Forbidden as error:
            raise Forbidden(error.message, service=place.service) from None
        except httpcore.ConnectTimeout:
            raise _unsent(Timeout, place, "could not be reached in time.", field=place.setting) from None
        except httpcore.ConnectError as error:
            words, remedy = no_connection(error, place.host, place.port)
            raise Unavailable(
                words, service=place.service, remedy=remedy, outcome="not_done", field=place.setting
            ) from None


def _unsent(
    kind: type[ServiceError], place: MailServerAddress, words: str, remedy: str = "", field: str = ""
) -> ServiceError:
    """Return an error for a failure before anything was sent."""
    return kind(f"{place.shown} {words}", service=place.service, remedy=remedy, outcome="not_done", field=field)


class MailSocket:
    """A connection, with the part of the socket interface that smtplib uses. Raises only ServiceError."""

    def __init__(self, place: MailServerAddress, stream: httpcore.NetworkStream) -> None:
        self.place = place
        self._stream = stream
        self._outgoing = OutgoingTraffic(place.reads, place.shown)
        self._buffer = bytearray()
        self._left = ANSWER_MOST

    def start_tls(self) -> None:
        """Start TLS. Data received before it, in plain text, is not trusted (CVE-2011-0411)."""
        if self._buffer:
            self.close()
            raise _unsent(BadAnswer, self.place, "sent data before the encryption began.")
        trusted = self._trusted()
        try:
            self._stream = self._stream.start_tls(trusted, self.place.host, _CONNECT_SECONDS)
        except (httpcore.ConnectTimeout, httpcore.TimeoutException):
            raise _unsent(Timeout, self.place, "did not agree on encryption in time.") from None
        except (httpcore.ConnectError, httpcore.ReadError, httpcore.WriteError, OSError) as error:
            self.close()
            raise self._no_tls(error) from None

    def _trusted(self) -> ssl.SSLContext:
        try:
            return _certificates(self.place.ca_file)
        except OSError as error:
            words = f"cannot be trusted: the certificate file {self.place.ca_file!r} cannot be read: {error}."
            raise _unsent(InvalidRequest, self.place, words, "Correct the connection's `ca_file`.") from None

    def _no_tls(self, error: Exception) -> ServiceError:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            remedy = "Check the host's name; for a certificate of your own, set the connection's `ca_file`."
            words = f"has a certificate that is not trusted: {error}."
        else:
            remedy = "Check `port` and `security`: 993 and 465 take tls, 143 and 587 take starttls."
            words = f"does not speak TLS here: {error}."
        return _unsent(Unavailable, self.place, words, remedy)

    def begin(self) -> None:
        """Start a new command: reset the size limit for its answer."""
        self._left = ANSWER_MOST
        self._outgoing.begin()

    def send(self, data: bytes) -> None:
        """Send all the data. Raises WriteRefused if only reads may leave, and this may be more."""
        data = bytes(data)
        self._outgoing.require_reads(data)
        try:
            with checked():
                self._stream.write(data)
        except httpcore.TimeoutException:
            raise Timeout(f"{self.place.shown} did not accept it in time.", service=self.place.service) from None
        except (httpcore.NetworkError, OSError):
            raise self._broken() from None

    # The name that smtplib calls.
    sendall = send

    def makefile(self, _mode: str) -> MailSocket:
        """Return the object that smtplib reads lines from: the connection itself."""
        return self

    def readline(self, most: int = LINE_MOST) -> bytes:
        """Return the next line with its end; `most` (smtplib's limit is below ours) bounds it."""
        scanned = 0
        while (end := self._buffer.find(b"\n", scanned)) < 0:
            # Only what has arrived since is searched: a long line would otherwise take quadratic time.
            scanned = len(self._buffer)
            if scanned > min(most, LINE_MOST):
                raise self._too_large()
            self._receive()
        return self._taken(end + 1)

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes; more than one answer may have is refused before it arrives."""
        if size > self._left:
            raise self._too_large()
        while len(self._buffer) < size:
            self._receive()
        return self._taken(size)

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def _taken(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        self._left -= size
        if self._left < 0:
            raise self._too_large()
        return taken

    def _receive(self) -> None:
        try:
            part = self._stream.read(_READ_BYTES)
        except httpcore.TimeoutException:
            raise Timeout(
                f"{self.place.shown} did not send a complete answer in time.", service=self.place.service
            ) from None
        except (httpcore.NetworkError, OSError):
            raise self._broken() from None
        if not part:
            raise self._broken()
        self._buffer += part

    def _broken(self) -> Unavailable:
        words = f"{self.place.shown} closed the connection before answering."
        return Unavailable(words, service=self.place.service)

    def _too_large(self) -> BadAnswer:
        words = f"{self.place.shown} sent an answer that is too large (over {ANSWER_MOST // 1024 // 1024} MB)."
        return BadAnswer(words, service=self.place.service)


@functools.cache
def _certificates(ca_file: str) -> ssl.SSLContext:
    """Return an SSL context that trusts the CAs of the HTTP transport, and the ones in a file."""
    import httpx

    context = httpx.create_ssl_context()
    if ca_file:
        context.load_verify_locations(ca_file)
        # Since Python 3.13 certificates must strictly conform to RFC 5280; self-made ones do not.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
