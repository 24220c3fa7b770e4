"""Triggers per attached file and per conversation: what becomes one run, and what none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from clients.errors import BadAnswer
from engine.plugins.registry import trigger_type
from engine.plugins.trigger import Item
from engine.triggers.mail_parts import GmailAttachment
from tests.conftest import StandIns
from tests.engine.triggers.looking import Looker
from tests.engine.triggers.worlds import Scene, worlds
from tests.mail.mailboxes import deliver

FILES = (
    "Subject: Two\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\nHi\n"
    "--x\nContent-Type: text/csv; name=a.csv\n\n1\n--x\nContent-Type: text/csv; name=b.csv\n\n2\n--x--\n"
)
FORWARDED = (
    "Subject: FYI\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=o\n\n"
    "--o\nContent-Type: multipart/related; boundary=r\n\n"
    "--r\nContent-Type: text/html\n\n<p>See below.</p><img src='CID:logo%40a'>\n"
    "--r\nContent-Type: image/png; name=logo.png\nContent-ID: <logo@a>\n\nlogo\n--r--\n"
    "--o\nContent-Type: message/rfc822\n\n"
    "Subject: Invoice 17\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=i\n\n"
    "--i\n\nPlease pay.\n--i\nContent-Type: application/pdf; name=invoice.pdf\n\n%PDF\n--i--\n--o--\n"
)
Arrive = Callable[[str], None]


@pytest.fixture
def arrive(standins: StandIns) -> Arrive:
    def deliver(raw: str) -> None:
        url, plain = f"{standins['gmail'].origin}/_demo/mail", {"content-type": "text/plain"}
        content = f"From: ada@example.com\n{raw}"
        standins.controls.post(url, content=content, headers=plain).raise_for_status()

    return deliver


@pytest.fixture
def looker(request: pytest.FixtureRequest, tmp_path: Path, standins: StandIns, http: httpx.Client) -> Looker:
    made = worlds()[request.param](Scene(tmp_path, standins, http)).looker(trigger_type(request.param))
    made.look_until_done()
    return made


@pytest.mark.parametrize("looker", ["gmail.new_attachment"], indirect=True)
def test_each_file_of_a_mail_is_a_run_and_a_mail_without_files_none(looker: Looker, arrive: Arrive) -> None:
    arrive(FILES)
    arrive("Subject: None\n\nHi")
    found = looker.look_until_done()
    assert [item.title for item in found] == ["a.csv", "b.csv"]
    for item in found:
        value = dict(item.value or {})
        file = looker.client.mail.attachment(value["message"], value["id"])
        assert (file.name, value["from"], value["subject"]) == (item.title, "ada@example.com", "Two")
        again = looker.kind.read(looker.request(), Item(item.id))
        assert (again.id, again.value) == (item.id, item.value)


def files_of(looker: Looker) -> list[tuple[str, str, bytes]]:
    """The files that start a run, as `get_attachment` of their service gives them."""
    values = [dict(item.value or {}) for item in looker.look_until_done()]
    take = looker.client.mail.attachment
    taken = [take(value["message"], value["id"]) for value in values]
    return [(value["name"], file.name, file.content.strip()) for value, file in zip(values, taken, strict=True)]


@pytest.mark.parametrize("looker", ["gmail.new_attachment", "imap.new_attachment"], indirect=True)
def test_files_of_an_attached_mail_start_runs_and_pictures_that_the_mail_shows_none(
    looker: Looker, arrive: Arrive
) -> None:
    if looker.kind.service == "imap":
        deliver(looker.client, f"From: ada@example.com\n{FORWARDED}".encode())
    else:
        arrive(FORWARDED)
    (mail, same, content), pdf = files_of(looker)
    assert (mail, same, pdf) == ("Invoice 17.eml", "Invoice 17.eml", ("invoice.pdf", "invoice.pdf", b"%PDF"))
    assert b"Please pay." in content


@pytest.mark.parametrize("looker", ["gmail.new_attachment"], indirect=True)
def test_pictures_that_the_mail_shows_start_runs_if_asked_for(looker: Looker, arrive: Arrive) -> None:
    asked = replace(looker, fields={**looker.fields, "include_inline": True})
    arrive(FORWARDED)
    assert [item.title for item in asked.look_until_done()] == ["logo.png", "Invoice 17.eml", "invoice.pdf"]


@pytest.mark.parametrize("looker", ["gmail.new_in_thread"], indirect=True)
def test_the_new_mails_of_a_conversation_are_one_run(looker: Looker, arrive: Arrive) -> None:
    arrive("Subject: Offer\nMessage-ID: <1@example.com>\n\nFirst")
    arrive("Subject: Other\nMessage-ID: <2@example.com>\n\nElse")
    arrive("Subject: Re: Offer\nMessage-ID: <3@example.com>\nIn-Reply-To: <1@example.com>\n\nSecond")
    offer, other = (dict(item.value or {}) for item in looker.look_until_done())
    assert [each["text"].strip() for each in offer["messages"]] == ["First", "Second"]
    assert (offer["subject"], len(other["messages"])) == ("Offer", 1)
    arrive("Subject: Re: Offer\nIn-Reply-To: <3@example.com>\n\nThird")
    [later] = looker.look_until_done()
    value = dict(later.value or {})
    assert value["thread_id"] == offer["thread_id"]
    assert [each["text"].strip() for each in value["messages"]] == ["Third"]


@pytest.mark.parametrize("looker", ["gmail.new_attachment"], indirect=True)
def test_a_mail_that_cannot_be_read_does_not_hold_up_the_others(
    looker: Looker, arrive: Arrive, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrive("Subject: Broken\n\nHi")
    arrive(FILES)
    read = GmailAttachment.mails.read
    broken: list[str] = []

    def fails_once(look: object, item: Item) -> Item:
        if not broken:
            broken.append(item.id)
            raise BadAnswer("It is broken.")
        return read(look, item)  # type: ignore[arg-type]

    monkeypatch.setattr(GmailAttachment.mails, "read", fails_once)
    found = looker.kind.look(looker.request())
    assert {item.id: item.error for item in found.items if item.error} == {broken[0]: "It is broken."}
    assert [item.title for item in found.items if not item.error and not item.skip] == ["a.csv", "b.csv"]
