"""Outlook's client against its stand-in: what Graph does unlike Gmail, and what a mail is all the same."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pydantic import SecretStr

from clients.errors import AuthError, BadAnswer, Conflict, InvalidRequest, NotFound, RateLimited, Unavailable
from clients.gmail.client import GmailClient
from clients.gmail.service import GmailSettings
from clients.mail.labelled import LabelledMails
from clients.mail.letter import Letter
from clients.mail.outgoing import File, OutgoingMail
from clients.outlook.box import IMMUTABLE
from clients.outlook.client import OutlookClient
from clients.outlook.reading import OutlookSearch
from clients.outlook.service import OutlookSettings
from clients.sign_in import client_id_content
from demo.outlook.mailbox import SHARED

if TYPE_CHECKING:
    from pathlib import Path

    from tests.clients.conftest import Scripted
    from tests.conftest import StandIns

MARKER = "m" * 32
OTHER = "n" * 32
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MAIL = OutgoingMail(["ann@example.org"], subject="Hello", text="How are you?")
LETTER = Letter(MAIL, MARKER)


@pytest.fixture
def client(standins: StandIns, http: httpx.Client) -> OutlookClient:
    return opened(standins, http)


def opened(standins: StandIns, http: httpx.Client, mailbox: str = "", token: str = "") -> OutlookClient:
    where = standins["outlook"]
    secret = SecretStr(token or where.token)
    return OutlookClient(OutlookSettings(token=secret, base_url=where.base_url, mailbox=mailbox), http)


def control(standins: StandIns, path: str, given: Any) -> Any:
    address = f"{standins['outlook'].origin}/_demo/{path}"
    raw = {"content": given} if isinstance(given, bytes) else {"json": given}
    return standins.controls.post(address, **raw).raise_for_status().json()


def asked(standins: StandIns, method: str, path: str, body: Any = None) -> httpx.Response:
    """What another program of the same account asks."""
    where = standins["outlook"]
    headers = {"Authorization": f"Bearer {where.token}", "Prefer": IMMUTABLE}
    return standins.controls.request(method, f"{where.base_url}/v1.0/me{path}", json=body, headers=headers)


def arrived(standins: StandIns, client: OutlookClient, raw: bytes) -> str:
    return str(control(standins, "mail", raw.replace(b"{me}", client.account().encode()))["id"])


def sent(standins: StandIns) -> list[dict[str, Any]]:
    """What was sent since the start, newest first."""
    return [one for one in standins.show("outlook")["sent"] if one["subject"] == MAIL.subject]


def drafts(standins: StandIns) -> list[dict[str, Any]]:
    return list(standins.show("outlook")["drafts"])


def test_a_mail_is_read_as_in_gmail(standins: StandIns, http: httpx.Client, client: OutlookClient) -> None:
    gmail = standins["gmail"]
    other = GmailClient(GmailSettings(token=SecretStr(gmail.token), base_url=gmail.base_url), http)
    own = {"id", "thread_id", "url", "labels", "folder", "date", "received_at", "sent_at", "to", "cc", "message_id"}
    theirs = {mail["subject"]: mail for mail in other.mail.search("in:inbox", 50)["messages"]}
    ours = {mail["subject"]: mail for mail in client.mail.search(OutlookSearch(folder="inbox"), 50)["messages"]}
    assert ours.keys() == theirs.keys()
    for subject, mail in ours.items():
        for each in (mail, theirs[subject]):  # Gmail gives texts in UTF-8, so that their sizes differ
            each["parts"] = [{**part, "bytes": 0} for part in each["parts"]]
        assert {name: mail[name] for name in mail.keys() - own} == {
            name: theirs[subject][name] for name in theirs[subject].keys() - own
        }, subject
        assert ("UNREAD" in mail["labels"]) is ("UNREAD" in theirs[subject]["labels"])


def test_a_search_has_the_newest_first_and_says_if_there_are_more(client: OutlookClient) -> None:
    found = client.mail.search(OutlookSearch(folder="inbox"), 5)
    dates = [mail["date"] for mail in found["messages"]]
    assert (len(dates), dates, found["has_more"]) == (5, sorted(dates, reverse=True), True)
    assert {mail["folder"] for mail in found["messages"]} == {"Inbox"}
    recent = client.mail.search(OutlookSearch(folder="inbox", since=dates[2]), 50)
    assert [mail["date"] for mail in recent["messages"]] == dates[:3]
    assert recent["has_more"] is False


@pytest.mark.parametrize("link", [5, {}, {"a": 1}, "", "\r\nX: y", "http://[", "messages"])
def test_a_link_that_is_none_is_a_bad_answer(scripted: Scripted, http: httpx.Client, link: Any) -> None:
    scripted.then(200, {"value": [], "@odata.nextLink": link})
    client = OutlookClient(OutlookSettings(token=SecretStr("t" * 20), base_url=scripted.url), http)
    with pytest.raises(BadAnswer):
        list(client.box.graph.pages(f"{client.box.graph.url}/me/messages"))


def test_words_unread_and_everywhere(client: OutlookClient) -> None:
    invoices = client.mail.search(OutlookSearch(query='subject:"invoice"'), 50)["messages"]
    assert {mail["folder"] for mail in invoices} == {"Inbox", "Archive"}
    unread = client.mail.search(OutlookSearch(query="subject:invoice", is_unread=True), 50)["messages"]
    assert [mail["id"] for mail in unread] == [mail["id"] for mail in invoices if "UNREAD" in mail["labels"]]
    everywhere = client.mail.search(OutlookSearch(), 100)["messages"]
    assert "Junk Email" not in {mail["folder"] for mail in everywhere}
    with pytest.raises(NotFound, match="no folder 'Nowhere'"):
        client.mail.search(OutlookSearch(folder="Nowhere"), 1)


def test_a_moved_mail_keeps_its_id_and_is_moved_back_only_from_there(client: OutlookClient) -> None:
    [mail] = client.mail.search(OutlookSearch(folder="inbox"), 1)["messages"]
    target = LabelledMails("messages", mail["id"])
    inbox, projects = client.box.folder("inbox"), client.box.folder("inbox/projects")
    client.filing.move(mail["id"], projects)
    assert client.filing.on(target) == {mail["id"]: projects}
    assert client.mail.message(mail["id"])["folder"] == "Inbox/Projects"
    change = {"message": mail["id"], "before": inbox, "after": projects}
    client.filing.move(mail["id"], client.box.folder("archive"))
    with pytest.raises(Conflict):
        client.filing.move_back(change)
    client.filing.move(mail["id"], projects)
    client.filing.move_back(change)
    assert client.filing.on(target) == {mail["id"]: inbox}


def test_without_the_preference_for_it_an_id_changes_with_each_move(standins: StandIns, client: OutlookClient) -> None:
    where = standins["outlook"]
    headers = {"Authorization": f"Bearer {where.token}"}
    url = f"{where.base_url}/v1.0/me/messages"
    before = standins.controls.get(url, headers=headers).json()["value"][0]["id"]
    moved = standins.controls.post(f"{url}/{before}/move", json={"destinationId": "archive"}, headers=headers).json()
    assert moved["id"] != before
    assert standins.controls.get(f"{url}/{before}", headers=headers).json()["error"]["code"] == "ErrorItemNotFound"


def test_a_shared_mailbox_is_another_one(standins: StandIns, http: httpx.Client, client: OutlookClient) -> None:
    shared = opened(standins, http, SHARED)
    assert (shared.account(), shared.identity()) == (SHARED, SHARED)
    assert [mail["subject"] for mail in shared.mail.search(OutlookSearch(), 5)["messages"]] == ["To the office"]
    made = shared.outbox.send(LETTER)
    assert shared.mail.message(made["id"])["from"] == SHARED
    assert sent(standins) == []
    assert all(line.ok for line in shared.check())


def test_a_shared_mailbox_needs_more_access_and_the_sign_in_asks_for_it(
    standins: StandIns, http: httpx.Client, tmp_path: Path
) -> None:
    way, seen = OutlookClient.sign_in_way, []
    file = tmp_path / "client.json"
    file.write_bytes(client_id_content("demo-client-1"))

    def consenting(url: str) -> None:
        seen.append(parse_qs(urlsplit(url).query)["scope"][0].split())
        back = httpx.get(url, trust_env=False).headers["location"].replace("localhost", "127.0.0.1")
        httpx.get(back, trust_env=False)

    tokens = [
        way.for_settings(settings).sign_in(file, consenting, standins["outlook"].base_url).info["token"]
        for settings in ({}, {"mailbox": SHARED})
    ]
    assert [{"Mail.ReadWrite.Shared", "Mail.Send.Shared"} <= set(one) for one in seen] == [False, True]
    with pytest.raises(AuthError, match="Access is denied") as refused:
        opened(standins, http, SHARED, tokens[0]).folder_names()
    assert "Mail.ReadWrite.Shared" in refused.value.remedy
    assert opened(standins, http, SHARED, tokens[1]).folder_names()


def test_a_busy_mailbox_says_how_long_to_wait(standins: StandIns, client: OutlookClient) -> None:
    standins.faults("outlook", match="/v1.0/me/mailFolders", status=429, retry_after=7)
    with pytest.raises(RateLimited) as refused:
        client.folder_names()
    assert refused.value.retry_after_seconds == 7


def test_a_sent_mail_is_found_although_outlook_gives_it_another_message_id(
    standins: StandIns, client: OutlookClient
) -> None:
    control(standins, "delta", {"renames": True})
    made = client.outbox.send(LETTER)
    [there] = sent(standins)
    assert there["internetMessageId"] != made["message_id"]
    found = client.outbox.find_sent(MARKER)
    assert found is not None
    assert (found["id"], found["message_id"]) == (made["id"], there["internetMessageId"])
    assert client.outbox.find_sent(OTHER) is None


@pytest.mark.parametrize("match", ["POST /v1.0/me/messages", "PATCH /v1.0/me/messages/", "/send"])
@pytest.mark.parametrize("when", ["before_effect", "after_effect"])
def test_a_mail_whose_sending_is_interrupted_anywhere_leaves_once(
    standins: StandIns, client: OutlookClient, match: str, when: str
) -> None:
    standins.faults("outlook", match=match, when=when, cut=True)
    with pytest.raises(Unavailable):
        client.outbox.send(LETTER)
    if client.outbox.find_sent(MARKER) is None:
        client.outbox.send(LETTER)
    assert len(sent(standins)) == 1
    assert drafts(standins) == []


def test_a_refused_mail_leaves_nothing(standins: StandIns, client: OutlookClient) -> None:
    before = standins.show("outlook")
    standins.faults("outlook", match="/send", status=400)
    with pytest.raises(InvalidRequest):
        client.outbox.send(LETTER)
    assert standins.show("outlook") == before


def test_large_files_are_attached_one_by_one_also_after_an_interruption(
    standins: StandIns, client: OutlookClient
) -> None:
    files = [File("small.txt", b"a" * 10, "text/plain"), File("large.bin", bytes(range(256)) * 20_000)]
    letter = Letter(OutgoingMail(["ann@example.org"], subject="Hello", text="Files", files=files), MARKER)
    standins.faults("outlook", match="/createUploadSession", when="after_effect", cut=True)
    with pytest.raises(Unavailable):
        client.outbox.send(letter)
    made = client.outbox.send(letter)
    mail = client.mail.message(made["id"])
    assert [(one["name"], one["bytes"]) for one in mail["attachments"]] == [
        (file.name, len(file.content)) for file in files
    ]
    assert client.mail.attachment(made["id"], mail["attachments"][1]["id"]).content == files[1].content
    assert len(sent(standins)) == 1


def test_an_answer_stays_in_its_thread_and_goes_to_its_sender(standins: StandIns, client: OutlookClient) -> None:
    raw = b"From: Ann <ann@example.org>\nTo: {me}\nSubject: Offer\nMessage-ID: <offer.1@example.org>\n\nHello"
    mail = arrived(standins, client, raw)
    answers = client.mail.original("<offer.1@example.org>")
    assert answers["id"] == mail
    made = client.outbox.send(Letter(OutgoingMail(["ann@example.org"], text="Fine"), MARKER, answers))
    thread = client.mail.thread(client.mail.message(mail)["thread_id"])
    assert [one["id"] for one in thread["messages"]] == [mail, made["id"]]
    assert thread["messages"][1]["subject"] == "Re: Offer"
    assert [one["can_reply"] for one in thread["messages"]] == [True, False]
    with pytest.raises(InvalidRequest, match="from yourself"):
        client.mail.original(made["id"])


def test_a_draft_is_undone_unless_somebody_has_edited_or_sent_it(standins: StandIns, client: OutlookClient) -> None:
    kept = client.outbox.create_draft(LETTER)
    client.outbox.undo_draft(kept, NOW)
    assert drafts(standins)[0]["parentFolderId"] == client.box.known("deleteditems")
    client.outbox.undo_draft(kept, NOW)
    with pytest.raises(NotFound):
        client.outbox.message_of(kept["id"])
    edited = client.outbox.create_draft(Letter(MAIL, OTHER))
    asked(standins, "PATCH", f"/messages/{edited['id']}", {"isRead": False})
    assert client.outbox.find_draft(OTHER) == edited, "that is no edit"
    asked(standins, "PATCH", f"/messages/{edited['id']}", {"subject": "Mine"})
    with pytest.raises(Conflict, match="edited"):
        client.outbox.undo_draft(edited, NOW)
    asked(standins, "POST", f"/messages/{edited['id']}/send")
    with pytest.raises(Conflict, match="sent"):
        client.outbox.undo_draft(edited, NOW)
    assert client.outbox.find_draft(OTHER) is not None, "what its owner has sent must not be written again"


def test_a_draft_gets_other_content(standins: StandIns, client: OutlookClient) -> None:
    first = OutgoingMail(
        ["ann@example.org"], subject="Hello", text="Files", files=[File("one.txt", b"1", "text/plain")]
    )
    draft = client.outbox.create_draft(Letter(first, MARKER))
    new = OutgoingMail(["Bob <bob@example.org>"], ["carl@example.org"], subject="Other", text="New", html="<p>New</p>")
    changed = client.outbox.update_draft(draft["id"], Letter(new, MARKER))
    mail = client.mail.message(draft["id"])
    assert (mail["to"], mail["cc"], mail["subject"]) == ("Bob <bob@example.org>", "carl@example.org", "Other")
    assert (mail["text"].strip(), mail["attachments"]) == ("New", [])
    assert changed["version"] != draft["version"]
    assert changed["id"] == draft["id"]


def test_that_a_draft_answers_somebody_else_is_known_here_and_no_recipient_sees_it(
    standins: StandIns, client: OutlookClient
) -> None:
    raw = (
        b"From: Ann <ann@example.org>\nReply-To: eve@example.net\nTo: {me}\nSubject: Offer\n"
        b"Message-ID: <offer.2@example.org>\n\nHello"
    )
    arrived(standins, client, raw)
    answers = client.mail.original("<offer.2@example.org>")
    mail = OutgoingMail(["eve@example.net"], text="Fine", is_diverted=True)
    draft = client.outbox.create_draft(Letter(mail, MARKER, answers))
    assert client.outbox.is_diverted(draft["id"])
    assert b"Diverted" not in client.box.raw(draft["id"])
    assert not client.outbox.is_diverted(client.outbox.create_draft(Letter(MAIL, OTHER))["id"])


def test_a_conversation_goes_on_where_outlook_begins_a_new_one(standins: StandIns, client: OutlookClient) -> None:
    for number, subject, more in (
        (1, "Plan", ""),
        (2, "Re: Plan", "References: <o1@example.org>\n"),
        (3, "Another subject", "References: <o1@example.org> <o2@example.org>\n"),
        (4, "Re: Plan", ""),
    ):
        head = f"From: ann@example.org\nTo: {{me}}\nSubject: {subject}\nMessage-ID: <o{number}@example.org>\n{more}"
        arrived(standins, client, f"{head}\nSaid {number}".encode())
    ids = {one["text"].strip(): one["thread_id"] for one in client.mail.search(OutlookSearch("Said"), 9)["messages"]}
    assert len({*ids.values()}) == 3
    found = client.mail.thread(ids["Said 3"])
    assert [one["text"].strip() for one in found["messages"]] == ["Said 1", "Said 2", "Said 3"]
    assert (found["id"], found["subject"], found["has_more"]) == (ids["Said 3"], "Plan", False)
    assert [line for line in found["text"].splitlines() if line.startswith(" ")] == ["  Said 1", "  Said 2", "  Said 3"]
    assert [one["text"].strip() for one in client.mail.thread(ids["Said 1"])["messages"]] == ["Said 1", "Said 2"]


def test_a_stranger_who_names_the_mail_of_a_conversation_does_not_join_it(
    standins: StandIns, client: OutlookClient
) -> None:
    secret = "<acme/secret/issues/12@example.org>"
    for sender, subject, ids, text in (
        ("boss@acme.example", "Secret", f"Message-ID: {secret}", "The secret"),
        ("eve@example.net", "Hello", f"Message-ID: <e1@example.net>\nReferences: {secret}", "What do you say?"),
        ("{me}", "Re: Hello", f"Message-ID: <e2@example.com>\nReferences: {secret} <e1@example.net>", "Nothing."),
    ):
        arrived(standins, client, f"From: {sender}\nTo: {{me}}\nSubject: {subject}\n{ids}\n\n{text}".encode())
    thread = client.mail.message(client.mail.id_of("<e1@example.net>"))["thread_id"]
    assert [one["text"].strip() for one in client.mail.thread(thread)["messages"]] == ["What do you say?", "Nothing."]
