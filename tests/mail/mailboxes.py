"""Mailboxes on one real dovecot, started when the first is asked for; and the mails in them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import pytest

from clients.client import Opening
from clients.imap.client import ImapClient
from clients.mail_server.settings import ImapSettings
from tests.mail import dovecot
from tests.mail.dovecot import PASSWORD, Dovecot

_accounts = itertools.count(1)
_messages = itertools.count(1)
_running: list[Dovecot] = []
_at_end = ExitStack()


def server() -> Dovecot:
    """The server of this process; where this machine has none, the test is skipped and says so."""
    if not dovecot.is_here():
        pytest.skip("No dovecot here: IMAP is not tested against a real server (apt install dovecot-imapd).")
    if not _running:
        _running.append(_at_end.enter_context(dovecot.running()))
    return _running[0]


def stop() -> None:
    """Stop the server, where one was started."""
    _running.clear()
    _at_end.close()


def new_settings() -> dict[str, Any]:
    """What the connection to a new, empty mailbox says."""
    found = server()
    return {
        "address": f"ann{next(_accounts)}@example.com",
        "password": PASSWORD,
        "host": "127.0.0.1",
        "port": found.tls_port,
        "ca_file": found.certificate,
    }


def lasting() -> ImapClient:
    """A client of a new, empty mailbox, whose connections are closed with the server."""
    return _at_end.enter_context(connected(new_settings()))


@contextmanager
def connected(settings: dict[str, Any]) -> Iterator[ImapClient]:
    """Open a client, and close its connections afterwards."""
    client = ImapClient.open(ImapSettings(**settings), Opening())
    try:
        yield client
    finally:
        client.close()


def mail(subject: str = "Hello", text: str = "Hi Ann.\n", **headers: str) -> EmailMessage:
    """A mail from Bob; header names are written with `_` for `-`."""
    made = EmailMessage()
    fields = {"From": "Bob <bob@example.org>", "To": "ann@example.com", "Subject": subject}
    for name, value in {**fields, **{name.replace("_", "-"): value for name, value in headers.items()}}.items():
        made[name] = value
    if "Message-ID" not in made:
        made["Message-ID"] = f"<{next(_messages)}.{subject.encode().hex()[:12]}@example.org>"
    made.set_content(text)
    return made


def deliver(
    client: ImapClient,
    message: EmailMessage | bytes,
    folder: str = "INBOX",
    flags: tuple[str, ...] = (),
    at: datetime | None = None,
) -> str:
    """Put a mail into a mailbox as if it had arrived; give its id."""
    content = message if isinstance(message, bytes) else message.as_bytes()
    with client.mailbox.session() as session:
        uid = session.append(folder, content, flags, at or datetime.now(UTC))
        return f"{folder}:{session.select(folder).uidvalidity}:{uid}"
