"""Gmail's client against its stand-in; what happens when the service fails is in tests/operations."""

from __future__ import annotations

import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from clients.errors import AuthError, BadAnswer, InvalidRequest, NotFound, RateLimited, ServiceError
from clients.gmail.client import GmailClient
from clients.gmail.service import GmailSettings
from clients.mail.labelled import LabelledMails
from clients.mail.letter import Letter
from clients.mail.outgoing import OutgoingMail
from clients.mail.replies import reply_address
from clients.transport import deadline
from tests.mail import outlook
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from tests.clients.conftest import Scripted
    from tests.conftest import StandIns

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HELLO = OutgoingMail(["ann@example.org"], subject="Hello", text="How are you?")


def client(standins: StandIns, http: httpx.Client, token: str | None = None) -> GmailClient:
    endpoint = standins["gmail"]
    return GmailClient(
        GmailSettings(
            token=SecretStr(token or endpoint.token), base_url=endpoint.base_url, web_url=f"{endpoint.origin}/mail/"
        ),
        http,
    )


@pytest.fixture
def gmail(standins: StandIns, http: httpx.Client) -> GmailClient:
    return client(standins, http)


@pytest.fixture
def deliver(standins: StandIns) -> Callable[..., str]:
    """Let a mail arrive; gives its id."""

    def arrive(raw: str | bytes) -> str:
        content = raw.encode() if isinstance(raw, str) else raw
        answer = httpx.post(
            f"{standins['gmail'].origin}/_demo/mail",
            content=content,
            headers={"content-type": "text/plain"},
            trust_env=False,
            timeout=PATIENCE_SECONDS,
        )
        answer.raise_for_status()
        return str(answer.json()["id"])

    return arrive


@pytest.fixture
def mail_id(deliver: Callable[..., str]) -> str:
    return deliver(
        "From: Ann <ann@example.org>\nTo: you@example.com\nSubject: Offer\nMessage-ID: <offer.1@example.org>\n\nHello"
    )


def hello(marker: str = "m1") -> Letter:
    return Letter(HELLO, marker, None, NOW)


def on(gmail: GmailClient, mail: str, labels: list[str]) -> list[str]:
    """Put labels on a mail; give all that it has then."""
    return gmail.labels.change(LabelledMails("messages", mail), labels, ())[mail]


def first(gmail: GmailClient) -> str:
    return str(gmail.mail.search("in:inbox", 1)["messages"][0]["id"])


def test_the_mails_of_one_search_share_the_deadline(standins: StandIns, gmail: GmailClient) -> None:
    gmail.account()
    standins.faults("gmail", match="/messages/", times=100, delay_seconds=10)
    with deadline(1), pytest.raises(ServiceError) as caught:
        gmail.mail.search("in:inbox", 4)
    assert type(caught.value).__name__ == "Timeout"


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        pytest.param("userRateLimitExceeded", RateLimited, id="the user's rate"),
        pytest.param("rateLimitExceeded", RateLimited, id="the rate"),
        pytest.param("dailyLimitExceeded", RateLimited, id="the day's quota"),
        pytest.param("insufficientPermissions", AuthError, id="a missing right"),
    ],
)
def test_google_tells_a_rate_limit_from_a_refusal_by_a_reason(
    scripted: Scripted, http: httpx.Client, said: str, kind: type[ServiceError]
) -> None:
    error = {"code": 403, "message": "No.", "errors": [{"reason": said, "domain": "usageLimits", "message": "No."}]}
    scripted.then(403, {"error": error})
    settings = GmailSettings(token=SecretStr("ya29.secret"), base_url=scripted.url)
    with pytest.raises(kind, match=said):
        GmailClient(settings, http).account()


def test_the_token_shows_nowhere(scripted: Scripted, http: httpx.Client) -> None:
    scripted.then(401, {"error": {"code": 401, "message": "Bad token ya29.secret", "errors": []}})
    settings = GmailSettings(token=SecretStr("ya29.secret"), base_url=scripted.url)
    gmail = GmailClient(settings, http)
    with pytest.raises(AuthError) as caught:
        gmail.account()
    shown = [repr(gmail), str(settings), repr(settings), str(caught.value), repr(caught.value), caught.value.remedy]
    assert "ya29.secret" not in " ".join(shown)
    assert "orchestra connections add gmail" in caught.value.remedy


