"""Large mails go to Gmail by upload, byte for byte, to the address of the connection; what is larger is not sent."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import SecretStr

from clients.errors import InvalidRequest
from clients.gmail.client import GmailClient
from clients.gmail.service import GmailSettings
from clients.mail.letter import Letter
from clients.mail.outgoing import File, OutgoingMail

if TYPE_CHECKING:
    from tests.conftest import StandIns

MEGABYTE = 1024 * 1024
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def gmail(standins: StandIns, http: httpx.Client) -> GmailClient:
    endpoint = standins["gmail"]
    return GmailClient(GmailSettings(token=SecretStr(endpoint.token), base_url=endpoint.base_url), http)


def letter(size: int, subject: str = "Large", marker: str = "m1") -> Letter:
    content = random.Random(size).randbytes(size)
    return Letter(
        OutgoingMail(["ann@example.org"], subject=subject, text="See file", files=[File("a.bin", content)]),
        marker,
        None,
        NOW,
    )


def update(gmail: GmailClient, large: Letter) -> Any:
    draft = gmail.outbox.create_draft(letter(1, "Small", "m2"))
    return gmail.outbox.update_draft(draft["id"], large)


def send_draft(gmail: GmailClient, large: Letter) -> Any:
    return gmail.outbox.send_draft(gmail.outbox.create_draft(large)["id"], "m3")


WAYS: dict[str, tuple[str, Callable[[GmailClient, Letter], Any]]] = {
    "send": ("POST /upload/gmail/v1/users/me/messages/send", lambda gmail, large: gmail.outbox.send(large)),
    "create": ("POST /upload/gmail/v1/users/me/drafts", lambda gmail, large: gmail.outbox.create_draft(large)),
    "update": ("PUT /upload/gmail/v1/users/me/drafts/", update),
    "send_draft": ("POST /upload/gmail/v1/users/me/drafts/send", send_draft),
}


@pytest.fixture
def small_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mails over 2 kB are uploaded."""
    monkeypatch.setattr("clients.gmail.upload.INLINE_MOST", 2048)


@pytest.mark.usefixtures("small_is_large")
@pytest.mark.parametrize(("path", "write"), WAYS.values(), ids=WAYS.keys())
def test_a_large_mail_is_uploaded_as_it_is(
    standins: StandIns, gmail: GmailClient, path: str, write: Callable[[GmailClient, Letter], Any]
) -> None:
    large = letter(5000)
    made = write(gmail, large)
    assert any(request.startswith(path) for request in standins.requests("gmail")), standins.requests("gmail")
    message = made.get("message", made["id"])
    mail = gmail.mail.message(message)
    assert (mail["subject"], mail["text"], mail["message_id"]) == ("Large", "See file", made["message_id"])
    assert gmail.mail.attachments(message) == [File("a.bin", large.mail.files[0].content, "application/octet-stream")]


@pytest.mark.usefixtures("small_is_large")
def test_an_answer_of_any_size_stays_in_its_thread(standins: StandIns, gmail: GmailClient) -> None:
    found = gmail.mail.search("in:inbox", 25)["messages"]
    mail = next(one for one in found if one["can_reply"])
    answers = gmail.mail.original(mail["id"])
    large = letter(5000)
    made = gmail.outbox.send(Letter(large.mail, "m1", answers, NOW))
    assert made["thread_id"] == mail["thread_id"]


def test_an_attachment_over_ten_megabytes_is_sent_and_read(standins: StandIns, gmail: GmailClient) -> None:
    large = letter(8 * MEGABYTE)  # and what base64 adds
    made = gmail.outbox.send(large)
    assert "POST /upload/gmail/v1/users/me/messages/send" in " ".join(standins.requests("gmail"))
    (told,) = gmail.mail.message(made["id"])["attachments"]
    assert gmail.mail.attachment(made["id"], told["id"]).content == large.mail.files[0].content


def test_a_mail_that_gmail_does_not_take_is_not_sent(
    standins: StandIns, gmail: GmailClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clients.gmail.upload.MOST", MEGABYTE)
    gmail.account()
    before = standins.requests("gmail")
    with pytest.raises(InvalidRequest, match="at most 35 MB"):
        gmail.outbox.send(letter(MEGABYTE))
    assert standins.requests("gmail") == before
