"""Mails that show attached pictures in their text, as each service sends and keeps them."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from clients.imap.client import ImapClient
from tests.mail.answered import SentMail, sent_from
from tests.mail.smtp_server import SmtpServer
from tests.mail.test_identities import written

if TYPE_CHECKING:
    from tests.conftest import StandIns

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(40)).decode()
SHOWN: dict[str, Any] = {
    "text": "Sales:\n\n![Sales in May](chart.png)",
    "markdown": True,
    "attachments": [{"name": "chart.png", "base64": PNG}, {"name": "offer.txt", "text": "Offer"}],
}
FILES = [("chart.png", True), ("offer.txt", False)]


@pytest.fixture(params=["gmail", "outlook"])
def sent(request: pytest.FixtureRequest, standins: StandIns, http: httpx.Client) -> Iterator[SentMail]:
    """A mailbox of a service."""
    with sent_from(request.param, standins, http) as found:
        yield found


def files_of(mail: Any) -> list[tuple[str, bool]]:
    return sorted((one["name"], one["inline"]) for one in mail["attachments"])


def test_a_sent_mail_shows_its_picture(sent: SentMail) -> None:
    mail = sent.client.mail.message(written(sent.client, f"{sent.service}.send", **SHOWN)["id"])
    assert files_of(mail) == FILES
    assert mail["text"] == "Sales:\n\n[Sales in May]"


def test_a_draft_shows_it_before_and_after_a_change(sent: SentMail) -> None:
    draft = written(sent.client, f"{sent.service}.create_draft", **SHOWN)
    assert files_of(sent.client.mail.message(draft["message"])) == FILES
    changed = written(sent.client, f"{sent.service}.update_draft", draft=draft["id"], **SHOWN)
    assert files_of(sent.client.mail.message(changed["message"])) == FILES


def test_outlook_shows_it_beside_files_that_are_uploaded(standins: StandIns, http: httpx.Client) -> None:
    with sent_from("outlook", standins, http) as sent:
        large = {"name": "large.txt", "text": "x" * 3_500_000}
        shown = {**SHOWN, "attachments": [SHOWN["attachments"][0], large]}
        mail = sent.client.mail.message(written(sent.client, "outlook.send", **shown)["id"])
    assert files_of(mail) == [("chart.png", True), ("large.txt", False)]


def test_smtp_sends_it_as_one_text(sending_client: ImapClient, smtp: SmtpServer) -> None:
    written(sending_client, "smtp.send", **SHOWN)
    kinds = [part.get_content_type() for part in smtp.last().walk()]
    assert kinds == [
        *("multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"),
        "text/plain",
    ]
