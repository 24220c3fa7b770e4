"""A mailbox behind the quirks of single providers, played by a proxy in front of a real dovecot."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from clients.errors import AuthError, InvalidRequest, NotFound, RateLimited, ServiceError, Unavailable
from clients.imap.arrivals import arrivals
from clients.imap.client import ImapClient
from clients.imap.filing import move
from clients.imap.search import SearchCriteria
from engine.plugins import registry
from engine.plugins.trigger import Start
from tests.engine.triggers.looking import NOW, Looker
from tests.mail.dovecot import Dovecot
from tests.mail.mailboxes import connected, deliver, mail
from tests.mail.proxy import Proxy, Quirk, playing
from tests.mail.quirks import (
    BELOW_INBOX,
    BRIDGE,
    EXCHANGE,
    HARMLESS,
    NETEASE,
    ODD_NAMES,
    ONLY_OAUTH,
    UNSAFE,
    dated,
    goodbye_at,
    goodbye_in_answer,
    refusing,
)
from tests.mail.steps import ARGUMENTS, call_of

pytestmark = pytest.mark.slow

AT = datetime(2026, 11, 20, 12, 0, 5, tzinfo=UTC)
Connect = Callable[[Quirk], ImapClient]
Behind = Callable[..., tuple[ImapClient, Proxy]]
TRIGGERS = ("imap.new_message", "imap.new_attachment", "imap.new_in_thread", "imap.quiet_conversation")


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def proxied(opened: ExitStack, sending_settings: dict[str, Any], dovecot: Dovecot) -> Behind:
    """Connect to the mailbox of `client` through a proxy that plays a quirk; other settings may follow."""

    def connect(quirk: Quirk, **settings: Any) -> tuple[ImapClient, Proxy]:
        proxy = opened.enter_context(playing(quirk, dovecot))
        usual = {"security": "none", "ca_file": dovecot.certificate}
        given = {**sending_settings, "port": proxy.port, **usual, **settings}
        return opened.enter_context(connected(given)), proxy

    return connect


@pytest.fixture
def behind(proxied: Behind) -> Connect:
    return lambda quirk: proxied(quirk)[0]


def letter(subject: str = "Größe") -> Any:
    made = mail(subject, "Wie groß?\n", Date=format_datetime(AT), Message_ID=f"<{subject.encode().hex()}@example.org>")
    made.add_attachment("text", filename="note.txt")
    return made


def plain(output: Any) -> Any:
    """An output without what may differ: numbers of folders and mails, and a prefix of folders."""
    text = json.dumps(output, default=repr, sort_keys=True)
    told = json.loads(re.sub(r":\d+:\d+\"", ':N:N"', text).replace("INBOX.", ""))
    if "folders" in told:
        told["folders"].sort(key=lambda one: one["name"])
    return told


THIRD = 3
"""Each step is tried with a third of the quirks, each quirk with a third of the steps; `make assurance`: all."""


def pairs() -> Iterator[Any]:
    """Every quirk with every step."""
    for row, (kind, quirk) in enumerate(HARMLESS.items()):
        for column, name in enumerate(ARGUMENTS):
            marks = () if (row + column) % THIRD == 0 else pytest.mark.chaos
            yield pytest.param(quirk, name, id=f"{kind}-{name}", marks=marks)


@pytest.mark.parametrize(("quirk", "name"), list(pairs()))
def test_every_step_gives_what_it_gives_without_the_quirk(
    behind: Connect, sending_client: ImapClient, quirk: Quirk, name: str
) -> None:
    flags = ("\\Seen", "\\Flagged") if name in {"imap.mark_unread", "imap.remove_flags"} else ()
    expected = call_of(sending_client, name, deliver(sending_client, letter(), flags=flags, at=AT))()
    for folder in ("INBOX", "Archive", "Bin", "Drafts", "Sent Items"):
        _empty(sending_client, folder)
    identity = deliver(sending_client, letter(), flags=flags, at=AT)
    deliver(sending_client, mail("Grosse", "Klein.\n"), at=AT - timedelta(minutes=1))
    assert plain(call_of(behind(quirk), name, identity)()) == plain(expected)


def _empty(client: ImapClient, folder: str) -> None:
    with client.mailbox.opened(folder, for_reading=False) as (session, _):
        for uid in session.search("ALL"):
            session.store(uid, "+FLAGS", ["\\Deleted"])
            session.expunge(uid)


@pytest.mark.parametrize("name", TRIGGERS)
@pytest.mark.parametrize("quirk", HARMLESS.values(), ids=HARMLESS)
def test_every_trigger_finds_new_mail_once_and_nothing_else(
    behind: Connect, sending_client: ImapClient, quirk: Quirk, name: str
) -> None:
    deliver(sending_client, letter("Größe von früher"), at=AT)
    client = behind(quirk)
    looker = Looker(registry.trigger_type(name), {"subject": "größe"}, client, Start())
    assert looker.look_until_done(NOW) == []
    deliver(sending_client, letter(), at=AT)
    deliver(sending_client, letter("Etwas"), at=AT)
    later = NOW + timedelta(hours=1)
    [item] = looker.look_until_done(later)
    assert (item.title, item.at) == ("note.txt" if name == "imap.new_attachment" else "Größe", AT)
    assert looker.look_until_done(later) == []


DENIALS: dict[str, tuple[Quirk, type[ServiceError], str, str]] = {
    "NetEase lets nobody in": (
        refusing("EXAMINE", UNSAFE),
        AuthError,
        "Please contact kefu@188.com for help",
        "Turn on IMAP in the mailbox's settings",
    ),
    "a folder that is there": (
        refusing("EXAMINE", "NO Mailbox quota server is in maintenance"),
        InvalidRequest,
        "Mailbox quota server is in maintenance",
        "The folder is there",
    ),
    "Exchange is not ready": (
        refusing("EXAMINE", "BAD User is authenticated but not connected."),
        Unavailable,
        "User is authenticated but not connected",
        "try again",
    ),
    "too many connections at the sign-in": (
        goodbye_at("AUTHENTICATE", "Too many connections from your address (max 3)"),
        RateLimited,
        "Too many connections from your address (max 3)",
        "Close other programs",
    ),
    "too many connections behind the password": (
        goodbye_in_answer("AUTHENTICATE", "[ALERT] Maximum number of connections reached"),
        RateLimited,
        "Maximum number of connections reached",
        "Close other programs",
    ),
    "goodbye in the middle": (
        goodbye_at("UID FETCH", "Session expired, please log in again"),
        Unavailable,
        "Session expired, please log in again",
        "try again",
    ),
    "Microsoft wants OAuth": (
        refusing("AUTHENTICATE", "NO [AUTHENTICATIONFAILED] Basic authentication is disabled."),
        AuthError,
        "Basic authentication is disabled",
        "OAuth",
    ),
    "only OAuth is offered": (ONLY_OAUTH, AuthError, "it offers XOAUTH2", "OAuth"),
    "IMAP is off": (
        refusing("AUTHENTICATE", "NO [AUTHENTICATIONFAILED] Your account is not enabled for IMAP use."),
        AuthError,
        "not enabled for IMAP",
        "Turn on IMAP",
    ),
    "a browser is wanted": (
        refusing("AUTHENTICATE", "NO [WEBALERT https://accounts.example.com/c?x=1] Web login required"),
        AuthError,
        "https://accounts.example.com/c?x=1 Web login required",
        "Sign in to the mailbox with a browser",
    ),
    "Yahoo's limit": (
        refusing("UID FETCH", "NO [LIMIT] UID FETCH Rate limit hit."),
        RateLimited,
        "Rate limit hit",
        "Wait",
    ),
}


@pytest.mark.parametrize(("quirk", "error", "words", "remedy"), DENIALS.values(), ids=DENIALS)
def test_what_the_server_says_reaches_the_person_with_what_can_help(
    behind: Connect, sending_client: ImapClient, quirk: Quirk, error: type[ServiceError], words: str, remedy: str
) -> None:
    identity = deliver(sending_client, letter(), at=AT)
    client = behind(quirk)
    looker = Looker(registry.trigger_type("imap.new_message"), {}, client, Start(last=1))
    for work in (lambda: client.mail.message(identity), lambda: looker.look_until_done(NOW)):
        with pytest.raises(error) as caught:
            work()
        assert words in caught.value.message
        assert remedy in caught.value.remedy
        assert "valid key" not in caught.value.remedy


@pytest.mark.parametrize(("address", "named"), [("me@gmx.de", "https://www.gmx.net"), ("me@163.com", "mail.163.com")])
def test_a_provider_whose_imap_is_off_at_first_is_known(proxied: Behind, address: str, named: str) -> None:
    client, _ = proxied(refusing("AUTHENTICATE", "NO authentication failed"), address=address)
    with pytest.raises(AuthError, match="authentication failed") as caught:
        client.folders()
    assert "Turn on IMAP" in caught.value.remedy
    assert named in caught.value.remedy


def test_after_a_goodbye_the_next_poll_goes_on(behind: Connect, sending_client: ImapClient) -> None:
    deliver(sending_client, letter(), at=AT)
    client = behind(goodbye_at("UID SEARCH", "Timeout", 2))
    looker = Looker(registry.trigger_type("imap.new_message"), {}, client, Start(last=9))
    for _ in range(2):
        with pytest.raises(Unavailable, match="Timeout"):
            looker.look_until_done(NOW)
    assert [item.title for item in looker.look_until_done(NOW)] == ["Größe"]


def test_proton_bridge_is_reached_with_its_own_certificate(proxied: Behind, sending_client: ImapClient) -> None:
    deliver(sending_client, letter(), at=AT)
    client, _ = proxied(BRIDGE, security="starttls")
    assert client.mail.search(SearchCriteria(subject="größe"), 5)["matched"] == 1
    client, _ = proxied(BRIDGE, security="starttls", ca_file="")
    with pytest.raises(Unavailable, match="not trusted") as caught:
        client.folders()
    assert "ca_file" in caught.value.remedy
    client, _ = proxied(BRIDGE, security="tls")
    with pytest.raises(Unavailable) as caught:
        client.folders()
    assert "starttls" in caught.value.remedy


def test_who_we_are_is_said_once_for_each_connection(proxied: Behind) -> None:
    client, proxy = proxied(NETEASE)
    client.mail.search(SearchCriteria(), 5)
    client.folders()
    assert sum(b' ID ("name" "AI-Orchestra"' in one for one in proxy.commands) == len(proxy.visits) == 1


FOUND_HERE: dict[str, tuple[SearchCriteria, set[str]]] = {
    "subject": (SearchCriteria(subject="GRÖßE"), {"Größe 1"}),
    "subject, decomposed": (SearchCriteria(subject="Gro\u0308ße"), {"Größe 1"}),
    "sender": (SearchCriteria(sender="müller"), {"Größe 1"}),
    "text in the body": (SearchCriteria(text="straße"), {"Other"}),
    "text in a header": (SearchCriteria(text="MÜLLER"), {"Größe 1"}),
    "with ASCII beside it": (SearchCriteria(subject="größe", sender="nobody"), set()),
    "with criteria": (SearchCriteria(subject="größe", criteria="OR SEEN UNSEEN"), {"Größe 1"}),
}


@pytest.mark.parametrize("quirk", [Quirk(), EXCHANGE], ids=["by the server", "here"])
@pytest.mark.parametrize(("wanted", "subjects"), FOUND_HERE.values(), ids=FOUND_HERE)
def test_a_search_finds_the_same_whoever_compares(
    behind: Connect, sending_client: ImapClient, quirk: Quirk, wanted: SearchCriteria, subjects: set[str]
) -> None:
    deliver(sending_client, mail("Größe 1", From="Jörg Müller <jm@example.org>"), at=AT)
    deliver(sending_client, mail("Other", "Die Straße.\n"), at=AT)
    found = behind(quirk).mail.search(wanted, 5)
    assert {one["subject"] for one in found["messages"]} == subjects
    assert found["matched"] == len(subjects)


def test_criteria_of_ones_own_that_the_server_cannot_search_for_are_refused_with_a_way_out(
    behind: Connect, sending_client: ImapClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = behind(EXCHANGE)
    with pytest.raises(InvalidRequest, match="charset is not supported") as caught:
        client.mail.search(SearchCriteria(criteria='OR SUBJECT "größe" SEEN'), 5)
    assert "Contains, From, To and Subject" in caught.value.remedy
    monkeypatch.setattr("clients.imap.finding._HEADS_MOST", 1)
    for number in range(2):
        deliver(sending_client, mail(str(number)), at=AT)
    with pytest.raises(InvalidRequest, match="2 mails would have to be read") as caught:
        client.mail.search(SearchCriteria(subject="größe"), 5)
    assert "Narrow" in caught.value.remedy


def test_a_refused_charset_is_asked_for_once(proxied: Behind) -> None:
    client, proxy = proxied(EXCHANGE)
    for _ in range(3):
        client.mail.search(SearchCriteria(subject="größe"), 5)
    assert sum(b"CHARSET" in one for one in proxy.commands) == 1


@pytest.mark.parametrize("written", ["INTERNALDATE NIL", 'INTERNALDATE " 1-Jan-0001 00:00:00 +0000"'])
def test_a_mail_without_any_date_has_none(behind: Connect, sending_client: ImapClient, written: str) -> None:
    identity = deliver(sending_client, b"Subject: Never\r\n\r\nHello", at=AT)
    assert behind(dated(written)).mail.message(identity)["date"] == ""


def test_names_of_folders_that_are_not_encoded_are_used_as_the_server_writes_them(proxied: Behind) -> None:
    client, proxy = proxied(ODD_NAMES)
    assert {"R&D", "Café", "é", "Flat", "INBOX"} <= set(client.folders())
    with pytest.raises(NotFound):
        client.mail.search(SearchCriteria(folder="Nowhere"), 5)
    with pytest.raises(ServiceError):  # dovecot does not have it after all
        client.mail.search(SearchCriteria(folder="R&D"), 5)
    assert any(b'EXAMINE "R&D"' in one for one in proxy.commands)


def test_a_folder_that_is_named_without_its_prefix_is_told_its_name(
    behind: Connect, sending_client: ImapClient
) -> None:
    identity = deliver(sending_client, letter(), at=AT)
    client = behind(BELOW_INBOX)
    with pytest.raises(NotFound) as caught:
        move(client.mailbox, identity, "Archive")
    assert "'INBOX.Archive'" in caught.value.remedy


def test_a_mail_that_is_told_of_twice_is_one(behind: Connect, sending_client: ImapClient) -> None:
    for number in range(3):
        deliver(sending_client, mail(str(number)), at=AT)
    client = behind(HARMLESS["news between answers"])
    with arrivals(client.mailbox, SearchCriteria()) as found:
        assert [one.subject for one in found.known(found.beginning_at(1))] == ["0", "1", "2"]
