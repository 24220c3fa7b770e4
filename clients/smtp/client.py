"""Hands mail to the mailbox's SMTP server: to all recipients or none, with a known outcome."""

from __future__ import annotations

import base64
import re
import smtplib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from functools import partial
from typing import Any

from clients.deadline import deadline
from clients.errors import BadAnswer, InvalidRequest, ServiceError
from clients.mail.sending_pace import SendingPace
from clients.mail_server.failures import of_reply, sending
from clients.mail_server.providers import SERVICE, mailbox_limit, signing_in
from clients.mail_server.settings import ImapSettings, Servers
from clients.mail_server.wire import MailConnector, MailServerAddress, MailSocket
from clients.mail_server.xoauth2 import first_answer, with_token
from clients.oauth.app import TokenSource
from clients.pacing.paces import OwnPaces, Paces

_CALL_SECONDS = 300.0
# An address literal reveals no more about this machine than necessary (RFC 5321 4.1.4; Thunderbird does the same).
_OWN_NAME = "[127.0.0.1]"


class _Smtp(smtplib.SMTP):
    """smtplib's protocol over a wire that enforces deadlines, sizes and the address guard."""

    def __init__(self, wire: MailSocket) -> None:
        super().__init__(local_hostname=_OWN_NAME)
        self.wire = wire
        self.sock: Any = wire
        self._host = wire.place.host
        code, said = self.getreply()
        if code != 220:
            raise of_reply(code, said, f"{wire.place.shown} accepts no mail")

    def putcmd(self, cmd: str, args: str = "") -> None:
        """Send a command, with a fresh size limit for its answer."""
        self.wire.begin()
        super().putcmd(cmd, args)

    def secure(self) -> None:
        """Switch the open connection to TLS (RFC 3207)."""
        self.ehlo_or_helo_if_needed()
        if not self.has_extn("starttls"):
            raise InvalidRequest(
                f"{self.wire.place.shown} offers no encryption (STARTTLS).",
                service=SERVICE,
                remedy="Set `smtp_security: tls` and its port, usually 465.",
            )
        _expected(self.docmd("STARTTLS"), 220)
        self.wire.start_tls()
        # What the server said before TLS is no longer valid (RFC 3207 4.2).
        self.file = None
        self.helo_resp = self.ehlo_resp = None
        self.esmtp_features = {}
        self.does_esmtp = False
        self.ehlo_or_helo_if_needed()


class SmtpClient:
    """Sends one mailbox's mail. Thread-safe; each mail uses its own connection."""

    def __init__(
        self,
        settings: ImapSettings,
        connector: MailConnector,
        tokens: TokenSource | None = None,
        paces: Paces | None = None,
    ) -> None:
        self.address = settings.address
        limit = partial(mailbox_limit, settings.recipients_per_day, None if settings.smtp_host else settings.host)
        self._pace = SendingPace(SERVICE, lambda: settings.address, limit, paces or OwnPaces())
        self._user = settings.user or settings.address
        self._password = settings.password
        self._servers = Servers(settings)
        self._connector, self._tokens = connector, tokens

    @property
    def is_set_up(self) -> bool:
        """Whether the server that takes its mail is known."""
        return self._servers.knows_smtp

    def check(self) -> str:
        """Connect and log in; return the server's host and port. Raises ServiceError."""
        with self._session() as smtp:
            return smtp.wire.place.shown

    def hand_over(self, mail: EmailMessage, recipients: Sequence[str]) -> None:
        """Send a mail. Raises ServiceError, whose `outcome` tells whether it may have been sent.

        If one recipient is refused, nothing is sent, so that the mail can be sent again to all.
        """
        content = _content(mail)
        with self._pace.sending(len(recipients)), self._session() as smtp:
            with sending(), _not_sent_yet():
                self._announce(smtp, recipients, len(content), str(mail["X-Orchestra"] or ""))
                # Before the end mark the server has no mail (RFC 5321 4.1.1.4): a failure here has sent nothing.
                smtp.wire.send(content)
            _finish(smtp)

    def _announce(self, smtp: _Smtp, recipients: Sequence[str], size: int, marker: str) -> None:
        most = str(smtp.esmtp_features.get("size", "")).strip()
        if most.isdigit() and 0 < int(most) < size:
            raise InvalidRequest(
                f"The mail is too large: {size} bytes, and the server accepts {most}.", service=SERVICE
            )
        # A report that the mail was not delivered then names its marker, whatever it returns (RFC 3461 4.3 and 4.4).
        options = ["RET=HDRS", f"ENVID={marker}"] if smtp.has_extn("dsn") and marker.isalnum() else []
        _expected(smtp.mail(self.address, options), 250, f"The sender {self.address} is refused")
        for recipient in recipients:
            _expected(smtp.rcpt(recipient), 250, f"The recipient {recipient} is refused", also=251)
        _expected(smtp.docmd("DATA"), 354)

    @contextmanager
    def _session(self) -> Iterator[_Smtp]:
        with deadline(_CALL_SECONDS):
            with _not_sent_yet():
                smtp = self._signed_in(self._servers.smtp())
            try:
                yield smtp
            finally:
                smtp.wire.close()

    def _signed_in(self, place: MailServerAddress) -> _Smtp:
        if self._tokens is not None:
            return with_token(self._tokens, self._user, lambda token: self._opened(place, token))
        with signing_in(self.address, self._servers.host):
            return self._opened(place)

    def _opened(self, place: MailServerAddress, token: str = "") -> _Smtp:
        """Return a connection that is signed in, with an access token if there is one."""
        wire = self._connector.connect(place)
        try:
            with sending():
                smtp = _Smtp(wire)
                if place.security == "starttls":
                    smtp.secure()
                smtp.ehlo_or_helo_if_needed()
                if token:
                    self._sign_in_with_token(smtp, token)
                else:
                    self._sign_in(smtp)
                return smtp
        except BaseException:
            wire.close()
            raise

    def _sign_in_with_token(self, smtp: _Smtp, token: str) -> None:
        shown = smtp.wire.place.shown
        if "XOAUTH2" not in _methods(smtp):
            raise InvalidRequest(
                f"{shown} lets nobody in by a sign-in with a browser (XOAUTH2).",
                service=SERVICE,
                remedy="Correct the connection's `smtp_host`, or give it a password.",
            )
        letters = base64.b64encode(first_answer(self._user, token)).decode("ascii")
        reply = smtp.docmd("AUTH", f"XOAUTH2 {letters}")
        if reply[0] == 334:  # the refusal, which ends with an empty line
            reply = smtp.docmd("")
        _expected(reply, 235, f"{shown} rejects the sign-in of {self._user}")

    def _sign_in(self, smtp: _Smtp) -> None:
        """Log in by AUTH PLAIN, which allows every character, or by another method of smtplib."""
        password = self._password.get_secret_value()
        methods = _methods(smtp)
        if not methods and smtp.wire.place.security == "none":
            return  # a relay on this machine without a password
        if "PLAIN" not in methods and methods:
            smtp.login(self._user, password)
            return
        letters = base64.b64encode(f"\0{self._user}\0{password}".encode()).decode("ascii")
        what = f"{smtp.wire.place.shown} rejects the sign-in of {self._user}"
        _expected(smtp.docmd("AUTH", f"PLAIN {letters}"), 235, what)


