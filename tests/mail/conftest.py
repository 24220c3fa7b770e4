"""A mailbox for each test: on a real dovecot and a real SMTP server, both on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from clients.imap.client import ImapClient
from tests.mail import mailboxes, smtp_server
from tests.mail.dovecot import Dovecot
from tests.mail.smtp_server import SmtpServer


@pytest.fixture
def dovecot() -> Dovecot:
    """The server; each test has a mailbox of its own on it."""
    return mailboxes.server()


@pytest.fixture
def smtp(dovecot: Dovecot) -> Iterator[SmtpServer]:
    """A server that takes mail; it shows the same certificate."""
    with smtp_server.running(dovecot.folder) as found:
        yield found


@pytest.fixture
def mailbox_settings() -> dict[str, Any]:
    """What the connection to a new, empty mailbox says."""
    return mailboxes.new_settings()


@pytest.fixture
def client(mailbox_settings: dict[str, Any]) -> Iterator[ImapClient]:
    """A client of a new, empty mailbox."""
    with mailboxes.connected(mailbox_settings) as found:
        yield found


@pytest.fixture
def sending_settings(mailbox_settings: dict[str, Any], smtp: SmtpServer) -> dict[str, Any]:
    """What the connection to a new, empty mailbox that can send says."""
    return {**mailbox_settings, "smtp_host": "127.0.0.1", "smtp_port": smtp.tls_port}


@pytest.fixture
def sending_client(sending_settings: dict[str, Any]) -> Iterator[ImapClient]:
    """A client of a new, empty mailbox that can send."""
    with mailboxes.connected(sending_settings) as found:
        yield found
