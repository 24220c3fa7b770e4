"""Every step type of a mailbox inside `reads_only()`, on a real dovecot and a real SMTP server."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from clients.errors import WriteRefused
from clients.imap.arrivals import arrivals
from clients.imap.client import ImapClient
from clients.imap.search import SearchCriteria
from clients.reads_only import reads_only
from engine.plugins import registry
from engine.plugins.step import Effect
from tests.mail.mailboxes import deliver, mail
from tests.mail.smtp_server import SmtpServer
from tests.mail.steps import ARGUMENTS, call_of


def test_every_step_type_of_a_mailbox_is_here() -> None:
    assert set(ARGUMENTS) == {name for name, one in registry.step_types().items() if one.service == "imap"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ARGUMENTS)
def test_inside_a_mailbox_is_read_and_stays_as_it_is_and_outside_it_changes(
    sending_client: ImapClient, smtp: SmtpServer, name: str
) -> None:
    letter = mail("Größe")
    letter.add_attachment("text", filename="note.txt")
    with_flags = ("\\Seen", "\\Flagged") if name in {"imap.mark_unread", "imap.remove_flags"} else ()
    mail_id = deliver(sending_client, letter, flags=with_flags)
    work = call_of(sending_client, name, mail_id)
    is_write = registry.step_type(name).effect is Effect.WRITES
    before = _state(sending_client)
    with reads_only():
        if is_write:
            with pytest.raises(WriteRefused, match="was not sent: while a plan is made"):
                work()
        else:
            work()
    assert (_state(sending_client), smtp.mails) == (before, [])
    work()
    assert (_state(sending_client) != before) is is_write, "the control: the same call does arrive"


def test_a_trigger_may_look_and_a_search_without_ascii_too(client: ImapClient) -> None:
    deliver(client, mail("Größe"))
    with reads_only(), arrivals(client.mailbox, SearchCriteria(subject="Größe")) as found:
        (arrival,) = found.known(found.beginning_at(1))
        found.read([arrival.uid])
        found.arrived_since(datetime.now(UTC))
    with client.mailbox.opened("INBOX") as (session, _):
        assert session.search("UNSEEN") == [arrival.uid]


def _state(client: ImapClient) -> Any:
    """What is in which folder, with its flags; and the folders."""
    folders = [one.name for one in client.mailbox.folders()]
    held = {}
    for folder in folders:
        with client.mailbox.opened(folder) as (session, _):
            held[folder] = [(one.uid, one.flags) for one in session.fetch(session.search("ALL"))]
    return held
