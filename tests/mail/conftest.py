"""A mailbox for each test: on a real dovecot and a real SMTP server, both on loopback."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import pytest

from clients.imap import ImapClient
from clients.imap_settings import ImapSettings
from tests.mail import dovecot as dovecots
from tests.mail import smtp_server
from tests.mail.dovecot import PASSWORD, Dovecot
from tests.mail.smtp_server import SmtpServer

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    """One server for all tests; each test has a mailbox of its own on it."""
    if not dovecots.is_here():
        pytest.skip(
            "dovecot is not installed: nothing of IMAP was tested against a real server (apt install dovecot-imapd)"
        )
    with dovecots.running() as found:
        yield found


@pytest.fixture
def smtp(dovecot: Dovecot) -> Iterator[SmtpServer]:
    """A server that takes mail; it shows the same certificate."""
    with smtp_server.running(dovecot.folder) as found:
        yield found


@pytest.fixture
def mailbox_settings(dovecot: Dovecot) -> dict[str, Any]:
    """What the connection to a new, empty mailbox says."""
    address = f"ann{next(_numbers)}@example.com"
    return {
        "address": address,
        "password": PASSWORD,
        "host": "127.0.0.1",
        "port": dovecot.tls_port,
        "ca_file": dovecot.certificate,
    }


@pytest.fixture
def client(mailbox_settings: dict[str, Any]) -> Iterator[ImapClient]:
    """A client of a new, empty mailbox."""
    yield from connected(mailbox_settings)


def connected(settings: dict[str, Any]) -> Iterator[ImapClient]:
    """Open a client, and close its connections afterwards."""
    checked = ImapSettings(**settings)
    door = ImapClient.way_out(checked, is_demo=False)
    yield ImapClient(checked, door)
    door.close()


@pytest.fixture
def sending_settings(mailbox_settings: dict[str, Any], smtp: SmtpServer) -> dict[str, Any]:
    """What the connection to a new, empty mailbox that can send says."""
    return {**mailbox_settings, "smtp_host": "127.0.0.1", "smtp_port": smtp.tls_port}


@pytest.fixture
def sending_client(sending_settings: dict[str, Any]) -> Iterator[ImapClient]:
    """A client of a new, empty mailbox that can send."""
    yield from connected(sending_settings)


def mail(subject: str = "Hello", text: str = "Hi Ann.\n", **headers: str) -> EmailMessage:
    """A mail from Bob; header names are written with `_` for `-`."""
    made = EmailMessage()
    fields = {"From": "Bob <bob@example.org>", "To": "ann@example.com", "Subject": subject}
    for name, value in {**fields, **{name.replace("_", "-"): value for name, value in headers.items()}}.items():
        made[name] = value
    if "Message-ID" not in made:
        made["Message-ID"] = f"<{next(_numbers)}.{subject.encode().hex()[:12]}@example.org>"
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