def test_nobody_signed_in_is_said(http: httpx.Client) -> None:
    gmail = GmailClient(GmailSettings(), http)
    with pytest.raises(AuthError, match="Nobody has signed in"):
        gmail.account()
    assert [line.ok for line in gmail.check()] == [False]


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ValidationError):
        GmailSettings.model_validate({"tokn": "x"})


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"messages": [{}]}, id="a mail without id"),
        pytest.param({"messages": "many"}, id="no list"),
        pytest.param({"messages": ["1"]}, id="no objects"),
        pytest.param({"id": "1", "payload": {"headers": "none"}}, id="headers that are none"),
        pytest.param({"id": "1", "payload": {"parts": [3]}}, id="parts that are none"),
        pytest.param({"id": "1", "payload": [1]}, id="a payload that is a list"),
    ],
)
def test_an_answer_of_another_shape_is_a_bad_answer(scripted: Scripted, http: httpx.Client, answer: Any) -> None:
    scripted.then(200, answer)
    gmail = GmailClient(GmailSettings(token=SecretStr("t"), base_url=scripted.url), http)
    with pytest.raises(BadAnswer):
        gmail.mail.search("x", 1) if "messages" in answer else gmail.mail.message("1")


def test_the_check_names_the_account(gmail: GmailClient) -> None:
    lines = gmail.check()
    assert all(line.ok for line in lines)
    assert gmail.account() in lines[0].text


def test_a_search_gives_the_newest_first(gmail: GmailClient) -> None:
    found = gmail.mail.search("in:inbox", 25)
    dates = [mail["date"] for mail in found["messages"]]
    assert len(dates) == 25
    assert dates == sorted(dates, reverse=True)
    assert found["matched_estimate"] >= 25
    assert set(found["messages"][0]) == {
        *("id", "thread_id", "message_id", "url", "from", "to", "cc", "subject", "date", "text", "text_truncated"),
        *("full_text", "text_missing", "left_out", "signature", "invitations", "labels", "attachments", "can_reply"),
        *("reply_to", "importance", "list", "is_auto_reply", "authentication", "headers", "sent_at", "received_at"),
        *("parts", "is_bounce", "bounce", "language"),
    }


def test_a_search_keeps_to_its_limit_and_may_find_nothing(gmail: GmailClient) -> None:
    assert len(gmail.mail.search("in:inbox", 3)["messages"]) == 3
    assert gmail.mail.search("from:nobody-at-all@example.net", 25)["messages"] == []


def test_a_mail_deleted_during_a_search_is_left_out(standins: StandIns, gmail: GmailClient) -> None:
    gmail.account()
    standins.faults("gmail", match="/messages/", status=404)
    assert len(gmail.mail.search("in:inbox", 5)["messages"]) == 4


def test_ids_are_read_exactly(gmail: GmailClient, mail_id: str) -> None:
    other = first(gmail)
    found = gmail.mail.by_ids([mail_id, mail_id, other])
    assert {mail["id"] for mail in found["messages"]} == {mail_id, other}
    with pytest.raises(NotFound, match="no-such-mail"):
        gmail.mail.by_ids(["no-such-mail"])


@pytest.mark.parametrize("wrong", ["", "  "])
def test_an_empty_id_is_refused_before_it_lists_the_mailbox(gmail: GmailClient, wrong: str) -> None:
    with pytest.raises(InvalidRequest):
        gmail.mail.message(wrong)
    with pytest.raises(InvalidRequest):
        on(gmail, wrong, ["x"])


@pytest.mark.parametrize("odd", ["../drafts", "a/b", "a?b=c", "%2e%2e", "ü", "x" * 5000])
def test_an_odd_id_reaches_nothing_else(gmail: GmailClient, odd: str) -> None:
    with pytest.raises(ServiceError):
        gmail.mail.message(odd)


INVOICE = (
    b"Subject: Invoice 17\nContent-Type: multipart/mixed; boundary=i\n\n--i\n\nPlease pay.\n--i\n"
    b"Content-Type: application/pdf; name=invoice.pdf\n\n%PDF\n--i--"
)


