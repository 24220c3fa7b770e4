"""New mail in Gmail: by history, with an overlap; by search where the history is forgotten."""

from __future__ import annotations

import random
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from clients.errors import AuthError, NotFound, Unavailable
from clients.gmail.client import GmailClient
from clients.gmail.service import GmailSettings
from clients.mail.labelled import LabelledMails
from engine.plugins.trigger import Start
from engine.triggering.polling.poll import listed
from engine.triggers import backlog
from engine.triggers.gmail import NewMessage
from tests.conftest import StandIns
from tests.engine.triggers.looking import NOW, Looker
from tests.engine.triggers.mangling import proxied

MINUTE = timedelta(minutes=1)


@dataclass
class Box:
    """The demo mailbox, and what tests do to it."""

    standins: StandIns
    client: GmailClient

    def looker(self, start: Start | None = None, **fields: Any) -> Looker:
        """A trigger on it."""
        return Looker(NewMessage(), fields, self.client, start or Start())

    def arrive(self, subject: str) -> str:
        """Let a mail arrive; return its id."""
        return str(self._post("_demo/mail", {"from": "ada@example.com", "subject": subject, "text": "Hello"})["id"])

    def put(self, *labels: str, message_id: str = "<1@example.com>") -> str:
        """Put a mail in with these labels, as Gmail does with what one sends to oneself; return its id."""
        raw = f"From: {self.client.account()}\r\nSubject: Put\r\nMessage-ID: {message_id}\r\n\r\nHello\r\n"
        body = {"raw": urlsafe_b64encode(raw.encode()).decode(), "labelIds": list(labels)}
        return str(self._post("gmail/v1/users/me/messages", body)["id"])

    def unrest(self, **how: Any) -> None:
        """Make the mailbox forget, or answer late and out of order."""
        self._post("_demo/history", how)

    def label(self, message: str, name: str) -> None:
        """Put a label on a mail."""
        self.client.labels.change(LabelledMails("messages", message), [name], ())

    def delete(self, message: str) -> None:
        """Delete a mail for ever."""
        where = self.standins["gmail"]
        headers = {"authorization": f"Bearer {where.token}"}
        place = f"{where.origin}/gmail/v1/users/me/messages/{message}"
        self.standins.controls.delete(place, headers=headers).raise_for_status()

    def _post(self, path: str, body: Any) -> dict[str, Any]:
        where = self.standins["gmail"]
        headers = {"authorization": f"Bearer {where.token}"}
        answer = self.standins.controls.post(f"{where.origin}/{path}", json=body, headers=headers)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture
def box(standins: StandIns, http: httpx.Client) -> Box:
    """The demo mailbox."""
    where = standins["gmail"]
    settings = GmailSettings(token=SecretStr(where.token), base_url=where.base_url)
    return Box(standins, GmailClient(settings, http))


def test_from_now_on_only_what_arrives_later_is_new(box: Box) -> None:
    looker = box.looker()
    assert looker.look_until_done() == []
    arrived = [box.arrive(f"Mail {number}") for number in range(3)]
    items = looker.look_until_done(NOW + MINUTE)
    assert [item.id for item in items] == arrived
    assert [item.title for item in items] == ["Mail 0", "Mail 1", "Mail 2"]
    assert items[0].value is not None
    assert items[0].value["text"].strip() == "Hello"
    assert items[0].at is not None
    assert looker.look_until_done(NOW + 2 * MINUTE) == []


def test_the_newest_mails_come_oldest_first(box: Box) -> None:
    looker = box.looker(Start(last=3))
    before = [box.arrive(f"Mail {number}") for number in range(5)]
    assert [item.id for item in looker.look_until_done()] == before[-3:]
    after = box.arrive("Later")
    assert [item.id for item in looker.look_until_done(NOW + MINUTE)] == [after]


def test_since_a_date_all_mails_come_in_pieces(box: Box) -> None:
    everything = box.client.history.ids("in:inbox", 500)
    looker = box.looker(Start(since=NOW - timedelta(days=4000)))
    looker.limit = 4
    found: list[str] = []
    looks = 0
    while looks == 0 or looker.has_more:
        items = looker.look()
        assert len(items) <= 4
        found += [item.id for item in items]
        looks += 1
    assert set(found) | (looker.seen - set(found)) == set(everything)
    assert len(found) == len(set(found))
    assert looks > len(found) / 4


@pytest.mark.parametrize("start", [Start(since=NOW - timedelta(days=4000)), Start(last=9)], ids=["since", "last"])
def test_of_more_mails_than_can_be_gone_through_that_is_said_and_the_newest_count(
    box: Box, monkeypatch: pytest.MonkeyPatch, start: Start
) -> None:
    monkeypatch.setattr(backlog, "MOST", 3)
    arrived = [box.arrive(f"Mail {number}") for number in range(4)]
    looker = box.looker(start)
    looker.limit = 2
    assert [item.id for item in looker.look_until_done()] == arrived[1:]
    said = "More than 3 mails match: only the newest 3 count"
    assert [said in note for note in looker.notes] == [True, True, True]
    assert looker.look_until_done(NOW + MINUTE) == []
    few = box.looker(Start(last=3))
    few.look_until_done()
    assert few.notes == []