def _methods(smtp: _Smtp) -> list[str]:
    """Return the ways to sign in that the server offers."""
    return str(smtp.esmtp_features.get("auth", "")).upper().split()


def recipients_of(mail: EmailMessage) -> list[str]:
    """Return a mail's recipients, each once. Raises InvalidRequest for an address that SMTP cannot transmit."""
    found = [
        address.addr_spec
        for name in ("To", "Cc", "Bcc")
        for header in mail.get_all(name, [])
        for address in header.addresses
    ]
    for address in found:
        if not address.isascii():
            raise InvalidRequest(f"{address!r} cannot be reached: only ASCII addresses are supported.", service=SERVICE)
    return list(dict.fromkeys(found))


def _content(mail: EmailMessage) -> bytes:
    """Return the mail as sent: without Bcc, in 7 bits, leading dots doubled (RFC 5321 4.5.2)."""
    hidden = mail["Bcc"]
    del mail["Bcc"]
    try:
        data = mail.as_bytes(policy=mail.policy.clone(cte_type="7bit"))
    except ValueError as error:
        raise InvalidRequest(f"The mail cannot be written: {error}", service=SERVICE) from error
    finally:
        if hidden is not None:
            mail["Bcc"] = hidden
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", data)
    return re.sub(rb"(?m)^\.", b"..", lines).removesuffix(b"\r\n") + b"\r\n"


@contextmanager
def _not_sent_yet() -> Iterator[None]:
    try:
        yield
    except ServiceError as error:
        error.outcome = "not_done"
        raise


def _finish(smtp: _Smtp) -> None:
    """Send the end mark: from here on, only the server's answer tells whether it has the mail."""
    smtp.wire.begin()
    smtp.wire.send(b".\r\n")
    try:
        code, said = smtp.getreply()
    except (smtplib.SMTPException, ValueError) as error:
        raise BadAnswer(f"The mail server gave no answer that can be understood: {error}.", service=SERVICE) from None
    if not 200 <= code < 300:
        if code < 400:
            raise BadAnswer(f"The mail server answered {code} to the mail.", service=SERVICE)
        raise of_reply(code, said, "The mail is refused")
    with suppress(ServiceError):
        smtp.wire.send(b"QUIT\r\n")  # its answer does not matter


def _expected(
    reply: tuple[int, bytes], code: int, what: str = "The mail server refused the request", *, also: int = 0
) -> None:
    if reply[0] not in {code, also}:
        raise of_reply(reply[0], reply[1], what)
