"""Made mails say what their senders put in, read as workflows do: from a real mail server, from Gmail and Outlook over
HTTP, and from archives.

`make assurance` reads a thousand (tests/mail/chaos.py).
"""

from __future__ import annotations

import os
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from clients.client import Opening
from clients.file.client import FileClient
from clients.file.service import FileSettings
from clients.gmail.client import GmailClient
from clients.gmail.service import GmailSettings
from clients.imap.client import ImapClient
from clients.imap.search import SearchCriteria
from clients.mail.outgoing import File
from clients.mail_archive.archive import MailArchive, shown
from clients.mail_archive.archive import attachment as taken_from_archive
from clients.mail_archive.reading import ArchivePlace, read_on
from clients.outlook.client import OutlookClient
from clients.outlook.service import OutlookSettings
from tests.conftest import StandIns
from tests.mail.made_mails import SEED, SOME, Made, mails
from tests.mail.mailboxes import deliver
from tests.mail.reading import differences

pytestmark = pytest.mark.slow
_QUOTED = re.compile(rb"^(>*From )", re.MULTILINE)


def _small(count: int) -> list[Made]:
    """All but the long ones, which a stand-in would take minutes for."""
    return [made for made in mails(SEED, count) if not made.is_cut]


def _all_differences(made: Mapping[str, Made], read: list[Any], take: Callable[[str, str], File]) -> dict[str, Any]:
    """Return what differs, by the names of the mails; of each, one file is taken."""

    def taken(mail: str, part: str) -> bytes:
        return take(mail, part).content

    found = {}
    for one in read:
        mail = made[one["id"]]
        found[mail.name] = differences(mail, one, partial(taken, one["id"]), every=False)
    return {name: different for name, different in found.items() if different}


def read_from_a_mailbox(client: ImapClient, count: int) -> None:
    """Deliver so many mails, and compare."""
    made = {deliver(client, one.raw): one for one in mails(SEED, count)}
    found = client.mail.search(SearchCriteria(), count)
    assert found["unreadable"] == []
    assert {one["id"] for one in found["messages"]} == made.keys()
    assert _all_differences(made, found["messages"], client.mail.attachment) == {}


def read_from_gmail(standins: StandIns, http: httpx.Client, count: int) -> None:
    """Put so many mails into Gmail, and compare."""
    where = standins["gmail"]
    gmail = GmailClient(GmailSettings(token=SecretStr(where.token), base_url=where.base_url), http)
    made = {}
    for one in _small(count):
        if "_chunks " in one.name:  # base64 in chunks, which the stand-in cannot decode
            continue
        answer = standins.controls.post(
            f"{where.origin}/gmail/v1/users/me/messages",
            json={"raw": urlsafe_b64encode(one.raw).decode(), "labelIds": ["INBOX"]},
            headers={"authorization": f"Bearer {where.token}"},
        )
        made[str(answer.raise_for_status().json()["id"])] = one
    found = gmail.mail.by_ids([*made])
    assert found["unreadable"] == []
    assert {one["id"] for one in found["messages"]} == made.keys()
    assert _all_differences(made, found["messages"], gmail.mail.attachment) == {}


def read_from_outlook(standins: StandIns, http: httpx.Client, count: int) -> None:
    """Let so many mails arrive in Outlook, and compare."""
    where = standins["outlook"]
    outlook = OutlookClient(OutlookSettings(token=SecretStr(where.token), base_url=where.base_url), http)
    made = {}
    for one in _small(count):
        answer = standins.controls.post(f"{where.origin}/_demo/mail", content=one.raw)
        made[str(answer.raise_for_status().json()["id"])] = one
    found = outlook.mail.by_ids([*made])
    assert found["unreadable"] == []
    assert {one["id"] for one in found["messages"]} == made.keys()
    assert _all_differences(made, found["messages"], outlook.mail.attachment) == {}


def read_from_an_archive(root: Path, count: int) -> None:
    """Put so many mails into a mailbox file, and as many into files, and compare."""
    (root / "all").mkdir()
    made = [*mails(SEED, count)]
    with (root / "all" / "all.mbox").open("wb") as box:
        for one in made:
            box.write(b"From x Fri Nov 20 08:00:00 2026\n" + _QUOTED.sub(rb">\1", one.raw) + b"\n\n")
    for number, one in enumerate(made):
        (root / "all" / f"{number:04}.eml").write_bytes(one.raw)
        os.utime(root / "all" / f"{number:04}.eml", (number + 1, number + 1))
    client = FileClient.open(FileSettings(), Opening(workspace=root))
    archive = MailArchive(client, "all")
    place, told, later = ArchivePlace(), list[dict[str, Any]](), datetime.now(UTC) + timedelta(minutes=1)
    seen: set[str] = set()

    def taken(mail: str, part: str) -> bytes:
        return taken_from_archive(client, mail, part).content

    def unseen(keys: Iterable[str]) -> list[str]:
        return [key for key in keys if key not in seen]

    while (piece := read_on(archive, place, unseen, 100, later)).has_more:
        assert piece.failed == []
        seen |= {one.key for one in piece.mails}
        for found in piece.mails:
            read = shown(found.mail)
            told.append(differences(made[len(told) % count], read, partial(taken, read["id"]), every=False))
    assert len(told) == 2 * count
    assert {made[at % count].name: different for at, different in enumerate(told) if different} == {}


def test_the_mails_of_an_archive(tmp_path: Path) -> None:
    read_from_an_archive(tmp_path, SOME)


def test_the_mails_of_a_mailbox(client: ImapClient) -> None:
    read_from_a_mailbox(client, SOME)


def test_the_mails_of_gmail(standins: StandIns, http: httpx.Client) -> None:
    read_from_gmail(standins, http, SOME)


def test_the_mails_of_outlook(standins: StandIns, http: httpx.Client) -> None:
    read_from_outlook(standins, http, SOME)
