"""One mail never stops the others: whatever it does to a reader, the rest is read and it alone is told of."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from clients.errors import AuthError, NotFound, ServiceError, Unavailable, Unreadable
from clients.gmail import mail as gmail_mail
from clients.gmail.client import GmailClient
from clients.gmail.service import GmailSettings
from clients.imap import reading
from clients.imap.client import ImapClient
from clients.imap.search import SearchCriteria
from clients.mail import text
from engine.plugins.registry import trigger_type
from engine.plugins.trigger import Start
from engine.triggering.polling.poll import listed, read_thing
from engine.triggering.polling.prepared import Prepared
from tests.conftest import StandIns
from tests.engine.triggers.looking import NOW, Looker
from tests.mail.mailboxes import connected, deliver, mail
from tests.mail.poisons import EXCEPTIONS, POISONS
from tests.mail.scripted import Answer, imap, serving

POISONED = "Poison"
every_exception = pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=() if row % 3 == 0 else pytest.mark.chaos) for row, kind in enumerate(EXCEPTIONS)],
    ids=[kind.__name__ for kind in EXCEPTIONS],
)
"""Every third of them; `make assurance` has them all."""


@pytest.fixture
def gmail(standins: StandIns, http: httpx.Client) -> GmailClient:
    """The demo's mailbox."""
    where = standins["gmail"]
    return GmailClient(GmailSettings(token=SecretStr(where.token), base_url=where.base_url), http)


@pytest.fixture
def put(standins: StandIns) -> Callable[[bytes], str]:
    """Put a mail into the demo's inbox as it is; gives its id."""

    def put_in(raw: bytes) -> str:
        where = standins["gmail"]
        body = {"raw": urlsafe_b64encode(raw).decode(), "labelIds": ["INBOX"]}
        answer = standins.controls.post(
            f"{where.origin}/gmail/v1/users/me/messages", json=body, headers={"authorization": f"Bearer {where.token}"}
        )
        return str(answer.raise_for_status().json()["id"])

    return put_in


@pytest.fixture
def break_readers(monkeypatch: pytest.MonkeyPatch) -> Callable[[type[Exception]], None]:
    """Let the code that reads mails raise an exception for those whose subject says so."""

    def broken(kind: type[Exception]) -> None:
        def read(payload: Any, *rest: Any) -> dict[str, Any]:
            found = text.read_mail(payload, *rest)
            if found["subject"].startswith(POISONED):
                raise kind("of a mail that nobody has thought of")
            return found

        monkeypatch.setattr(reading, "read_mail", read)
        monkeypatch.setattr(gmail_mail, "read_mail", read)

    return broken


def looked(looker: Looker) -> list[Prepared]:
    """What becomes of the things of one look, as the engine reads them."""
    look = looker.request(NOW + timedelta(hours=1))
    found = listed(looker.kind, look)
    looker.cursor = found.cursor
    return [read_thing(looker.kind, look, item) for item in found.items]


def begun(name: str, client: Any) -> Looker:
    looker = Looker(trigger_type(name), {}, client, Start())
    looker.look_until_done(NOW)
    return looker


def dead(prepared: list[Prepared]) -> dict[str, str]:
    """The reasons of those that are dead, by their titles; the others have a value."""
    assert all(one.item.value is not None for one in prepared if one.error is None)
    return {one.item.title: one.error["message"] for one in prepared if one.error is not None}


# --- IMAP


def test_no_mail_known_to_break_readers_stops_a_mailbox(client: ImapClient) -> None:
    looker = begun("imap.new_message", client)
    ids = [deliver(client, mail("First"), at=NOW)]
    ids += [deliver(client, make(), at=NOW) for make in POISONS.values()]
    ids += [deliver(client, mail("Last"), at=NOW)]
    found = client.mail.search(SearchCriteria(), 500)
    assert {one["id"] for one in found["messages"]} == {*ids}
    assert found["unreadable"] == []
    prepared = looked(looker)
    assert len(prepared) == len(ids)
    assert dead(prepared) == {}
    assert {client.mail.message(one)["id"] for one in ids} == {*ids}


@every_exception
def test_a_mail_of_a_mailbox_that_cannot_be_read_is_told_of_and_the_others_are_read(
    client: ImapClient, break_readers: Callable[[type[Exception]], None], kind: type[Exception]
) -> None:
    looker = begun("imap.new_message", client)
    _, poison, _ = (deliver(client, mail(subject), at=NOW) for subject in ("First", f"{POISONED} 1", "Last"))
    break_readers(kind)
    found = client.mail.search(SearchCriteria(), 25)
    assert {one["subject"] for one in found["messages"]} == {"First", "Last"}
    [told] = found["unreadable"]
    assert (told["id"], told["subject"]) == (poison, f"{POISONED} 1")
    assert f"({kind.__name__}: " in told["reason"]
    assert client.mail.by_ids([poison])["unreadable"] == [told]
    with pytest.raises(Unreadable, match="cannot be read"):
        client.mail.message(poison)
    prepared = looked(looker)
    assert [one.item.title for one in prepared] == ["First", f"{POISONED} 1", "Last"]
    assert dead(prepared) == {f"{POISONED} 1": told["reason"]}


