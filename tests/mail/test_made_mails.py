"""Made mails say what their senders put in, read as workflows do: from a real mail server, and from Gmail over HTTP.

`make assurance` reads four hundred (tests/mail/chaos.py).
"""

from __future__ import annotations

from base64 import urlsafe_b64encode

import httpx
import pytest
from pydantic import SecretStr

from clients.gmail.client import GmailClient
from clients.gmail.service import GmailSettings
from clients.imap.client import ImapClient
from clients.imap.mail import search
from clients.imap.search import SearchCriteria
from tests.conftest import StandIns
from tests.mail.made_mails import SEED, SOME, Made, mails
from tests.mail.mailboxes import deliver
from tests.mail.reading import differences

pytestmark = pytest.mark.slow


def _small(count: int) -> list[Made]:
    """All but the long ones, which a stand-in would take minutes for; and base64 in chunks, which it cannot decode."""
    return [made for made in mails(SEED, count) if not made.is_cut and "_chunks " not in made.name]


def read_from_a_mailbox(client: ImapClient, count: int) -> None:
    """Deliver so many mails, and compare."""
    made = {deliver(client, one.raw): one for one in mails(SEED, count)}
    found = search(client.mailbox, SearchCriteria(), 500)
    assert found["unreadable"] == []
    assert {one["id"] for one in found["messages"]} == made.keys()
    told = {made[one["id"]].name: differences(made[one["id"]], one) for one in found["messages"]}
    assert {name: different for name, different in told.items() if different} == {}


def read_from_gmail(standins: StandIns, http: httpx.Client, count: int) -> None:
    """Put so many mails into Gmail, and compare."""
    where = standins["gmail"]
    gmail = GmailClient(GmailSettings(token=SecretStr(where.token), base_url=where.base_url), http)
    made = {}
    for one in _small(count):
        answer = standins.controls.post(
            f"{where.origin}/gmail/v1/users/me/messages",
            json={"raw": urlsafe_b64encode(one.raw).decode(), "labelIds": ["STARRED"]},
            headers={"authorization": f"Bearer {where.token}"},
        )
        made[str(answer.raise_for_status().json()["id"])] = one
    found = gmail.mail.search("is:starred", 500)
    assert found["unreadable"] == []
    assert {one["id"] for one in found["messages"]} == made.keys()
    told = {made[one["id"]].name: differences(made[one["id"]], one) for one in found["messages"]}
    assert {name: different for name, different in told.items() if different} == {}


def test_the_mails_of_a_mailbox(client: ImapClient) -> None:
    read_from_a_mailbox(client, SOME)


def test_the_mails_of_gmail(standins: StandIns, http: httpx.Client) -> None:
    read_from_gmail(standins, http, SOME)
