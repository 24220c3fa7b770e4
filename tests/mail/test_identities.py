"""From which address a mail is, and the signature below it, the same in all services."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from clients.errors import InvalidRequest
from clients.imap.client import ImapClient
from clients.imap.search import SearchCriteria
from engine.plugins import registry
from engine.plugins.step import Call
from tests.mail.answered import SentMail, sent_from
from tests.mail.mailboxes import connected
from tests.mail.smtp_server import SmtpServer, content_of

if TYPE_CHECKING:
    from tests.conftest import StandIns

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
SIGNATURE = "Ann Lee\nHome Street 1"


@pytest.fixture(params=["gmail", "outlook"])
def sent(request: pytest.FixtureRequest, standins: StandIns, http: httpx.Client) -> Iterator[SentMail]:
    """A mailbox of a service."""
    with sent_from(request.param, standins, http) as found:
        yield found


def call_of(client: Any, uses: str, **fields: Any) -> Any:
    """A step that writes a mail, and its call."""
    step = registry.step_type(uses)
    given = {"to": ["bob@other.example"], "subject": "Hi", "text": "Hello", **fields}
    call = Call(step.fields.model_validate(given), client, "f" * 32, intended_at=NOW, started_at=NOW, is_seen=True)
    return step, call


def written(client: Any, uses: str, **fields: Any) -> Any:
    step, call = call_of(client, uses, **fields)
    return step.call(call)


def alias_of(sent: SentMail) -> str:
    account = sent.client.account()
    return f"sales@{account.rpartition('@')[2]}" if sent.service == "gmail" else f"sales.{account}"


def test_a_mail_is_from_the_alias_that_its_step_names(sent: SentMail) -> None:
    made = written(sent.client, f"{sent.service}.send", **{"from": alias_of(sent)})
    shown = sent.client.mail.message(made["id"])["from"]
    assert alias_of(sent) in shown
    assert ("Sales" in shown) is (sent.service == "gmail")  # Gmail knows the name of an alias


def test_the_step_may_give_the_name(sent: SentMail) -> None:
    name = f"Ann, of Sales <{sent.client.account()}>".replace("Ann, of Sales", '"Ann, of Sales"')
    made = written(sent.client, f"{sent.service}.send", **{"from": name})
    assert "Ann, of Sales" in sent.client.mail.message(made["id"])["from"]


@pytest.mark.parametrize("step", ["send", "create_draft"])
def test_an_address_of_somebody_else_is_refused_with_those_that_there_are(sent: SentMail, step: str) -> None:
    with pytest.raises(InvalidRequest, match=r"may not send from 'boss@company\.example'") as caught:
        written(sent.client, f"{sent.service}.{step}", **{"from": "boss@company.example"})
    assert sent.client.account() in caught.value.remedy
    assert alias_of(sent) in caught.value.remedy
    assert caught.value.outcome == "not_done"


@pytest.mark.parametrize("given", ["a@b.example, c@d.example", "nobody", "x\r\nBcc: evil@x.example"])
def test_what_is_no_single_address_is_refused(sent: SentMail, given: str) -> None:
    with pytest.raises(InvalidRequest):
        written(sent.client, f"{sent.service}.send", **{"from": given})


def test_an_alias_that_nobody_has_verified_is_refused(standins: StandIns, http: httpx.Client) -> None:
    with sent_from("gmail", standins, http) as sent:
        unverified = f"new@{sent.client.account().rpartition('@')[2]}"
        with pytest.raises(InvalidRequest):
            written(sent.client, "gmail.send", **{"from": unverified})


def test_gmails_signature_is_below_the_text_if_the_step_asks_for_it(standins: StandIns, http: httpx.Client) -> None:
    with sent_from("gmail", standins, http) as sent:
        _, call = call_of(sent.client, "gmail.send", signature=True, markdown=True, text="**Hello**")
        preview = registry.step_type("gmail.send").preview(call).text
        made = written(sent.client, "gmail.send", signature=True)
        text = sent.client.mail.message(made["id"])["text"]
    assert text.replace("\r", "").strip() == "Hello\n\n--\nYou\nDemo Street 1"
    assert '<div dir="ltr">You<br>Demo Street 1</div>' in preview


def test_no_signature_is_the_usual_case(sent: SentMail) -> None:
    made = written(sent.client, f"{sent.service}.send")
    assert sent.client.mail.message(made["id"])["text"].strip() == "Hello"


@pytest.fixture
def aliased(sending_settings: dict[str, Any]) -> Iterator[ImapClient]:
    """A mailbox with an alias and a signature."""
    settings = {**sending_settings, "aliases": ["Sales <sales@company.example>"], "signature": SIGNATURE}
    with connected(settings) as found:
        yield found


def test_smtp_sends_from_an_alias_of_the_settings(aliased: ImapClient, smtp: SmtpServer) -> None:
    written(aliased, "smtp.send", signature=True, markdown=True, **{"from": "sales@company.example"})
    assert str(smtp.last()["From"]) == "Sales <sales@company.example>"
    assert smtp.mails[0].mail_from == aliased.account()  # so that reports about it come here
    made = message_from_bytes(content_of(smtp.mails[0]), policy=default)
    assert isinstance(made, EmailMessage)
    plain, html = made.get_body(("plain",)), made.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content().replace("\r", "").split("\n-- \n")[1].strip() == SIGNATURE
    assert SIGNATURE in html.get_content().replace("\r", "")


def test_smtp_refuses_another_one(aliased: ImapClient, smtp: SmtpServer) -> None:
    with pytest.raises(InvalidRequest) as caught:
        written(aliased, "smtp.send", **{"from": "boss@company.example"})
    assert f"{aliased.account()}, sales@company.example" in caught.value.remedy
    assert smtp.mails == []


def test_a_draft_by_imap_has_them_too(aliased: ImapClient) -> None:
    written(aliased, "imap.create_draft", **{"from": "sales@company.example"})
    [draft] = aliased.mail.search(SearchCriteria(folder="Drafts"), 9)["messages"]
    assert draft["from"] == "Sales <sales@company.example>"


def test_mail_from_an_alias_is_ones_own(aliased: ImapClient) -> None:
    assert aliased.mailbox.is_own("Me <sales@company.example>")
    assert not aliased.mailbox.is_own("boss@company.example")