def test_a_mail_that_could_not_be_read_is_read_when_it_is_tried_again(
    client: ImapClient, break_readers: Callable[[type[Exception]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    looker = begun("imap.new_message", client)
    deliver(client, mail(POISONED), at=NOW)
    break_readers(TypeError)
    [prepared] = looked(looker)
    assert prepared.error is not None
    monkeypatch.undo()
    again = read_thing(looker.kind, looker.request(NOW), prepared.item)
    assert again.error is None
    assert again.item.value is not None
    assert again.item.value["text"] == "Hi Ann."


def settings_of(port: int) -> dict[str, Any]:
    """What the connection to a server on this machine says."""
    return {"address": "ann@example.com", "password": "x", "host": "127.0.0.1", "port": port, "security": "none"}


_HEADS = "* 1 FETCH (UID 1 FLAGS () RFC822.SIZE 31)\r\n* 2 FETCH (UID 2 FLAGS () RFC822.SIZE 31)\r\nTAG OK done"
_ASKED = "UID FETCH {} (UID FLAGS INTERNALDATE RFC822.SIZE{}"
_FIRST = "* 1 FETCH (UID 1 FLAGS () RFC822.SIZE 31 BODY[] {31}\r\nMessage-ID: <a@b>\r\n\r\nHello, Ann)\r\n"


def _mailbox_of_two(both: str, first: str, second: str) -> Mapping[str, Answer]:
    """What a server answers that has two mails, asked for both, for the first and for the second."""
    return {
        "UID SEARCH": "* SEARCH 1 2\r\nTAG OK done",
        _ASKED.format("1:2", ")"): _HEADS,
        _ASKED.format("2", ")"): "* 2 FETCH (UID 2 FLAGS () RFC822.SIZE 31)\r\nTAG OK done",
        _ASKED.format("1:2", " BODY"): both,
        _ASKED.format("1", " BODY"): first,
        _ASKED.format("2", " BODY"): second,
    }


_NO = "TAG NO [SERVERBUG] Internal error occurred"


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        pytest.param(_mailbox_of_two(_NO, f"{_FIRST}TAG OK done", _NO), "Internal error occurred.", id="refused"),
        pytest.param(_mailbox_of_two("TAG BAD what?", f"{_FIRST}TAG OK done", "TAG BAD what?"), "what?", id="bad"),
        pytest.param(
            _mailbox_of_two(f"{_FIRST}* 2 FETCH (UID 2 BODY[] NIL)\r\nTAG OK done", _NO, _NO),
            "no content",
            id="nothing",
        ),
    ],
)
def test_a_mail_that_the_server_does_not_give_is_told_of_and_the_others_are_read(
    answers: Mapping[str, Answer], reason: str
) -> None:
    with serving(imap(answers)) as server, connected(settings_of(server.port)) as client:
        found = client.mail.search(SearchCriteria(), 5)
    assert [one["id"] for one in found["messages"]] == ["INBOX:7:1"]
    [told] = found["unreadable"]
    assert (told["id"], reason in told["reason"]) == ("INBOX:7:2", True)


def test_a_server_that_gives_no_mail_at_all_is_an_error() -> None:
    answers = _mailbox_of_two(_NO, _NO, _NO)
    with (
        serving(imap(answers)) as server,
        connected(settings_of(server.port)) as client,
        pytest.raises(Unavailable, match="Internal error occurred"),
    ):
        client.mail.search(SearchCriteria(), 5)


@pytest.mark.parametrize("date", ["31-Dec-9999 23:59:59 -1200", "01-Jan-0001 00:00:00 +1200", "soon", " 1-Foo-2026"])
def test_a_time_of_arrival_beyond_all_times_stops_no_mailbox(date: str) -> None:
    first = _FIRST.replace("FLAGS ()", f'FLAGS () INTERNALDATE "{date}"')
    with (
        serving(imap({"UID FETCH": f"{first}TAG OK done"})) as server,
        connected(settings_of(server.port)) as client,
    ):
        [found] = client.mail.search(SearchCriteria(), 5)["messages"]
    assert (found["date"], found["text"]) == ("", "Hello, Ann")


# --- Gmail


def test_no_mail_known_to_break_readers_stops_gmail(gmail: GmailClient, put: Callable[[bytes], str]) -> None:
    looker = begun("gmail.new_message", gmail)
    small = {name: raw for name, make in POISONS.items() if len(raw := make()) < 500_000}
    ids = [put(raw) for raw in (b"Subject: First\r\n\r\nHi", *small.values(), b"Subject: Last\r\n\r\nHi")]
    found = gmail.mail.search("in:inbox", len(ids))
    assert {one["id"] for one in found["messages"]} == {*ids}
    assert found["unreadable"] == []
    prepared = looked(looker)
    assert [one.item.id for one in prepared] == ids
    assert dead(prepared) == {}


@every_exception
def test_a_mail_of_gmail_that_cannot_be_read_is_told_of_and_the_others_are_read(
    gmail: GmailClient,
    put: Callable[[bytes], str],
    break_readers: Callable[[type[Exception]], None],
    kind: type[Exception],
) -> None:
    looker = begun("gmail.new_message", gmail)
    _, poison, _ = (put(f"Subject: {subject}\r\n\r\nHi".encode()) for subject in ("First", POISONED, "Last"))
    break_readers(kind)
    found = gmail.mail.search("in:inbox", 3)
    assert {one["subject"] for one in found["messages"]} == {"First", "Last"}
    [told] = found["unreadable"]
    assert (told["id"], told["subject"]) == (poison, POISONED)
    assert f"({kind.__name__}: " in told["reason"]
    prepared = looked(looker)
    assert [one.item.id for one in prepared if one.error is not None] == [poison]
    assert len(prepared) == 3


def test_a_thread_gives_the_mails_that_can_be_read(
    gmail: GmailClient, put: Callable[[bytes], str], break_readers: Callable[[type[Exception]], None]
) -> None:
    first = put(b"Subject: Plan\r\nMessage-ID: <a@example.org>\r\n\r\nHi")
    thread = gmail.mail.message(first)["thread_id"]
    second = put(b"Subject: Plan\r\nMessage-ID: <b@example.org>\r\nIn-Reply-To: <a@example.org>\r\n\r\n" + b"Hi")
    assert [one["id"] for one in gmail.mail.thread(thread)["messages"]] == [first, second]
    put(b"Subject: Re: Plan\r\nMessage-ID: <c@example.org>\r\nIn-Reply-To: <a@example.org>\r\n\r\nHi")
    break_readers(TypeError)
    assert gmail.mail.thread(thread)["unreadable"] == []


@pytest.mark.parametrize("match", ["/labels", "/profile"])
def test_a_404_for_what_every_mailbox_has_does_not_mean_that_the_mails_are_gone(
    gmail: GmailClient, put: Callable[[bytes], str], standins: StandIns, match: str
) -> None:
    looker = begun("gmail.new_message", gmail)
    put(b"Subject: First\r\n\r\nHi")
    standins.faults("gmail", match=match, times=1000, status=404)
    with pytest.raises(Unavailable, match="which every mailbox has") as caught:
        gmail.mail.search("in:inbox", 5)
    assert caught.value.retryable
    look = looker.request(NOW + timedelta(hours=1))
    [item] = listed(looker.kind, look).items
    with pytest.raises(Unavailable):
        looker.kind.read(look, item)


def test_mails_that_were_gone_before_they_were_read_are_told_of(
    gmail: GmailClient, put: Callable[[bytes], str], standins: StandIns
) -> None:
    gone, there = put(b"Subject: Gone\r\n\r\nHi"), put(b"Subject: There\r\n\r\nHi")
    standins.faults("gmail", match=f"/messages/{gone}", times=100, status=404)
    found = gmail.mail.search("in:inbox", 2)
    assert [one["id"] for one in found["messages"]] == [there]
    [told] = found["unreadable"]
    assert (told["id"], "404" in told["reason"]) == (gone, True)
    with pytest.raises(NotFound):
        gmail.mail.by_ids([gone, there])


def test_half_of_sixteen_mails_that_gmail_cannot_give_hold_up_no_other(
    gmail: GmailClient, put: Callable[[bytes], str], standins: StandIns
) -> None:
    ids = [put(b"Subject: Mail %d\r\n\r\nHi" % number) for number in range(16)]
    for one in ids[::2]:
        standins.faults("gmail", match=f"/messages/{one}", times=100, status=500)
    found = gmail.mail.search("in:inbox", 16)
    assert {one["id"] for one in found["messages"]} == set(ids[1::2])
    assert {one["id"] for one in found["unreadable"]} == set(ids[::2])


@pytest.mark.parametrize(
    "fault", [{"status": 500}, pytest.param({"status": 503}, marks=pytest.mark.chaos), {"body": "not JSON"}], ids=str
)
def test_a_mail_that_gmail_cannot_give_is_told_of_and_the_others_are_read(
    gmail: GmailClient, put: Callable[[bytes], str], standins: StandIns, fault: dict[str, Any]
) -> None:
    broken, there = put(b"Subject: Broken\r\n\r\nHi"), put(b"Subject: There\r\n\r\nHi")
    standins.faults("gmail", match=f"/messages/{broken}", times=100, **fault)
    found = gmail.mail.search("in:inbox", 2)
    assert [one["id"] for one in found["messages"]] == [there]
    assert [one["id"] for one in found["unreadable"]] == [broken]


@pytest.mark.parametrize(("status", "kind"), [(500, Unavailable), (403, AuthError)])
def test_a_service_that_gives_no_mail_at_all_is_an_error(
    gmail: GmailClient, standins: StandIns, status: int, kind: type[ServiceError]
) -> None:
    gmail.mail.search("in:inbox", 1)
    standins.faults("gmail", match="/messages/", times=1000, status=status)
    with pytest.raises(kind):
        gmail.mail.search("in:inbox", 25)