@pytest.mark.parametrize(
    ("head", "content", "names"),
    [
        pytest.param(b"message/rfc822", INVOICE, ["Invoice 17.eml", "invoice.pdf"], id="an attached mail"),
        pytest.param(
            b"application/octet-stream; name=old.eml", INVOICE, ["old.eml", "invoice.pdf"], id="a mail as a file"
        ),
        pytest.param(
            b"application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64",
            base64.encodebytes(outlook.winmail(outlook.file("invoice.pdf", b"%PDF"))),
            ["invoice.pdf"],
            id="winmail.dat",
        ),
    ],
)
def test_files_within_parts_can_be_taken_and_are_forwarded_as_they_came(
    gmail: GmailClient, deliver: Callable[..., str], head: bytes, content: bytes, names: list[str]
) -> None:
    parts = b"--o\n\nSee.\n--o\nContent-Type: " + head + b"\n\n" + content + b"\n--o--"
    message = deliver(b"Subject: FYI\nContent-Type: multipart/mixed; boundary=o\n\n" + parts)
    mail = gmail.mail.message(message)
    assert [one["name"] for one in mail["attachments"]] == names
    taken = [gmail.mail.attachment(message, one["id"]) for one in mail["attachments"]]
    assert ([one.name for one in taken], taken[-1].content.strip()) == (names, b"%PDF")
    [forwarded] = gmail.mail.attachments(message)
    assert b"PDF" in forwarded.content


ODD_MAILS = {
    "unknown charset": b"Content-Type: text/plain; charset=x-nobody\n\ncaf\xe9",
    "broken multipart": b"Content-Type: multipart/mixed; boundary=x\n\n--y\nContent-Type: text/plain\n\nlost",
    "no boundary": b"Content-Type: multipart/mixed\n\nhello",
    "broken base64": b"Content-Transfer-Encoding: base64\n\n!!!not base64!!!",
    "broken quoted-printable": b"Content-Transfer-Encoding: quoted-printable\n\na=ZZb=",
    "empty": b"\n",
    "no headers at all": b"hello",
    "binary": bytes(range(256)),
    "HTML only": b"Content-Type: text/html; charset=utf-8\n\n<p>Hi <span style='display:none'>BAD</span>you</p>",
    "a subject in an unknown charset": b"Subject: =?x-nobody?q?caf=E9?=\n\nhello",
    "a broken subject": b"Subject: =?utf-8?b?////?= =?\n\nhello",
    "raw bytes in a header": b"Subject: caf\xe9\nFrom: \xff <a@b.example>\n\nhello",
    "a date that is none": b"Date: yesterday\n\nhello",
    "nested deep": b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(60))
    + b"\n\nx",
    "a mail inside a mail": b"Content-Type: message/rfc822\n\nSubject: inner\n\nhello",
    "a media type that is none": b"Content-Type: ;;;\n\nhello",
    "nulls": b"Subject: a\x00b\n\na\x00b",
}


@pytest.mark.parametrize("raw", ODD_MAILS.values(), ids=ODD_MAILS.keys())
def test_odd_mails_are_read_without_an_error(gmail: GmailClient, deliver: Callable[..., str], raw: bytes) -> None:
    mail = gmail.mail.message(deliver(raw))
    assert isinstance(mail["text"], str)
    assert "BAD" not in mail["text"]
    assert "\x00" not in mail["text"] + mail["subject"]


def test_every_sample_mail_can_be_read(gmail: GmailClient) -> None:
    found = gmail.mail.search("in:anywhere", 100)["messages"]
    assert len(found) >= 25
    assert all(mail["message_id"] for mail in found)


def test_an_attachment_can_be_loaded_by_the_id_that_stays(gmail: GmailClient) -> None:
    mail = gmail.mail.search("has:attachment", 1)["messages"][0]
    known = mail["attachments"][0]
    again = gmail.mail.message(mail["id"])["attachments"][0]
    assert again == known
    file = gmail.mail.attachment(mail["id"], known["id"])
    assert (file.name, file.media_type, len(file.content)) == (known["name"], known["media_type"], known["bytes"])
    with pytest.raises(NotFound):
        gmail.mail.attachment(mail["id"], "99")


def test_a_draft_is_written_and_found_by_its_marker_alone(standins: StandIns, gmail: GmailClient) -> None:
    made = gmail.outbox.create_draft(hello("m1"))
    gmail.outbox.create_draft(hello("m2"))
    assert gmail.outbox.find_draft("m1") == made
    assert gmail.outbox.find_draft("m3") is None
    assert gmail.outbox.find_sent("m1") is None
    assert len(standins.show("gmail")["drafts"]) == 2
    assert made["url"].endswith(f"/mail/{made['message']}")


