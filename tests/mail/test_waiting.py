"""The steps that wait for an answer look into the conversation, the same in Gmail, Outlook and IMAP."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from clients.errors import InvalidRequest, NotFound, ServiceError
from clients.mail.letter import Letter
from clients.mail.outgoing import OutgoingMail
from engine.plugins import registry
from engine.plugins.step import Call, WaitForMail
from tests.mail.answered import ANN, BOB, SentMail, sent_from
from tests.mail.mailboxes import deliver, mail

if TYPE_CHECKING:
    from tests.conftest import StandIns

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
LIMIT = NOW + timedelta(days=3)


@pytest.fixture(params=["gmail", "outlook", "imap"])
def sent(request: pytest.FixtureRequest, standins: StandIns, http: httpx.Client) -> Iterator[SentMail]:
    """A mail to Ann, in each service."""
    with sent_from(request.param, standins, http) as found:
        yield found


def looked(sent: SentMail, now: datetime = NOW, waited: WaitForMail | None = None, **fields: Any) -> Any:
    """What the step returns when it looks at a time."""
    step = registry.step_type(sent.uses)
    given = {"days": 3, **({} if "thread" in fields else {"message": sent.id}), **fields}
    return step.call(Call(step.fields.model_validate(given), sent.client, started_at=now, waited=waited))


def test_without_an_answer_it_waits_until_the_limit_and_is_answered_by_the_first_mail(sent: SentMail) -> None:
    waits = looked(sent)
    assert isinstance(waits, WaitForMail)
    assert (waits.due_at, waits.conversation.mail) == (LIMIT, sent.message_id)
    answer = sent.answer()
    sent.answer(text="Once more")
    later = NOW + timedelta(hours=5)
    found = looked(sent, later, waits)
    assert found["answered"] is True
    assert (found["mail"]["id"], found["mail"]["from"], found["mail"]["text"].strip()) == (answer, ANN, "Fine")
    assert found["waited_until"] == "2026-12-01T14:00:00.000Z"
    registry.step_type(sent.uses).output.model_validate(found)  # type: ignore[union-attr]


def test_nobody_has_answered_by_the_limit(sent: SentMail) -> None:
    waits = looked(sent)
    nobody = {"answered": False, "mail": None, "waited_until": "2026-12-04T09:00:00.000Z"}
    assert looked(sent, LIMIT, waits) == looked(sent, LIMIT + timedelta(hours=2), waits) == nobody


def test_an_answer_at_the_limit_counts(sent: SentMail) -> None:
    waits = looked(sent)
    sent.answer()
    assert looked(sent, LIMIT, waits)["answered"] is True


def test_an_answer_from_before_the_wait_counts(sent: SentMail) -> None:
    answer = sent.answer()
    assert looked(sent)["mail"]["id"] == answer


@pytest.mark.parametrize(
    ("wanted", "is_answer"),
    [
        pytest.param([], True, id="anybody"),
        pytest.param("bob@other.example", True, id="his address"),
        pytest.param(["ann@example.org", "other.example"], True, id="his domain"),
        pytest.param(["ann@example.org"], False, id="somebody else"),
        pytest.param("example", None, id="a word"),
    ],
)
def test_whose_answer_counts(sent: SentMail, wanted: Any, is_answer: bool | None) -> None:
    sent.answer(BOB)
    if is_answer is None:
        with pytest.raises(ValueError, match="neither an address"):
            looked(sent, **{"from": wanted})
        return
    found = looked(sent, **{"from": wanted})
    assert isinstance(found, dict) is is_answer
    if not is_answer:
        assert list(found.people) == ["ann@example.org"]
        sent.answer()
        assert looked(sent, waited=found, **{"from": wanted})["mail"]["from"] == ANN


def test_an_automatic_reply_counts_only_if_it_is_wanted(sent: SentMail) -> None:
    sent.answer(text="I am away", Auto_Submitted="auto-replied")
    assert isinstance(looked(sent), WaitForMail)
    assert looked(sent, auto_replies=True)["mail"]["is_auto_reply"] is True


def test_mail_of_ones_own_is_no_answer(sent: SentMail) -> None:
    sent.answer(sent.client.account())
    assert isinstance(looked(sent), WaitForMail)
    sent.answer()
    assert looked(sent)["mail"]["from"] == ANN


def test_mail_of_another_conversation_is_no_answer(sent: SentMail) -> None:
    sent.answer(Subject="Something else", In_Reply_To="<other@example.org>", References="<other@example.org>")
    assert isinstance(looked(sent), WaitForMail)


def test_the_mail_may_be_named_by_its_message_id_or_its_thread(sent: SentMail) -> None:
    by_name, by_thread = looked(sent, message=sent.message_id), looked(sent, thread=sent.thread)
    assert isinstance(by_name, WaitForMail)
    assert isinstance(by_thread, WaitForMail)
    assert by_name.conversation.mail == by_thread.conversation.mail == sent.message_id
    answer = sent.answer()
    assert looked(sent, thread=sent.thread)["mail"]["id"] == answer
    assert looked(sent, waited=by_name, message=sent.message_id)["mail"]["id"] == answer


def test_what_came_before_the_mail_is_no_answer_to_it(sent: SentMail) -> None:
    """The owner answers the answer to the first mail, and waits for an answer to that."""
    first = sent.answer()
    time.sleep(1.1)  # services tell times in seconds
    if sent.service == "imap":
        again = mail("Re: Offer", From=sent.client.account(), References=f"{sent.message_id} <answer@example.org>")
        second = deliver(sent.client, again, "Sent Items")
    else:
        letter = Letter(OutgoingMail(["ann@example.org"], text="And?"), "n" * 32, sent.client.mail.original(first))
        second = sent.client.outbox.send(letter)["id"]
    assert isinstance(looked(sent, message=second), WaitForMail)
    assert looked(sent)["mail"]["id"] == first


def test_a_mail_that_is_not_there_is_said(sent: SentMail) -> None:
    """An id in Gmail and Outlook may be of any form; one of a mail by IMAP is not."""
    error: type[ServiceError] = InvalidRequest if sent.service == "imap" else NotFound
    with pytest.raises(error, match="'nothing'"):
        looked(sent, message="nothing")


@pytest.mark.parametrize("until", ["2028-01-01T00:00:00Z", None])
def test_a_wait_has_an_end_within_a_year(sent: SentMail, until: str | None) -> None:
    with pytest.raises(InvalidRequest, match="wait"):
        looked(sent, days=None, until=until)


def test_the_arrival_of_the_answer_is_noticed_under_the_name_of_the_conversation(sent: SentMail) -> None:
    waits = looked(sent)
    since = datetime.now(UTC) - timedelta(minutes=10)
    before = {one.id for one in sent.client.answers.arrived(since)}
    sent.answer()
    new = [one for one in sent.client.answers.arrived(since) if one.id not in before]
    assert len(new) == 1
    assert {*new[0].names} & {*waits.conversation.names}


@pytest.mark.parametrize("sent", ["imap"], indirect=True)  # the others have threads of their own
def test_an_answer_to_the_mail_of_a_third_that_a_stranger_names_is_none(sent: SentMail) -> None:
    """The answer to a stranger keeps the first id that the stranger has written into References."""
    third, stranger = "<issues.12@github.example>", "<cold.call@other.example>"
    sent.answer("GitHub <noreply@github.example>", Message_ID=third, In_Reply_To="", References="", Subject="Issue")
    asked = sent.answer(BOB, Message_ID=stranger, In_Reply_To="", References=third, Subject="Hello")
    awaited = sent.client.answers.to_mail(asked)
    sent.answer("GitHub <noreply@github.example>", In_Reply_To=third, References=third, Subject="Re: Issue")
    assert [*sent.client.answers.found(awaited)] == []
    answer = sent.answer(BOB, In_Reply_To=stranger, References=f"{third} {stranger}", Subject="Re: Hello")
    assert [one["id"] for one in sent.client.answers.found(awaited)] == [answer]


def test_a_mail_whose_sender_is_not_confirmed_is_not_the_answer_of_somebody_named(sent: SentMail) -> None:
    server = {"gmail": "mx.google.com; ", "outlook": ""}.get(sent.service, "mx.example.net; ")
    sent.answer(Authentication_Results=f"{server}dmarc=fail header.from=example.org")
    hers: dict[str, Any] = {"from": "ann@example.org"}
    assert isinstance(looked(sent, **hers), WaitForMail)
    sent.answer()
    assert looked(sent, **hers)["answered"]
