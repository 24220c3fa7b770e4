"""Which searches of Gmail also find drafts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from pydantic import SecretStr

from clients.gmail.client import GmailClient
from clients.gmail.service import GmailSettings
from clients.mail.letter import Letter
from clients.mail.outgoing import OutgoingMail
from engine.steps.gmail.query import finds_drafts

if TYPE_CHECKING:
    from tests.conftest import StandIns

FOUND = [
    "", "invoice", "newer_than:7d", "subject:hello", 'subject:hello "how are you" newer_than:2d', "-in:inbox",
    "-label:done", "from:me", "is:read", "in:anywhere", "larger:10", "-is:unread",
    "hello -from:ann",
]  # fmt: skip
NOT_FOUND = [
    "in:inbox", "IN:Inbox hello", "hello in:sent", "hello -in:drafts", "hello -in:draft", "-is:draft hello",
    "label:done", "from:ann@example.org", "is:unread", "is:starred", "to:me", "has:attachment",
    "filename:pdf", "before:2020/01/01", "-from:me", "category:updates",
]  # fmt: skip
MEANT = [
    "in:drafts", "hello in:draft", "is:draft", "{in:inbox hello}", "in:inbox OR hello", "from:(ann OR me)",
    "to:support@example.org", "deliveredto:support@example.org", "rfc822msgid:1@example.org", "-in:(drafts)",
    "hello -in:{drafts chats}",
]  # fmt: skip


@pytest.mark.parametrize("query", FOUND)
def test_a_search_that_leaves_nothing_out_finds_drafts(query: str) -> None:
    assert finds_drafts(query)


@pytest.mark.parametrize("query", [*NOT_FOUND, *MEANT])
def test_a_search_that_leaves_drafts_out_or_may_be_meant_for_them_is_none(query: str) -> None:
    assert not finds_drafts(query)


def test_the_mailbox_agrees(standins: StandIns, http: httpx.Client) -> None:
    endpoint = standins["gmail"]
    settings = GmailSettings(
        token=SecretStr(endpoint.token), base_url=endpoint.base_url, web_url=f"{endpoint.origin}/mail/"
    )
    client = GmailClient(settings, http)
    mail = OutgoingMail(["ann@example.org"], [], [], "Hello", "How are you? Here is the invoice.")
    draft = client.outbox.create_draft(Letter(mail, marker="m" * 32))["message"]
    found = {query for query in [*FOUND, *NOT_FOUND] if draft in client.history.ids(query, 500)}
    assert found == set(FOUND)
