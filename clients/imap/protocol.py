"""imaplib's protocol over our own wire, and the login: the base for imap-tools."""

from __future__ import annotations

import contextlib
import imaplib
from typing import TYPE_CHECKING, Any

from clients.errors import AuthError, BadAnswer
from clients.mail_server.failures import mapped, refused
from clients.mail_server.wire import MailSocket

if TYPE_CHECKING:
    from imap_tools import BaseMailBox


class WiredImap(imaplib.IMAP4):
    """imaplib's protocol over a wire that enforces deadlines, sizes and the address guard."""

    def __init__(self, wire: MailSocket) -> None:
        self._wire = wire
        super().__init__(wire.place.host, wire.place.port)

    def open(self, host: str = "", port: int = 143, timeout: float | None = None) -> None:
        """Record the host and port; the wire is already open."""
        self.host, self.port = host, port

    def read(self, size: int) -> bytes:
        """Read a literal."""
        return self._wire.read(size)

    def readline(self) -> bytes:
        """Read a line."""
        return self._wire.readline()

    def send(self, data: Any) -> None:
        """Send all the data."""
        self._wire.send(data)

    def shutdown(self) -> None:
        """Close the wire."""
        self._wire.close()

    def secure(self) -> None:
        """Switch the open connection to TLS (RFC 3501 6.2.1)."""
        if "STARTTLS" not in self.capabilities:
            raise refused("it offers no STARTTLS", what=f"{self._wire.place.shown} cannot be used")
        typ, data = self._simple_command("STARTTLS")
        if typ != "OK":
            raise refused(data)
        self._wire.start_tls()
        self._get_capabilities()


def signed_in(wire: MailSocket, user: str, password: str) -> BaseMailBox:
    """Log in over a wire and return imap-tools' mailbox.

    Raises ServiceError; AuthError if the server rejects the password.
    """
    from imap_tools import BaseMailBox

    place = wire.place

    class Box(BaseMailBox):
        """A mailbox over that wire."""

        def _get_mailbox_client(self) -> imaplib.IMAP4:
            client = WiredImap(wire)
            if place.security == "starttls":
                client.secure()
            return client

    with mapped(f"{place.shown} does not answer as an IMAP server", fallback=BadAnswer):
        box = Box()
    with mapped(f"{place.shown} rejects the sign-in of {user}", fallback=AuthError):
        _sign_in(box, user, password)
    return box


def _sign_in(box: BaseMailBox, user: str, password: str) -> None:
    """Log in by SASL PLAIN, which allows every character, else by LOGIN. Only over TLS, or to this machine."""
    capabilities = {str(one).upper() for one in box.client.capabilities}
    if "AUTH=PLAIN" in capabilities or not (user + password).isascii():
        box.login_utf8(user, password, initial_folder=None)
    else:
        box.login(user, password, initial_folder=None)
    with contextlib.suppress(imaplib.IMAP4.error):
        box.client._get_capabilities()  # noqa: SLF001 - there are more after the login
        if {"ENABLE", "CONDSTORE"} <= {str(one).upper() for one in box.client.capabilities}:
            box.client.enable("CONDSTORE")  # lets a single number tell whether a folder has changed
