"""The long form (`make assurance`): four hundred made mails, read as bytes, from a mail server and from Gmail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.clients.test_made_mails import say_what_was_put_in
from tests.mail.made_mails import ALL
from tests.mail.test_made_mails import pytestmark, read_from_a_mailbox, read_from_gmail

if TYPE_CHECKING:
    import httpx

    from clients.imap.client import ImapClient
    from tests.conftest import StandIns

__all__ = ["pytestmark"]


def test_every_mail_says_what_its_sender_put_in() -> None:
    say_what_was_put_in(ALL)


def test_the_mails_of_a_mailbox(client: ImapClient) -> None:
    read_from_a_mailbox(client, ALL)


def test_the_mails_of_gmail(standins: StandIns, http: httpx.Client) -> None:
    read_from_gmail(standins, http, ALL)
