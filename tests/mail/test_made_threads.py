"""Made conversations are read as they were held, from their bytes, a real mail server, and Gmail and Outlook over HTTP.

`make assurance` reads a thousand mails of them (tests/mail/chaos.py).
"""

from __future__ import annotations

import random
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from clients.gmail.client import GmailClient
from clients.gmail.service import GmailSettings
from clients.imap.client import ImapClient
from clients.imap.threads import thread
from clients.mail.transcript import transcript
from clients.outlook.client import OutlookClient
from clients.outlook.service import OutlookSettings
from tests.conftest import StandIns
from tests.mail.made_threads import SEED, SOME, MadeThread, ThreadMail, threads
from tests.mail.mailboxes import deliver
from tests.mail.raw_mails import read_raw

pytestmark = pytest.mark.slow
_NAME = re.compile(rb"\nMessage-ID: (<\S+>)")


def say_what_each_adds(count: int) -> None:
    """Read the mails of so many conversations, and compare."""
    made = [*threads(SEED, count, ("Ann Lee", "ann@example.org"))]
    print(f"{count} conversations of {sum(len(one.mails) for one in made)} mails")  # noqa: T201
    told = {one.name: (one.transcript(), transcript([_as_read(mail) for mail in one.mails])) for one in made}
    assert {name: pair for name, pair in told.items() if pair[0] != pair[1]} == {}


def _as_read(mail: ThreadMail) -> dict[str, Any]:
    return {**read_raw(mail.raw), "date": f"{mail.at:%Y-%m-%dT%H:%M:%SZ}"}


def threads_of_a_mailbox(client: ImapClient, count: int) -> None:
    """Deliver so many conversations in any order and to several folders, some mails twice, and compare."""
    rng, made = random.Random(SEED), [*threads(SEED, count, ("Ann Lee", client.mailbox.address))]
    for mail in rng.sample(waiting := [mail for one in made for mail in one.mails], len(waiting)):
        folder = "Sent Items" if mail.is_own else rng.choice(["INBOX", "INBOX", "Archive"])
        for where in {folder, rng.choice([folder, folder, "Archive"])}:
            deliver(client, mail.raw, where, at=mail.at)
    for one in made:
        deliver(client, one.stranger, at=one.mails[-1].at)
    _compare(made, lambda one: thread(client.mailbox, _name_of(rng.choice(one.mails))))


def _name_of(mail: ThreadMail) -> str:
    found = _NAME.search(mail.raw)
    assert found is not None
    return found[1].decode()


def threads_of_gmail(standins: StandIns, http: httpx.Client, count: int) -> None:
    """Put so many conversations into Gmail, and compare."""
    where = standins["gmail"]
    gmail = GmailClient(GmailSettings(token=SecretStr(where.token), base_url=where.base_url), http)
    made = [*threads(SEED, count, ("Ann Lee", gmail.account()))]

    def put(raw: bytes, *, is_own: bool = False) -> str:
        address = f"{where.origin}/gmail/v1/users/me/messages?internalDateSource=dateHeader"
        content = {"raw": urlsafe_b64encode(raw).decode(), "labelIds": ["SENT" if is_own else "INBOX"]}
        headers = {"authorization": f"Bearer {where.token}"}
        answer = standins.controls.post(address, json=content, headers=headers)
        return str(answer.raise_for_status().json()["id"])

    last = {one.name: [put(mail.raw, is_own=mail.is_own) for mail in one.mails][-1] for one in made}
    for one in made:
        put(one.stranger)
    _compare(made, lambda one: gmail.mail.thread(gmail.mail.message(last[one.name])["thread_id"]))


def threads_of_outlook(standins: StandIns, http: httpx.Client, count: int) -> None:
    """Let so many conversations arrive in Outlook, and compare."""
    where = standins["outlook"]
    outlook = OutlookClient(OutlookSettings(token=SecretStr(where.token), base_url=where.base_url), http)
    made = [*threads(SEED, count, ("Ann Lee", outlook.account()))]

    def put(raw: bytes, at: datetime) -> str:
        answer = standins.controls.post(f"{where.origin}/_demo/mail", content=raw, params={"at": at.isoformat()})
        return str(answer.raise_for_status().json()["id"])

    last = {one.name: [put(mail.raw, mail.at) for mail in one.mails][-1] for one in made}
    for one in made:
        put(one.stranger, one.mails[-1].at)
    _compare(made, lambda one: outlook.mail.thread(outlook.mail.message(last[one.name])["thread_id"]))


def _compare(made: list[MadeThread], read: Callable[[MadeThread], Mapping[str, Any]]) -> None:
    different = {}
    for one in made:
        told = read(one)
        found = (told["text"], told["unreadable"], told["has_more"])
        if found != (one.transcript(), [], False):
            different[one.name] = (one.transcript(), *found)
    assert different == {}


def test_each_mail_of_a_conversation_says_what_it_adds() -> None:
    say_what_each_adds(5 * SOME)


def test_the_conversations_of_a_mailbox(client: ImapClient) -> None:
    threads_of_a_mailbox(client, SOME)


def test_the_conversations_of_gmail(standins: StandIns, http: httpx.Client) -> None:
    threads_of_gmail(standins, http, SOME)


def test_the_conversations_of_outlook(standins: StandIns, http: httpx.Client) -> None:
    threads_of_outlook(standins, http, SOME)