def test_a_mail_is_sent_and_found_by_its_marker_alone(standins: StandIns, gmail: GmailClient) -> None:
    before = len(standins.show("gmail")["sent"])
    made = gmail.outbox.send(hello("m1"))
    assert gmail.outbox.find_sent("m1") == made
    assert gmail.outbox.find_sent("m2") is None
    assert gmail.mail.message(made["id"])["message_id"] == made["message_id"]
    assert len(standins.show("gmail")["sent"]) == before + 1


def test_a_draft_that_its_owner_sent_meanwhile_is_found(standins: StandIns, gmail: GmailClient) -> None:
    made = gmail.outbox.create_draft(hello("m1"))
    base, headers = standins["gmail"].origin, {"authorization": f"Bearer {standins['gmail'].token}"}
    url = f"{base}/gmail/v1/users/me/drafts/send"
    sent = (
        httpx.post(url, json={"id": made["id"]}, headers=headers, trust_env=False, timeout=PATIENCE_SECONDS)
        .raise_for_status()
        .json()
    )
    found = gmail.outbox.find_draft("m1")
    assert found is not None
    assert found["message"] == sent["id"]
    assert set(found) == set(made)


def test_a_search_that_finds_too_much_is_not_believed(scripted: Scripted, http: httpx.Client) -> None:
    """The header decides: a service that does not know `rfc822msgid:` may answer with any mail."""
    other = {
        "id": "9",
        "labelIds": ["SENT"],
        "payload": {"headers": [{"name": "Message-ID", "value": "<x@y.example>"}]},
    }
    scripted.then(200, {"emailAddress": "me@example.com"}).then(200, {"messages": [{"id": "9"}]}).then(200, other)
    gmail = GmailClient(GmailSettings(token=SecretStr("t"), base_url=scripted.url), http)
    assert gmail.outbox.find_sent("m1") is None


@pytest.mark.parametrize("by", ["id", "message_id"])
def test_an_answer_stays_in_its_thread(gmail: GmailClient, mail_id: str, by: str) -> None:
    mail = gmail.mail.message(mail_id)
    answers = gmail.mail.original(mail[by])
    assert reply_address(answers["payload"]) == "ann@example.org"
    made = gmail.outbox.create_draft(Letter(OutgoingMail(["ann@example.org"], text="Thanks"), "m1", answers, NOW))
    assert made["thread_id"] == mail["thread_id"]
    assert gmail.mail.message(made["message"])["subject"] == "Re: Offer"


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        pytest.param("From: {me}", "from yourself", id="oneself"),
        pytest.param("From: a@b.example\nAuto-Submitted: auto-replied", "program", id="automatic"),
        pytest.param("From: a@b.example\nPrecedence: bulk", "mass mail", id="bulk"),
        pytest.param("From: a@b.example\nList-Id: <x.b.example>", "mailing list", id="list"),
        pytest.param("From: no-reply@b.example", "nobody reads", id="no-reply"),
    ],
)
def test_what_must_not_be_answered_is_refused(
    gmail: GmailClient, deliver: Callable[..., str], headers: str, reason: str
) -> None:
    mail = deliver(f"{headers.format(me=gmail.account())}\nSubject: x\n\nhello")
    assert gmail.mail.message(mail)["can_reply"] is False
    with pytest.raises(InvalidRequest, match=reason):
        gmail.mail.original(mail)


def test_what_orchestra_sent_is_not_answered_by_it(gmail: GmailClient) -> None:
    made = gmail.outbox.send(hello("m1"))
    with pytest.raises(InvalidRequest):
        gmail.mail.original(made["id"])


def test_a_mail_to_answer_that_is_not_there_is_said(gmail: GmailClient) -> None:
    with pytest.raises(NotFound, match="There is no mail with the Message-ID"):
        gmail.mail.original("<nothing@example.net>")


def test_labels_are_made_where_they_are_missing_and_put_once(
    standins: StandIns, gmail: GmailClient, mail_id: str
) -> None:
    first_time = on(gmail, mail_id, ["triaged", "Work/Bugs", "triaged"])
    assert {"triaged", "Work/Bugs", "INBOX"} <= set(first_time)
    assert on(gmail, mail_id, ["Triaged"]) == first_time
    names = [label["name"] for label in standins.show("gmail")["labels"]]
    assert names.count("triaged") == 1
    assert gmail.mail.message(mail_id)["labels"] == first_time


