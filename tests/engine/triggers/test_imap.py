"""New mail in a mailbox, against a real dovecot: nothing lost and nothing twice, whatever becomes of its numbers."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from clients.errors import Unavailable
from clients.imap.client import ImapClient
from clients.imap.filing import move
from clients.imap.session import ImapSession
from clients.mail.letter import Letter
from clients.mail.outgoing import OutgoingMail
from engine.plugins.registry import trigger_type
from engine.plugins.trigger import Start
from engine.triggers import backlog
from tests.engine.triggers.looking import NOW, Looker
from tests.mail.mailboxes import connected, deliver, mail, new_settings

HOUR = timedelta(hours=1)
_numbers = itertools.count(1)


@pytest.fixture
def settings() -> dict[str, Any]:
    return new_settings()


@pytest.fixture
def client(settings: dict[str, Any]) -> Iterator[ImapClient]:
    with connected(settings) as found:
        yield found


@pytest.fixture
def post(settings: dict[str, Any]) -> Iterator[ImapClient]:
    """Whoever else works on the mailbox."""
    with connected(settings) as found:
        yield found


def looker(client: ImapClient, start: Start | None = None, **fields: Any) -> Looker:
    return Looker(trigger_type("imap.new_message"), fields, client, start or Start())


def begun(client: ImapClient, **fields: Any) -> Looker:
    found = looker(client, **fields)
    assert found.look_until_done(NOW) == []
    return found


def titles(found: Looker, now: datetime = NOW) -> list[str]:
    return [item.title for item in found.look_until_done(now)]


def renumber(client: ImapClient, folder: str) -> None:
    """Number a folder anew and in another order, as a server does that lost its index: mails and dates stay."""
    away = f"Lost{next(_numbers)}"
    with client.mailbox.opened("Bin") as (session, _), session.asking() as protocol:
        assert (protocol.rename(folder, away)[0], protocol.create(folder)[0]) == ("OK", "OK")
    with client.mailbox.opened(away) as (session, _):
        uids = session.search("ALL")
        for some in (uids[1::2], uids[::2]):
            with session.asking() as protocol:
                assert not some or protocol.uid("COPY", ",".join(map(str, some)), folder)[0] == "OK"


def test_mail_that_was_there_is_left_alone_and_mail_that_comes_is_found(client: ImapClient) -> None:
    deliver(client, mail("Old"), at=NOW - HOUR)
    found = begun(client)
    identity = deliver(client, mail("New"), at=NOW + HOUR)
    [item] = found.look(NOW + HOUR)
    assert item.value is not None
    assert (item.title, item.at, item.value["id"]) == ("New", NOW + HOUR, identity)
    assert (item.value["is_read"], item.value["from"]) == (False, "Bob <bob@example.org>")
    assert titles(found) == []


@pytest.mark.parametrize(
    ("start", "wanted"),
    [
        pytest.param(Start(last=2), ["Second", "Third"], id="the last two"),
        pytest.param(Start(last=9), ["First", "Second", "Third"], id="more than there are"),
        pytest.param(Start(since=NOW - 2 * HOUR), ["Second", "Third"], id="since a time"),
    ],
)
def test_it_begins_where_a_person_says(client: ImapClient, start: Start, wanted: list[str]) -> None:
    for subject, hours in (("First", 3), ("Second", 2), ("Third", 1)):
        deliver(client, mail(subject), at=NOW - hours * HOUR)
    found = looker(client, start)
    found.limit = 1
    assert titles(found) == wanted
    deliver(client, mail("Fourth"), at=NOW)
    assert titles(found) == ["Fourth"]


def test_of_more_mails_than_can_be_gone_through_that_is_said_and_the_newest_count(
    client: ImapClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "MOST", 2)
    for subject, hours in (("First", 3), ("Second", 2), ("Third", 1)):
        deliver(client, mail(subject), at=NOW - hours * HOUR)
    found = looker(client, Start(last=3))
    assert titles(found) == ["Second", "Third"]
    assert len(found.notes) == 2
    assert all(note.startswith("More than 2 mails match: only the newest 2 count") for note in found.notes)


def test_a_mail_that_is_moved_here_is_new_once(client: ImapClient) -> None:
    found = begun(client)
    there = deliver(client, mail("Moved"), "Archive", at=NOW - 100 * HOUR)
    assert titles(found) == []
    filed = move(client.mailbox, there, "INBOX")
    assert titles(found) == ["Moved"]
    move(client.mailbox, move(client.mailbox, filed.id, "Archive").id, "INBOX")
    assert titles(found) == []


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"from": "carol"}, ["Report from Carol"]),
        ({"subject": "report"}, ["Report from Carol", "Report"]),
        ({"text": "forty-two"}, ["Report"]),
        ({"criteria": "NOT FROM carol"}, ["Report", "Else"]),
    ],
    ids=str,
)
def test_only_what_fits_is_new(client: ImapClient, fields: dict[str, str], wanted: list[str]) -> None:
    found = begun(client, **fields)
    deliver(client, mail("Report from Carol", From="carol@example.org"), at=NOW)
    deliver(client, mail("Report", "forty-two"), at=NOW)
    deliver(client, mail("Else"), at=NOW)
    assert titles(found) == wanted


@pytest.mark.parametrize("wanted", ["Carol@corp.example", "corp.example"])
def test_an_address_or_a_domain_is_the_senders(client: ImapClient, wanted: str) -> None:
    found = begun(client, **{"from": wanted})
    senders = ['"carol@corp.example" <eve@evil.example>', "carol@corp.example.evil.example", "carol@evil-corp.example"]
    for sender in [*senders, "Carol <carol@corp.example>"]:
        deliver(client, mail(sender, From=sender), at=NOW)
    assert titles(found) == ["Carol <carol@corp.example>"]


def test_drafts_sent_mail_and_mail_of_a_workflow_are_left_out_unless_asked_for(client: ImapClient) -> None:
    strict = begun(client)
    open_ones = [begun(client, **{name: True}) for name in ("include_drafts", "include_sent", "include_own")]
    deliver(client, mail("Draft"), flags=("\\Draft",), at=NOW)
    deliver(client, mail("To myself", From=f"Ann <{client.account().upper()}>"), at=NOW)
    deliver(client, mail("Of a workflow", **{"X-Orchestra": "a" * 32}), at=NOW)
    assert titles(strict) == []
    assert strict.seen, "they are known, and stay left out"
    assert [titles(one) for one in open_ones] == [["Draft"], ["To myself"], ["Of a workflow"]]


@pytest.mark.parametrize(
    ("sender", "is_own"),
    [
        ("{me}", True),
        ("<{ME}>", True),
        ("=?utf-8?q?Ann?= <{me}>", True),
        ("Ann <ann(home)@x.example>, Ann <{me}>", True),
        ("Ann <{me}>, Bob <bob@example.org>", True),
        ("bob@example.org\r\nFrom: {me}", True),
        ('"{me}" <bob@example.org>', False),
        ("{me} <bob@example.org>", False),
        ("=?utf-8?q?=3C{me}=3E?= <bob@example.org>", False),
        ("bob@example.org ({me})", False),
        ("x{me}", False),
        ("", False),
    ],
)
def test_a_mail_is_ones_own_by_its_address_and_not_by_what_its_sender_calls_himself(
    client: ImapClient, sender: str, is_own: bool
) -> None:
    found, every = begun(client), begun(client, include_sent=True)
    me = client.account()
    raw = f"From: {sender.replace('{me}', me).replace('{ME}', me.upper())}\r\nSubject: Who\r\n\r\nHello".encode()
    deliver(client, raw, at=NOW)
    assert titles(found) == ([] if is_own else ["Who"])
    assert titles(every) == ["Who"]


def test_no_workflow_answers_its_own_draft(client: ImapClient) -> None:
    found = begun(client, folder="Drafts", include_drafts=True)
    client.outbox.create_draft(Letter(OutgoingMail(["bob@example.org"], subject="Mine"), "d" * 32, None, NOW))
    deliver(client, mail("A person's"), "Drafts", flags=("\\Draft",), at=NOW)
    assert titles(found) == ["A person's"]


def test_a_folder_that_is_numbered_anew_loses_nothing_and_repeats_nothing(client: ImapClient) -> None:
    deliver(client, mail("Before it was turned on"), "Archive", at=NOW - HOUR)
    found = begun(client, folder="Archive")
    for number in range(3):
        deliver(client, mail(f"Known {number}"), "Archive", at=NOW + timedelta(minutes=number))
    assert titles(found, NOW + HOUR) == ["Known 0", "Known 1", "Known 2"]
    deliver(client, mail("Came just before"), "Archive", at=NOW + 2 * HOUR)
    renumber(client, "Archive")
    deliver(client, mail("Came just after"), "Archive", at=NOW + 3 * HOUR)
    assert sorted(titles(found, NOW + 3 * HOUR)) == ["Came just after", "Came just before"]
    assert "renumbered the folder" in found.notes[0]
    assert titles(found, NOW + 3 * HOUR) == []
    deliver(client, mail("Later"), "Archive", at=NOW + 4 * HOUR)
    assert titles(found, NOW + 4 * HOUR) == ["Later"]


def test_a_folder_that_is_numbered_anew_while_a_backlog_is_listed(client: ImapClient) -> None:
    for number in range(6):
        deliver(client, mail(f"Number {number}"), "Archive", at=NOW - (300 - number) * HOUR)
    found = looker(client, Start(last=6), folder="Archive")
    found.limit = 2
    found.look(NOW)
    first = [item.title for item in found.look(NOW)]
    renumber(client, "Archive")
    assert sorted([*first, *titles(found, NOW)]) == [f"Number {number}" for number in range(6)]


def test_a_server_that_shows_a_mail_after_a_later_one_hides_nothing(
    client: ImapClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = begun(client)
    late = deliver(client, mail("Late"), at=NOW)
    deliver(client, mail("Early"), at=NOW)
    hidden = int(late.rpartition(":")[2])
    search = ImapSession.search
    monkeypatch.setattr(ImapSession, "search", lambda it, what: [uid for uid in search(it, what) if uid != hidden])
    assert titles(found) == ["Early"]
    monkeypatch.undo()
    deliver(client, mail("Next"), at=NOW)
    assert titles(found) == ["Late", "Next"]


def test_mails_that_share_a_message_id_are_mails_of_their_own(client: ImapClient) -> None:
    found = begun(client)
    for number in range(3):
        deliver(client, mail(f"Scan {number}", **{"Message-ID": "<scanner@office>"}), at=NOW)
    deliver(client, b"Subject: No name\r\n\r\nfirst\r\n", at=NOW)
    deliver(client, b"Received: by here; later\r\nSubject: No name\r\n\r\nsecond\r\n", at=NOW)
    assert titles(found) == ["Scan 0", "Scan 1", "Scan 2", "No name", "No name"]


def test_the_same_mail_delivered_twice_is_new_once(client: ImapClient) -> None:
    found = begun(client)
    once = mail("Once").as_bytes()
    deliver(client, once, at=NOW)
    deliver(client, b"Received: by a mailing list\r\n" + once, at=NOW)
    assert titles(found) == ["Once"]


def test_nothing_is_fetched_where_nothing_has_changed(client: ImapClient, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(client, mail("Old"), at=NOW)
    found = looker(client, Start(last=1))
    assert titles(found) == ["Old"]
    assert titles(found) == []
    monkeypatch.setattr(ImapSession, "search", None)  # it would break
    assert titles(found) == []


@pytest.mark.parametrize("start", [Start(), Start(since=NOW)], ids=["what comes", "a backlog"])
def test_large_mails_are_read_some_at_a_time(client: ImapClient, monkeypatch: pytest.MonkeyPatch, start: Start) -> None:
    monkeypatch.setattr("engine.triggers.imap._MOST_BYTES", 50_000)
    found = looker(client, start)
    if start.is_now:
        found.look_until_done(NOW)
    for number, size in enumerate([20, 20, 20, 60, 20]):
        deliver(client, mail(str(number), "x" * 70 + "\n" * 2 + ("y" * 70 + "\n") * (size * 14)), at=NOW + HOUR)
    looks = [[item.title for item in found.look(NOW + HOUR)]]
    while found.has_more:
        looks.append([item.title for item in found.look(NOW + HOUR)])
    assert [some for some in looks if some] == [["0", "1"], ["2"], ["3"], ["4"]]


def test_odd_mail_stops_nothing(client: ImapClient) -> None:
    found = begun(client)
    deliver(client, b"\xff\xfe\x00 no mail at all", at=NOW)
    deliver(client, b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + b"--x\r\nContent-Type: " * 50, at=NOW)
    deliver(client, mail("Plain"), at=NOW)
    assert titles(found)[-1] == "Plain"
    assert len(found.seen) == 3


def test_each_mail_of_a_storm_is_new_exactly_once(client: ImapClient, post: ImapClient) -> None:
    """Bursts, a server that breaks off, a folder that is numbered anew, and looks whose transaction is lost."""
    chance = random.Random(7)
    found = begun(client, folder="Archive")
    found.limit = 5
    started: list[str] = []
    sent, lost, broken = 0, 0, 0
    for _ in range(300):
        if sent >= 100 and not found.has_more and len(started) >= sent:
            break
        for _number in range(chance.randrange(9) if sent < 100 else 0):
            deliver(post, mail(f"Mail {sent}"), "Archive", at=NOW + timedelta(seconds=sent))
            sent += 1
        if chance.random() < 0.25:
            renumber(post, "Archive")
        if chance.random() < 0.2:
            client.mailbox.close()
        before = found.cursor, set(found.seen), found.has_more
        try:
            items = found.look(NOW + timedelta(seconds=sent))
        except Unavailable:
            broken += 1
            continue
        if chance.random() < 0.2:  # the process dies before its transaction: nothing of this look has happened
            lost += 1
            found.cursor, found.seen, found.has_more = before[0], before[1], before[2]
            continue
        started += [item.title for item in items]
    assert sorted(started) == sorted(f"Mail {number}" for number in range(sent))
    assert min(lost, broken, len(found.notes)) > 1, "each of the troubles came more than once"
