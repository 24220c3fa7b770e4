"""A mail is not written once somebody else has answered, and may follow up one's own, the same in all services."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from clients.errors import InvalidRequest
from clients.imap.search import SearchCriteria
from engine.plugins import registry
from engine.plugins.step import Call, NotWanted, Written
from tests.mail.answered import BOB, SentMail, sent_from

if TYPE_CHECKING:
    from tests.conftest import StandIns

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)


@pytest.fixture(params=["gmail", "outlook", "imap"])
def sent(request: pytest.FixtureRequest, standins: StandIns, http: httpx.Client) -> Iterator[SentMail]:
    """A mail to Ann, in each service."""
    with sent_from(request.param, standins, http) as found:
        yield found


def written(sent: SentMail, name: str = "create_draft", **fields: Any) -> Any:
    """What a step that writes a mail returns."""
    step = registry.step_type(f"{sent.service}.{name}")
    given = {"text": "And?", **fields}
    call = Call(step.fields.model_validate(given), sent.client, "f" * 32, intended_at=NOW, started_at=NOW)
    return step.call(call)


def drafts(sent: SentMail) -> int:
    """How many drafts there are that workflows have written."""
    if sent.service == "imap":
        return int(sent.client.mail.search(SearchCriteria(folder="Drafts"), 9)["matched"])
    find: Callable[[str], Any] = sent.client.outbox.find_draft
    return int(find("f" * 32) is not None)


FOLLOW_UP: dict[str, Any] = {"to": "ann@example.org", "only_if_unanswered": True}


def test_a_reminder_stays_in_the_conversation_of_ones_own_mail(sent: SentMail) -> None:
    made = written(sent, in_reply_to=sent.id, **FOLLOW_UP)
    assert drafts(sent) == 1
    if sent.service == "imap":
        [draft] = sent.client.mail.search(SearchCriteria(folder="Drafts"), 9)["messages"]
        assert (draft["thread_id"], draft["subject"]) == (sent.thread, "Re: Offer")
    else:
        assert made["thread_id"] == sent.thread


def test_without_recipients_ones_own_mail_is_still_not_answered(sent: SentMail) -> None:
    with pytest.raises(InvalidRequest, match="from yourself"):
        written(sent, in_reply_to=sent.id, only_if_unanswered=True)


@pytest.mark.parametrize(
    ("sender", "headers", "is_written"),
    [
        pytest.param("Ann <ann@example.org>", {}, False, id="by her"),
        pytest.param(BOB, {}, False, id="by somebody else"),
        pytest.param(BOB, {"Auto_Submitted": "auto-replied"}, True, id="by a program"),
        pytest.param("", {}, True, id="by oneself"),
        pytest.param(BOB, {"Subject": "Else", "References": "", "In_Reply_To": ""}, True, id="elsewhere"),
    ],
)
def test_nothing_is_written_once_somebody_has_answered(
    sent: SentMail, sender: str, headers: dict[str, str], is_written: bool
) -> None:
    sent.answer(sender or sent.client.account(), **headers)
    with suppress(*([] if is_written else [NotWanted])):
        written(sent, in_reply_to=sent.id, **FOLLOW_UP)
        assert is_written, "it was written"
    assert drafts(sent) == int(is_written)


def test_only_what_asks_for_it_looks(sent: SentMail) -> None:
    sent.answer()
    written(sent, in_reply_to=sent.id, to="ann@example.org")
    assert drafts(sent) == 1


def test_a_reply_looks_from_the_mail_on_that_it_answers(sent: SentMail) -> None:
    first = sent.answer(text="What does it cost?")
    written(sent, in_reply_to=first, only_if_unanswered=True)
    sent.answer(text="I have found it.")
    with pytest.raises(NotWanted, match="answered"):
        written(sent, in_reply_to=first, only_if_unanswered=True)


@pytest.mark.parametrize("name", ["send", "create_draft"])
def test_it_needs_a_mail_to_follow_up(sent: SentMail, name: str) -> None:
    service = "smtp" if (sent.service, name) == ("imap", "send") else sent.service
    step = registry.step_type(f"{service}.{name}")
    problems = step.problems({"to": "ann@example.org", "text": "x", "only_if_unanswered": True}, {})
    assert [field for field, _ in problems] == ["only_if_unanswered"]
    assert step.problems({"to": "ann@example.org", "text": "x"}, {}) == []


def test_a_draft_is_not_rewritten_once_somebody_has_answered(sent: SentMail) -> None:
    made = written(sent, in_reply_to=sent.id, **FOLLOW_UP)
    sent.answer(text="I have found it.")
    step = registry.step_type(f"{sent.service}.create_draft")
    fields = step.fields.model_validate({"text": "And now?", "in_reply_to": sent.id, **FOLLOW_UP})
    call = Call(fields, sent.client, "f" * 32, intended_at=NOW, started_at=NOW)
    with pytest.raises(NotWanted, match="answered"):
        step.update(call, Written({}, made, step.receipt(made), "f" * 32, NOW))


@pytest.mark.parametrize("sent", ["gmail", "outlook"], indirect=True)  # by IMAP, people send drafts
@pytest.mark.parametrize("is_answered", [False, True])
def test_a_draft_is_not_sent_after_an_answer_that_came_before_it_was_written(
    sent: SentMail, *, is_answered: bool
) -> None:
    if is_answered:
        sent.answer(text="I have found it.")
        time.sleep(1.1)  # services tell whole seconds
    draft = written(sent, in_reply_to=sent.id, to="ann@example.org")
    step = registry.step_type(f"{sent.service}.send_draft")
    fields = step.fields.model_validate({"draft": draft["id"], "only_if_unanswered": True})
    call = Call(fields, sent.client, "e" * 32, intended_at=NOW, started_at=NOW, is_seen=True)
    with pytest.raises(NotWanted) if is_answered else nullcontext():
        step.call(call)