def test_drafts_sent_mail_and_what_a_workflow_wrote_are_left_out_unless_asked_for(box: Box) -> None:
    quiet = box.looker(query="in:anywhere")
    curious = box.looker(query="in:anywhere", include_sent=True, include_drafts=True, include_own=True)
    for looker in (quiet, curious):
        looker.look_until_done()
    to_myself = box.put("INBOX", "SENT")
    ours = box.put("INBOX", message_id="<orchestra.0123456789abcdef@example.com>")
    draft = box.put("DRAFT")
    other = box.arrive("Of another")
    assert [item.id for item in quiet.look_until_done(NOW + MINUTE)] == [other]
    assert {item.id for item in curious.look_until_done(NOW + MINUTE)} == {to_myself, ours, other, draft}


def test_only_mail_that_fits_the_search_is_new(box: Box) -> None:
    looker = box.looker(query="subject:invoice")
    looker.look_until_done()
    box.arrive("Lunch")
    wanted = box.arrive("Your invoice")
    assert [item.id for item in looker.look_until_done(NOW + MINUTE)] == [wanted]


def test_more_mails_than_are_compared_at_once_all_start_runs(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """A night without a server: the search must reach down to the oldest of what has come meanwhile."""
    monkeypatch.setattr("engine.triggers.gmail._SEARCHED", 3)
    looker = box.looker(query="in:inbox subject:invoice")
    looker.look_until_done()
    arrived = [box.arrive(f"Invoice {number}") for number in range(8)]
    assert [item.id for item in looker.look_until_done(NOW + MINUTE)] == arrived


def test_a_mail_of_long_ago_that_gets_a_label_fits_a_search_that_finds_many_newer_ones(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.triggers.gmail._SEARCHED", 3)
    old = box.arrive("Invoice of old")
    for number in range(8):
        box.label(box.arrive(f"Invoice {number}"), "to do")
    looker = box.looker(query="label:to-do subject:invoice")
    looker.look_until_done()
    box.label(old, "to do")
    assert [item.id for item in looker.look_until_done(NOW + MINUTE)] == [old]
    assert looker.look_until_done(NOW + 2 * MINUTE) == []


def test_a_mail_that_gets_the_label_later_is_new_then(box: Box) -> None:
    looker = box.looker(query="label:bug-reports")
    box.label(box.arrive("Makes the label"), "Bug reports")
    looker.look_until_done()
    old = box.client.history.ids("in:inbox", 500)[-1]
    arrived = box.arrive("It crashes")
    assert looker.look_until_done(NOW + MINUTE) == []
    box.label(arrived, "Bug reports")
    box.label(old, "Bug reports")
    assert {item.id for item in looker.look_until_done(NOW + 20 * MINUTE)} == {arrived, old}


@pytest.mark.parametrize("query", ["in:inbox", "in:inbox subject:old", "from:ada@example.com"])
def test_an_old_mail_is_not_new_because_it_gets_another_label(box: Box, query: str) -> None:
    old = box.arrive("Old")
    looker = box.looker(query=query)
    looker.look_until_done()
    box.label(old, "triaged")
    assert looker.look_until_done() == []


@pytest.mark.parametrize("query", ["in:inbox", "in:inbox -from:nobody@example.com"], ids=["by labels", "by search"])
def test_a_restless_mailbox_loses_and_repeats_nothing(box: Box, query: str) -> None:
    looker = box.looker(query=query)
    looker.look_until_done()
    box.unrest(restless=0.2)
    chance = random.Random(7)
    arrived: list[str] = []
    found: list[str] = []
    for minute in range(1, 40):
        arrived += [box.arrive(f"Mail {minute}") for _ in range(chance.randrange(3))] if minute < 25 else []
        found += [item.id for item in looker.look_until_done(NOW + minute * MINUTE)]
    box.unrest(restless=0)
    assert sorted(found) == sorted(arrived)


def test_without_the_overlap_a_restless_mailbox_loses_mail(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof above fails on a trigger that goes on from where the history stood last, if chance hides a new mail."""
    monkeypatch.setattr("engine.triggers.gmail.OVERLAP", timedelta())

    def loses() -> bool:
        try:
            test_a_restless_mailbox_loses_and_repeats_nothing(box, "in:inbox")
        except AssertionError:
            return True
        return False

    assert any(loses() for _ in range(10))


def test_where_the_history_is_forgotten_mail_is_searched_by_date(box: Box) -> None:
    looker = box.looker()
    looker.look_until_done()
    first = box.arrive("Before")
    assert [item.id for item in looker.look_until_done(NOW + MINUTE)] == [first]
    second = box.arrive("Meanwhile")
    box.unrest(forget=True)
    third = box.arrive("After")
    assert {item.id for item in looker.look_until_done(NOW + 2 * MINUTE)} == {second, third}
    assert first in looker.seen
    [note] = looker.notes
    assert "no longer has the changes" in note
    fourth = box.arrive("Again")
    assert [item.id for item in looker.look_until_done(NOW + 3 * MINUTE)] == [fourth]
    assert len(looker.notes) == 1


def test_mail_from_before_the_beginning_stays_old_where_the_history_is_forgotten(box: Box) -> None:
    box.arrive("Just before")
    looker = box.looker(Start(last=1))
    [newest] = looker.look_until_done()
    box.unrest(forget=True)
    after = box.arrive("After")
    found = [item.id for item in looker.look_until_done(NOW + MINUTE)]
    assert found == [after]
    assert newest.id != after


def test_a_search_that_was_late_is_made_good_within_the_overlap(box: Box) -> None:
    looker = box.looker()
    looker.look_until_done()
    missed = box.arrive("Not in the search yet")
    box.unrest(forget=True, restless=1.0)  # the latest thirty are in no answer
    looker.look_until_done(NOW + MINUTE)
    assert missed not in looker.seen
    box.unrest(restless=0.0)
    found = [item.id for item in looker.look_until_done(NOW + 2 * MINUTE)]
    assert missed in found
    assert len(found) == len(set(found))


def test_a_mail_that_is_told_of_before_it_is_there_is_read_a_little_later(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.triggers.gmail._NOT_YET_SECONDS", (0.0, 0.0))
    looker = box.looker()
    looker.look_until_done()
    arrived = box.arrive("To myself")
    box.standins.faults("gmail", match=f"/messages/{arrived}", times=2, status=404)
    assert [item.id for item in looker.look_until_done(NOW + MINUTE)] == [arrived]
    gone = box.arrive("Deleted at once")
    box.standins.faults("gmail", match=f"/messages/{gone}", times=100, status=404)
    with pytest.raises(NotFound):
        looker.look_until_done(NOW + MINUTE)


def test_a_mail_that_was_deleted_for_ever_since_is_not_asked_for(box: Box) -> None:
    looker = box.looker()
    looker.look_until_done()
    gone, stays = box.arrive("Deleted"), box.arrive("Stays")
    box.delete(gone)
    assert [item.id for item in looker.look_until_done(NOW + MINUTE)] == [stays]


def _refused(box: Box) -> None:
    box.standins.faults("gmail", match="GET /gmail/v1/users/me/history", times=1, status=401)


def _down(box: Box) -> None:
    box.standins.faults("gmail", match="GET /gmail/v1/users/me/history", times=1, status=503)


@pytest.mark.parametrize(
    ("fault", "error"),
    [pytest.param(_refused, AuthError, id="refused"), pytest.param(_down, Unavailable, id="down")],
)
def test_a_look_that_fails_moves_nothing(box: Box, fault: Callable[[Box], None], error: type[Exception]) -> None:
    looker = box.looker()
    looker.look_until_done()
    arrived = box.arrive("Waits")
    before = looker.cursor
    fault(box)
    with pytest.raises(error):
        looker.look(NOW + MINUTE)
    assert looker.cursor == before
    assert [item.id for item in looker.look_until_done(NOW + 2 * MINUTE)] == [arrived]


def test_looking_changes_nothing_in_the_mailbox(box: Box) -> None:
    looker = box.looker(Start(last=5))
    before = box.standins.show("gmail")
    looker.look_until_done()
    looker.look_until_done(NOW + MINUTE)
    assert box.standins.show("gmail") == before


@pytest.mark.parametrize(
    "change",
    [
        None,
        7,
        "x",
        [],
        {},
        {"message": None},
        {"message": {"id": None}},
        {"message": {"id": 7}},
        {"message": {"id": "x", "labelIds": 7}},
        {"message": {"id": "x", "labelIds": [None]}},
    ],
    ids=str,
)
def test_a_change_that_cannot_be_read_holds_up_no_other(box: Box, http: httpx.Client, change: Any) -> None:
    with proxied(box.standins["gmail"]) as proxy:
        settings = GmailSettings(token=SecretStr(proxy.endpoint.token), base_url=proxy.endpoint.base_url)
        looker = Looker(NewMessage(), {}, GmailClient(settings, http))
        looker.look_until_done()
        first, odd, last = (box.arrive(f"Mail {number}") for number in range(3))
        proxy.wanted = lambda record: any(one["message"]["id"] == odd for one in record.get("messagesAdded", []))
        proxy.mangle = lambda record: {**record, "messagesAdded": [change]}
        items = listed(looker.kind, looker.request(NOW + MINUTE)).items
        assert [item.id for item in items if not item.error] == [first, last]
        [dead] = [item for item in items if item.error]
        assert (dead.title, "does not have the form" in dead.error) == ("A change in the mailbox", True)
        proxy.mangle = lambda _: change
        assert [item.id for item in listed(looker.kind, looker.request(NOW + MINUTE)).items][-2:] == [first, last]
