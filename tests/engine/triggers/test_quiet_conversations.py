"""Conversations that become quiet: one run each when nothing has come for a while; no mail is lost or told twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients.errors import Unavailable
from clients.imap.client import ImapClient
from clients.imap.filing import move
from clients.mail.labelled import LabelledMails
from engine.plugins.registry import trigger_type
from engine.plugins.trigger import Item
from engine.triggers import quiet_conversations
from tests.conftest import StandIns
from tests.engine.triggers.looking import NOW, Looker
from tests.engine.triggers.worlds import Scene, worlds
from tests.mail.mailboxes import connected, deliver, new_settings

QUIET = trigger_type("imap.quiet_conversation")


@pytest.fixture
def client() -> Iterator[ImapClient]:
    with connected(new_settings()) as found:
        yield found


@pytest.fixture
def looker(client: ImapClient) -> Looker:
    """A trigger that is on."""
    made = Looker(QUIET, {}, client)
    assert made.look_until_done(NOW) == []
    return made


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def arrive(client: ImapClient, name: str, minutes: float, answers: str = "", folder: str = "INBOX") -> str:
    """Let a mail arrive; it answers the mail with a name."""
    more = f"References: <{answers}1@x>\r\n" if answers else ""
    raw = f"From: Ann <ann@example.org>\r\nSubject: {name}\r\nMessage-ID: <{name}1@x>\r\n{more}\r\nSaid {name}\r\n"
    return deliver(client, raw.encode(), folder, at=at(minutes))


def texts(item: Item) -> list[str]:
    """What a run for a conversation gets."""
    value: Any = item.value
    return [one["text"].strip().removeprefix("Said ") for one in value["messages"]]


def test_a_conversation_starts_a_run_when_nothing_has_come_for_a_while(client: ImapClient, looker: Looker) -> None:
    arrive(client, "a", 0)
    assert looker.look_until_done(at(1)) == []
    arrive(client, "b", 10, answers="a")
    assert looker.look_until_done(at(11)) == []
    assert looker.look_until_done(at(39.9)) == []
    [item] = looker.look_until_done(at(40))
    assert (texts(item), item.title, item.at) == (["a", "b"], "a", at(10))
    value: Any = item.value
    assert (value["thread_id"], value["subject"]) == ("<a1@x>", "a")
    assert [line for line in value["text"].splitlines() if line.startswith(" ")] == ["  Said a", "  Said b"]
    assert looker.look_until_done(at(300)) == []


def test_a_mail_that_comes_at_the_very_edge_keeps_the_conversation_waiting(client: ImapClient, looker: Looker) -> None:
    arrive(client, "a", 0)
    looker.look_until_done(at(1))
    arrive(client, "b", 30, answers="a")
    assert looker.look_until_done(at(30)) == []
    [item] = looker.look_until_done(at(60))
    assert texts(item) == ["a", "b"]


def test_a_later_run_has_only_what_is_new_since_the_last_one(client: ImapClient, looker: Looker) -> None:
    arrive(client, "a", 0)
    [first] = looker.look_until_done(at(30))
    arrive(client, "b", 30, answers="a")
    assert looker.look_until_done(at(59)) == []
    [second] = looker.look_until_done(at(61))
    assert (texts(first), texts(second)) == (["a"], ["b"])
    assert (first.value or {})["thread_id"] == (second.value or {})["thread_id"]


def test_conversations_wait_each_for_themselves(client: ImapClient, looker: Looker) -> None:
    arrive(client, "a", 0)
    arrive(client, "x", 20)
    looker.look_until_done(at(20))
    assert [texts(one) for one in looker.look_until_done(at(30))] == [["a"]]
    assert [texts(one) for one in looker.look_until_done(at(50))] == [["x"]]


def test_how_long_is_what_the_field_says(client: ImapClient) -> None:
    looker = Looker(QUIET, {"quiet_minutes": 5}, client)
    looker.look_until_done(NOW)
    arrive(client, "a", 0)
    assert looker.look_until_done(at(4)) == []
    assert [texts(one) for one in looker.look_until_done(at(5))] == [["a"]]


def test_what_came_while_nobody_looked_starts_its_run_at_once(client: ImapClient, looker: Looker) -> None:
    arrive(client, "a", 0)
    arrive(client, "b", 10, answers="a")
    assert [texts(one) for one in looker.look_until_done(at(600))] == [["a", "b"]]


def test_a_clock_of_the_server_that_is_ahead_delays_nothing(client: ImapClient, looker: Looker) -> None:
    arrive(client, "a", 500)
    assert looker.look_until_done(at(0)) == []
    assert [texts(one) for one in looker.look_until_done(at(30))] == [["a"]]


def test_what_waits_is_still_known_after_a_restart(client: ImapClient, looker: Looker) -> None:
    arrive(client, "a", 0)
    looker.look_until_done(at(1))
    with connected({**new_settings(), "address": client.mailbox.address}) as other:
        later = replace(looker, client=other, cursor=json.loads(json.dumps(looker.cursor)))
        arrive(client, "b", 5, answers="a")
        assert later.look_until_done(at(6)) == []
        assert [texts(one) for one in later.look_until_done(at(35))] == [["a", "b"]]


@pytest.mark.parametrize("stored", [0, 1, 4, 12])
def test_a_poll_that_breaks_off_loses_no_mail_and_tells_none_twice(
    client: ImapClient, looker: Looker, stored: int
) -> None:
    names = [f"m{number}" for number in range(12)]
    for number, name in enumerate(names):
        arrive(client, name, number, answers="" if not number else "m0")
        if number == 5:
            looker.look_until_done(at(5))
    found = QUIET.look(looker.request(at(60)))
    told = [texts(one) for one in found.items[:stored] if not one.skip]
    looker.seen |= {one.id for one in found.items[:stored]}  # the cursor is stored with the last piece only
    arrive(client, "late", 60, answers="m0")
    told += [texts(one) for one in looker.look_until_done(at(100))]
    assert [name for one in told for name in one] == [*names, "late"]
    assert looker.look_until_done(at(200)) == []


def test_too_many_mails_do_not_wait_and_the_oldest_conversations_come_early(
    client: ImapClient, looker: Looker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quiet_conversations, "_MAILS_MOST", 3)
    arrive(client, "a", 0)
    arrive(client, "b", 1, answers="a")
    arrive(client, "x", 2)
    assert looker.look_until_done(at(3)) == []
    arrive(client, "y", 4)
    assert [texts(one) for one in looker.look_until_done(at(5))] == [["a", "b"]]
    assert [texts(one) for one in looker.look_until_done(at(40))] == [["x"], ["y"]]


def test_a_conversation_that_is_never_quiet_starts_a_run_when_it_has_grown(
    client: ImapClient, looker: Looker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quiet_conversations, "_OF_ONE_MOST", 2)
    arrive(client, "a", 0)
    assert looker.look_until_done(at(1)) == []
    arrive(client, "b", 2, answers="a")
    assert [texts(one) for one in looker.look_until_done(at(3))] == [["a", "b"]]


def test_many_conversations_that_are_quiet_come_in_pieces(client: ImapClient, looker: Looker) -> None:
    for number in range(5):
        arrive(client, f"c{number}", number)
    looker.limit = 2
    assert [texts(one) for one in looker.look_until_done(at(60))] == [[f"c{number}"] for number in range(5)]


def test_a_mail_that_has_left_the_folder_meanwhile_does_not_count(client: ImapClient, looker: Looker) -> None:
    first = arrive(client, "a", 0)
    arrive(client, "b", 1, answers="a")
    looker.look_until_done(at(2))
    move(client.mailbox, first, "Archive")
    assert [texts(one) for one in looker.look_until_done(at(60))] == [["b"]]
    gone = arrive(client, "x", 70)
    looker.look_until_done(at(71))
    move(client.mailbox, gone, "Bin")
    assert looker.look_until_done(at(120)) == []
    assert looker.cursor["waiting"] == []


def test_a_mail_that_fits_the_search_no_more_still_counts(client: ImapClient) -> None:
    looker = Looker(QUIET, {"criteria": "UNSEEN"}, client)
    looker.look_until_done(NOW)
    seen = arrive(client, "a", 0)
    looker.look_until_done(at(1))
    with client.mailbox.opened("INBOX", for_reading=False) as (session, _):
        session.store(int(seen.rpartition(":")[2]), "+FLAGS", ["\\Seen"])
    assert [texts(one) for one in looker.look_until_done(at(40))] == [["a"]]


def test_if_the_service_fails_when_a_conversation_is_due_it_is_due_at_the_next_look(
    client: ImapClient, looker: Looker
) -> None:
    arrive(client, "a", 0)
    looker.look_until_done(at(1))
    before = looker.cursor
    client.mailbox.close()
    with pytest.raises(Unavailable):
        looker.look(at(40))
    assert looker.cursor == before
    with connected({**new_settings(), "address": client.mailbox.address}) as other:
        assert [texts(one) for one in replace(looker, client=other).look_until_done(at(41))] == [["a"]]


def test_in_gmail_mails_that_were_archived_meanwhile_count(
    tmp_path: Path, standins: StandIns, http: httpx.Client
) -> None:
    world = worlds()["gmail.quiet_conversation"](Scene(tmp_path, standins, http))
    looker = world.looker(trigger_type("gmail.quiet_conversation"))
    early = world.now(0) - timedelta(minutes=40)
    looker.look_until_done(early)
    world.happen(1)
    assert looker.look_until_done(early) == []
    [found] = looker.client.mail.search("subject:Thing", 5)["messages"]
    looker.client.labels.change(LabelledMails("messages", found["id"]), [], ["INBOX"])
    [item] = looker.look_until_done(world.now(1))
    assert [one["id"] for one in (item.value or {})["messages"]] == [found["id"]]
