"""The long form (`make assurance`): a thousand mails, and conversations of a thousand, from all that is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.clients.test_made_mails import say_what_was_put_in
from tests.mail.made_mails import ALL
from tests.mail.made_threads import ALL as ALL_THREADS
from tests.mail.test_made_mails import (
    pytestmark,
    read_from_a_mailbox,
    read_from_an_archive,
    read_from_gmail,
    read_from_outlook,
)
from tests.mail.test_made_threads import (
    say_what_each_adds,
    threads_of_a_mailbox,
    threads_of_gmail,
    threads_of_outlook,
)

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from clients.imap.client import ImapClient
    from tests.conftest import StandIns

__all__ = ["pytestmark"]


def test_every_mail_says_what_its_sender_put_in() -> None:
    say_what_was_put_in(ALL)


def test_the_mails_of_archives(tmp_path: Path) -> None:
    read_from_an_archive(tmp_path, ALL)


def test_the_mails_of_a_mailbox(client: ImapClient) -> None:
    read_from_a_mailbox(client, ALL)


def test_the_mails_of_gmail(standins: StandIns, http: httpx.Client) -> None:
    read_from_gmail(standins, http, ALL)


def test_the_mails_of_outlook(standins: StandIns, http: httpx.Client) -> None:
    read_from_outlook(standins, http, ALL)


def test_each_mail_of_a_conversation_says_what_it_adds() -> None:
    say_what_each_adds(ALL_THREADS)


def test_the_conversations_of_a_mailbox(client: ImapClient) -> None:
    threads_of_a_mailbox(client, ALL_THREADS)


def test_the_conversations_of_gmail(standins: StandIns, http: httpx.Client) -> None:
    threads_of_gmail(standins, http, ALL_THREADS)


def test_the_conversations_of_outlook(standins: StandIns, http: httpx.Client) -> None:
    threads_of_outlook(standins, http, ALL_THREADS)
