"""imaplib's protocol over our own wire, and the login: the base for imap-tools."""

from __future__ import annotations

import imaplib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from clients import VERSION
from clients.errors import AuthError, BadAnswer, InvalidRequest, Unavailable
from clients.mail_server.failures import ONLY_OAUTH, mapped, refused
from clients.mail_server.providers import SERVICE
from clients.mail_server.wire import MailSocket
from clients.mail_server.xoauth2 import first_answer

if TYPE_CHECKING:
    from imap_tools import BaseMailBox


_WHO = f'("name" "AI-Orchestra" "version" "{VERSION}" "vendor" "AI-Orchestra")'
"""What the server may know of this program (RFC 2971)."""


class ImapProtocol(imaplib.IMAP4):
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
        """Read a line. If the server has closed the connection with a goodbye (`BYE`), its words are the error."""
        try:
            return self._wire.readline()
        except Unavailable:
            for said in self.untagged_responses.get("BYE", [])[-1:]:
                raise self.abort(_text(said)) from None
            raise

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


def _text(said: object) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else ""


def signed_in(wire: MailSocket, user: str, password: str, token: str = "") -> BaseMailBox:
    """Log in over a wire, with an access token if there is one, and return imap-tools' mailbox.

    Raises ServiceError; AuthError if the server rejects the password or the token.
    """
    from imap_tools import BaseMailBox

    place = wire.place

    class Box(BaseMailBox):
        """A mailbox over that wire."""

        def _get_mailbox_client(self) -> imaplib.IMAP4:
            client = ImapProtocol(wire)
            if place.security == "starttls":
                client.secure()
            return client

    with mapped(f"{place.shown} does not answer as an IMAP server", fallback=BadAnswer):
        box = Box()
    with mapped(f"{place.shown} rejects the sign-in of {user}", fallback=AuthError):
        if token:
            _sign_in_with_token(box.client, wire, user, token)
        else:
            _sign_in(box, wire, user, password)
        _introduce(box.client)
    return box


def _sign_in(box: BaseMailBox, wire: MailSocket, user: str, password: str) -> None:
    """Log in by SASL PLAIN, which allows every character, or by LOGIN. Only over TLS, or to this machine."""
    capabilities = _capabilities(box.client)
    if "AUTH=PLAIN" not in capabilities and "LOGINDISABLED" in capabilities:
        raise _no_passwords(wire, capabilities)
    if "AUTH=PLAIN" in capabilities or not (user + password).isascii():
        box.login_utf8(user, password, initial_folder=None)
    else:
        box.login(user, password, initial_folder=None)


def _sign_in_with_token(client: imaplib.IMAP4, wire: MailSocket, user: str, token: str) -> None:
    if "AUTH=XOAUTH2" not in _capabilities(client):
        raise InvalidRequest(
            f"{wire.place.shown} lets nobody in by a sign-in with a browser (XOAUTH2).",
            service=SERVICE,
            remedy="Correct the connection's `host`, or give it a password.",
        )
    answers = iter([first_answer(user, token)])
    # Whatever the server asks after the first answer is its refusal, which ends with an empty line.
    client.authenticate("XOAUTH2", lambda _challenge: next(answers, b""))


def _capabilities(client: imaplib.IMAP4) -> frozenset[str]:
    return frozenset(str(one).upper() for one in client.capabilities)


def _no_passwords(wire: MailSocket, capabilities: frozenset[str]) -> AuthError:
    """Return the error for a server that takes no password, or none before the connection is encrypted."""
    ways = ", ".join(sorted(one.removeprefix("AUTH=") for one in capabilities if one.startswith("AUTH=")))
    message = f"{wire.place.shown} takes no password (LOGINDISABLED); it offers {ways or 'no other way to sign in'}."
    if wire.place.security == "none" and "STARTTLS" in capabilities and not ways:
        return AuthError(message, service=SERVICE, remedy="Set the connection's `security` to starttls.")
    return AuthError(message, service=SERVICE, remedy=ONLY_OAUTH)


def _introduce(client: imaplib.IMAP4) -> None:
    """Do after the login what the server can do: say who we are, and switch on what helps.

    NetEase (163, 126, 188) opens no folder to a program without a name. Some servers offer both, and then refuse them.
    """
    _tried(client, client._get_capabilities)  # noqa: SLF001 - there are more after the login
    capabilities = _capabilities(client)
    if "ID" in capabilities:
        _tried(client, lambda: client.xatom("ID", _WHO))
    if {"ENABLE", "CONDSTORE"} <= capabilities:
        # It lets a single number tell whether a folder has changed.
        _tried(client, lambda: client.enable("CONDSTORE"))


def _tried(client: imaplib.IMAP4, call: Callable[[], object]) -> None:
    """Make a call that the server may refuse; if it says goodbye instead, raise that."""
    try:
        call()
    except client.abort:
        raise
    except client.error:
        return
