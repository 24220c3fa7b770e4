"""A real SMTP server (aiosmtpd) on loopback that takes mail with a password, over TLS, STARTTLS or in clear."""

from __future__ import annotations

import asyncio
import base64
import ssl
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.mail.dovecot import PASSWORD
from tests.patience import PATIENCE_SECONDS


@dataclass
class SmtpServer:
    """A running server, and the mails that it took; it refuses addresses that begin with `nobody`."""

    port: int = 0
    tls_port: int = 0
    mails: list[Envelope] = field(default_factory=list)
    answer: str = "250 Taken"
    tokens: dict[str, str] = field(default_factory=dict)
    """The access tokens that it accepts, with the address of each."""
    answered_refusals: list[object] = field(default_factory=list)
    """What clients said to the challenge that tells them of a refused token."""
    on_mail: Callable[[Envelope], None] = lambda _: None

    def last(self) -> EmailMessage:
        """The last mail."""
        found = message_from_bytes(content_of(self.mails[-1]), policy=default)
        assert isinstance(found, EmailMessage)
        return found

    async def auth_XOAUTH2(self, server: SMTP, given: list[str]) -> AuthResult:
        """Let somebody in by an access token; a refusal is a challenge, then 535 once it is answered."""
        said = dict(one.split("=", 1) for one in base64.b64decode(given[1]).decode().split("\1") if one)
        if self.tokens.get(said["auth"].removeprefix("Bearer ")) == said["user"]:
            return AuthResult(success=True, auth_data=said["user"])
        self.answered_refusals.append(await server.challenge_auth('{"status":"401","schemes":"bearer"}'))
        return AuthResult(success=False, handled=False)

    async def handle_RCPT(self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _: Any) -> str:
        """Take a recipient."""
        if address.startswith("nobody"):
            return "550 5.1.1 No such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Take a mail."""
        if self.answer.startswith("250"):
            self.mails.append(envelope)
            self.on_mail(envelope)
        return self.answer


def content_of(envelope: Envelope) -> bytes:
    """The bytes of a mail as they came."""
    assert isinstance(envelope.content, bytes)
    return envelope.content


def _let_in(*arguments: Any) -> AuthResult:
    given = arguments[-1]
    is_right = isinstance(given, LoginPassword) and given.password == PASSWORD.encode()
    return AuthResult(success=is_right, handled=False)


@contextmanager
def running(certificate: Path) -> Iterator[SmtpServer]:
    """Start one that shows `certificate.pem` of this folder, and stop it afterwards."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate / "certificate.pem", certificate / "key.pem")
    server = SmtpServer()
    loop = asyncio.new_event_loop()
    listening: list[asyncio.Server] = [
        loop.run_until_complete(loop.create_server(_protocol(server, loop, extra), "127.0.0.1", 0, ssl=outer))
        for outer, extra in (
            (None, {"tls_context": context, "require_starttls": True}),
            (context, {"auth_require_tls": False}),
        )
    ]
    server.port, server.tls_port = (one.sockets[0].getsockname()[1] for one in listening)
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(_end(listening), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE_SECONDS)
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def _protocol(server: SmtpServer, loop: asyncio.AbstractEventLoop, extra: dict[str, Any]) -> Callable[[], SMTP]:
    def made() -> SMTP:
        with warnings.catch_warnings():
            # It warns of passwords without TLS, and does not see the TLS that lies under the whole connection.
            warnings.simplefilter("ignore", UserWarning)
            return SMTP(server, hostname="here", authenticator=_let_in, auth_required=True, loop=loop, **extra)

    return made


async def _end(listening: list[asyncio.Server]) -> None:
    for one in listening:
        one.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0)