def test_workers_that_make_the_same_label_make_one(standins: StandIns, http: httpx.Client, mail_id: str) -> None:
    clients = [client(standins, http) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda gmail: on(gmail, mail_id, ["triaged"]), clients))
    assert all("triaged" in labels for labels in answers)
    assert [label["name"] for label in standins.show("gmail")["labels"]].count("triaged") == 1


def test_a_label_made_anew_by_somebody_else_is_used(standins: StandIns, gmail: GmailClient, mail_id: str) -> None:
    on(gmail, mail_id, ["triaged"])
    old = next(label for label in standins.show("gmail")["labels"] if label["name"] == "triaged")
    base, headers = standins["gmail"].origin, {"authorization": f"Bearer {standins['gmail'].token}"}
    httpx.delete(
        f"{base}/gmail/v1/users/me/labels/{old['id']}", headers=headers, trust_env=False, timeout=PATIENCE_SECONDS
    ).raise_for_status()
    assert "triaged" in on(gmail, mail_id, ["triaged"])


@pytest.mark.parametrize("name", ["", "  ", "x" * 226])
def test_a_name_that_no_label_can_have_is_refused(gmail: GmailClient, mail_id: str, name: str) -> None:
    with pytest.raises(InvalidRequest):
        on(gmail, mail_id, [name])


def test_threads_may_share_a_client(gmail: GmailClient, mail_id: str) -> None:
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: gmail.mail.message(mail_id)["subject"], range(80)))
    assert set(found) == {"Offer"}


def test_a_conversation_goes_on_where_gmail_begins_a_new_thread(
    gmail: GmailClient, deliver: Callable[..., str]
) -> None:
    head = "From: Ann <ann@example.org>\nTo: you@example.com\n"
    deliver(f"{head}Subject: Plan\nMessage-ID: <g1@example.org>\n\nSaid 1")
    second = deliver(f"{head}Subject: Re: Plan\nMessage-ID: <g2@example.org>\nReferences: <g1@example.org>\n\nSaid 2")
    deliver(f"{head}Subject: Re: Plan\nMessage-ID: <g4@example.org>\n\nSaid 4")
    names = '<g1@example.org> <gone@example.org> <a"b{c}@example.org> <g2@example.org>'
    third = deliver(f"{head}Subject: Other\nMessage-ID: <g3@example.org>\nReferences: {names}\n\nSaid 3")
    thread = gmail.mail.message(third)["thread_id"]
    assert thread != gmail.mail.message(second)["thread_id"]
    found = gmail.mail.thread(thread)
    assert [one["text"].strip() for one in found["messages"]] == ["Said 1", "Said 2", "Said 3"]
    assert (found["id"], found["subject"], found["has_more"]) == (thread, "Plan", False)
    assert [line for line in found["text"].splitlines() if line.startswith(" ")] == ["  Said 1", "  Said 2", "  Said 3"]


def test_a_stranger_who_names_the_mail_of_a_thread_does_not_join_it(
    gmail: GmailClient, deliver: Callable[..., str]
) -> None:
    me, secret = gmail.account(), "<acme/secret/issues/12@example.org>"
    deliver(f"From: boss@acme.example\nTo: {me}\nSubject: Secret\nMessage-ID: {secret}\n\nThe secret")
    head = f"From: Eve <eve@example.net>\nTo: {me}\nSubject: Hello\nMessage-ID: <e1@example.net>"
    mail = deliver(f"{head}\nReferences: {secret}\n\nWhat do you say?")
    answers = f"Message-ID: <e2@example.com>\nIn-Reply-To: <e1@example.net>\nReferences: {secret} <e1@example.net>"
    own = deliver(f"From: {me}\nTo: eve@example.net\nSubject: Re: Hello\n{answers}\n\nNothing.")
    threads = {gmail.mail.message(one)["thread_id"] for one in (mail, own)}
    said = [one["text"].strip() for each in threads for one in gmail.mail.thread(each)["messages"]]
    assert {*said} == {"What do you say?", "Nothing."}


def test_a_draft_in_a_thread_is_no_part_of_what_was_said(gmail: GmailClient, mail_id: str) -> None:
    letter = Letter(OutgoingMail([], text="Not yet sent"), "m9", gmail.mail.original(mail_id), NOW)
    gmail.outbox.create_draft(letter)
    found = gmail.mail.thread(gmail.mail.message(mail_id)["thread_id"])
    assert len(found["messages"]) == 2
    assert "Not yet sent" not in found["text"]
