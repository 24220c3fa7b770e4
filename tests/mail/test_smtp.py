"""Drafts and mail that leaves, against a real dovecot and a real SMTP server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aiosmtpd.smtp import Envelope

from clients.check_line import CheckLine
from clients.errors import AuthError, Conflict, InvalidRequest, NotFound, OutcomeUnknown, Unavailable
from clients.imap.client import ImapClient
from clients.imap.filing import delete, move
from clients.imap.mailbox import mail_id
from clients.imap.search import SearchCriteria
from clients.mail.letter import Letter
from clients.mail.outgoing import File, OutgoingMail, message_id
from tests.mail.mailboxes import connected, deliver, mail
from tests.mail.smtp_server import SmtpServer, content_of

MARKER = "b" * 32
OTHER = "c" * 32
AT = datetime(2026, 11, 20, 8, tzinfo=UTC)
MAIL = OutgoingMail(
    ["Bob <bob@example.org>"], ["carol@example.org"], ["dave@example.org"], "Grüße", ".dot\r\n..two\nünï\n"
)


def sent(client: ImapClient, mail: OutgoingMail = MAIL, answers: dict[str, Any] | None = None) -> dict[str, Any]:
    return client.outbox.send(Letter(mail, MARKER, answers, AT))


def drafted(client: ImapClient, mail: OutgoingMail = MAIL, marker: str = MARKER) -> dict[str, Any]:
    return client.outbox.create_draft(Letter(mail, marker, None, AT))


def drafts(client: ImapClient) -> list[dict[str, Any]]:
    return list(client.mail.search(SearchCriteria(folder="Drafts"), 25)["messages"])


def test_a_mail_leaves_to_all_and_a_copy_stays(sending_client: ImapClient, smtp: SmtpServer) -> None:
    told = sent(sending_client)
    assert told["recipients"] == ["bob@example.org", "carol@example.org", "dave@example.org"]
    assert smtp.mails[0].rcpt_tos == told["recipients"]
    assert smtp.mails[0].mail_from == sending_client.account()
    assert smtp.last()["Bcc"] is None
    assert smtp.last()["Subject"] == "Grüße"
    assert smtp.last()["Message-ID"] == told["message_id"] == message_id(MARKER, sending_client.account())
    assert smtp.last().get_content().split() == [".dot", "..two", "ünï"]
    assert content_of(smtp.mails[0]).isascii()
    copy = sending_client.mail.message(told["id"])
    assert (copy["folder"], copy["is_read"], copy["can_reply"]) == ("Sent Items", True, False)
    assert sending_client.outbox.find_sent(MARKER) == told


def test_a_file_arrives_as_it_was(sending_client: ImapClient, smtp: SmtpServer) -> None:
    sent(sending_client, OutgoingMail(["bob@example.org"], files=[File("ä.bin", b"\x00\r\n.\r\n\xff")]))
    attached = next(smtp.last().iter_attachments())
    assert (attached.get_filename(), attached.get_content()) == ("ä.bin", b"\x00\r\n.\r\n\xff")


def test_one_recipient_that_is_refused_keeps_the_mail_here(sending_client: ImapClient, smtp: SmtpServer) -> None:
    with pytest.raises(InvalidRequest, match=r"recipient nobody@example\.org is refused") as caught:
        sent(sending_client, OutgoingMail(["bob@example.org", "nobody@example.org"], text="x"))
    assert caught.value.outcome == "not_done"
    assert smtp.mails == []


@pytest.mark.parametrize("to", [[], ["ünïcode@example.org"]], ids=["nobody", "not ASCII"])
def test_a_mail_that_cannot_be_addressed_is_not_sent(
    sending_client: ImapClient, smtp: SmtpServer, to: list[str]
) -> None:
    with pytest.raises(InvalidRequest):
        sent(sending_client, OutgoingMail(to, text="x"))
    assert smtp.mails == []


def test_starttls_is_spoken(sending_settings: dict[str, Any], smtp: SmtpServer) -> None:
    with connected({**sending_settings, "smtp_port": smtp.port, "smtp_security": "starttls"}) as client:
        sent(client)
        assert len(smtp.mails) == 1
        text = f"127.0.0.1:{smtp.port} takes mail from {client.account()}."
        assert client.check()[-1] == CheckLine("sending", ok=True, text=text)


def test_a_wrong_password_is_refused(sending_settings: dict[str, Any]) -> None:
    with connected({**sending_settings, "password": "not-it-at-all"}) as client:
        with pytest.raises(AuthError) as caught:
            client.smtp.check()
        assert "not-it-at-all" not in f"{caught.value} {caught.value.remedy} {vars(client.smtp)}"


def test_the_copy_of_a_server_that_keeps_them_itself_is_taken(sending_client: ImapClient, smtp: SmtpServer) -> None:
    def keep(envelope: Envelope) -> None:
        deliver(sending_client, content_of(envelope), "Sent Items")

    smtp.on_mail = keep
    told = sent(sending_client)
    found = sending_client.mail.search(SearchCriteria(folder="Sent Items"), 25)
    assert [one["id"] for one in found["messages"]] == [told["id"]]


@pytest.fixture(params=["server", "client", "none"])
def keeper(request: pytest.FixtureRequest, sending_settings: dict[str, Any]) -> Iterator[tuple[str, ImapClient]]:
    """Who puts what is sent into the Sent folder, and a client that knows it."""
    with connected({**sending_settings, "sent_copy": request.param}) as client:
        yield request.param, client


def test_only_where_the_server_keeps_copies_a_mail_has_surely_not_left(keeper: tuple[str, ImapClient]) -> None:
    who, client = keeper
    if who == "server":
        assert client.outbox.find_sent(MARKER) is None
    else:
        with pytest.raises(OutcomeUnknown, match="may have been sent"):
            client.outbox.find_sent(MARKER)


def test_who_keeps_the_copy_decides_whether_one_is_made(keeper: tuple[str, ImapClient]) -> None:
    who, client = keeper
    told = sent(client)
    count = client.mail.search(SearchCriteria(folder="Sent Items"), 25)["matched"]
    assert (count, bool(told["id"])) == ((1, True) if who == "client" else (0, False))


def test_a_mail_that_has_left_counts_as_sent_whatever_becomes_of_the_copy(
    sending_client: ImapClient, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise Unavailable("The mailbox is away just now.", service="imap")

    monkeypatch.setattr("clients.imap.outbox.ImapOutbox._put", broken)
    assert sent(sending_client)["id"] == ""
    assert len(smtp.mails) == 1


def test_a_draft_is_written_found_and_deleted(client: ImapClient) -> None:
    assert client.outbox.find_draft(MARKER) is None
    draft = drafted(client)
    assert client.outbox.find_draft(MARKER) == draft
    assert client.outbox.find_draft(OTHER) is None
    shown = client.mail.message(draft["id"])
    assert (shown["flags"], shown["subject"], shown["can_reply"]) == (["\\Draft", "\\Seen"], "Grüße", False)
    client.outbox.undo_draft(draft, AT)
    client.outbox.undo_draft(draft, AT)
    assert drafts(client) == []


def test_a_draft_among_thousands_is_found_though_the_search_should_lag(
    client: ImapClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from clients.imap.session import ImapSession

    draft = drafted(client)
    search_of = ImapSession.search
    monkeypatch.setattr(ImapSession, "search", lambda it, what: [] if "HEADER" in what else search_of(it, what))
    assert client.outbox.find_draft(MARKER) == draft
    monkeypatch.undo()
    monkeypatch.setattr("clients.imap.filing._RECENT", 1)
    for number in range(5):
        deliver(client, mail(f"Number {number}"), "Drafts")
    assert client.outbox.find_draft(MARKER) == draft


def test_a_draft_that_was_edited_or_sent_is_left_alone(client: ImapClient) -> None:
    draft = drafted(client)
    edited = deliver(client, mail("Edited", **{"Message-ID": draft["message_id"]}), "Drafts")
    delete(client.mailbox, mail_id(draft["id"]))
    with pytest.raises(Conflict, match="edited since"):
        client.outbox.undo_draft(draft, AT)
    move(client.mailbox, edited, "Sent Items")
    with pytest.raises(NotFound, match="moved or deleted"):
        client.outbox.update_draft(draft["id"], Letter(MAIL, MARKER, None, AT))
    with pytest.raises(Conflict, match="sent since"):
        client.outbox.undo_draft(draft, AT)
    assert (client.outbox.find_draft(MARKER) or {})["folder"] == "Sent Items", "it must not be written once more"


def test_a_draft_that_is_changed_stays_one(client: ImapClient) -> None:
    draft, other = drafted(client), drafted(client, marker=OTHER)
    changed = OutgoingMail(["bob@example.org"], subject="Changed")
    for _ in range(2):  # an update that is made again is the same as once
        draft = client.outbox.update_draft(draft["id"], Letter(changed, MARKER, None, AT))
    assert {one["id"]: one["subject"] for one in drafts(client)} == {draft["id"]: "Changed", other["id"]: "Grüße"}
    delete(client.mailbox, mail_id(draft["id"]))
    with pytest.raises(NotFound, match="moved or deleted"):
        client.outbox.update_draft(draft["id"], Letter(changed, MARKER, None, AT))


def test_an_answer_stays_in_its_conversation_and_says_that_a_program_wrote_it(
    sending_client: ImapClient, smtp: SmtpServer
) -> None:
    first = mail(
        "Question", **{"Message-ID": "<q2@example.org>", "References": "<q1@example.org>", "Reply-To": "Bo <bo@x.org>"}
    )
    identity = deliver(sending_client, first)
    for named in (identity, "<q2@example.org>"):
        answers = sending_client.mail.original(named)
        told = sent(sending_client, OutgoingMail(["bo@x.org"], text="Answer"), answers)
        assert told["thread_id"] == "<q1@example.org>" == sending_client.mail.message(identity)["thread_id"]
        assert smtp.last()["Subject"] == "Re: Question"
        assert smtp.last()["In-Reply-To"] == "<q2@example.org>"
        assert str(smtp.last()["References"]).split() == ["<q1@example.org>", "<q2@example.org>"]
        assert smtp.last()["Auto-Submitted"] == "auto-replied"
    with pytest.raises(NotFound, match="no mail with the Message-ID"):
        sending_client.mail.original("<nowhere@example.org>")


@pytest.mark.parametrize(
    ("folder", "headers", "reason"),
    [
        pytest.param("INBOX", {"Auto-Submitted": "auto-generated"}, "a program wrote it", id="automatic"),
        pytest.param("INBOX", {"Precedence": "bulk"}, "mass mail", id="bulk"),
        pytest.param("INBOX", {"List-Id": "<l.example.org>"}, "mailing list", id="list"),
        pytest.param("INBOX", {"From": "no-reply@example.org"}, "nobody reads", id="no-reply"),
        pytest.param("INBOX", {"X-Orchestra": "x"}, "Orchestra", id="our own mark"),
        pytest.param("Sent Items", {}, "from yourself", id="in the Sent folder"),
        pytest.param("Drafts", {}, "from yourself", id="a draft"),
    ],
)
def test_mail_that_a_program_must_not_answer_is_not(
    client: ImapClient, folder: str, headers: dict[str, str], reason: str
) -> None:
    identity = deliver(client, mail(**headers), folder)
    with pytest.raises(InvalidRequest, match=reason):
        client.mail.original(identity)
    assert not client.mail.message(identity)["can_reply"]


def test_mail_from_oneself_is_not_answered(client: ImapClient) -> None:
    identity = deliver(client, mail(From=client.account().upper()))
    with pytest.raises(InvalidRequest, match="from yourself"):
        client.mail.original(identity)
