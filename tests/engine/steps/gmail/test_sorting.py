"""Gmail steps that sort mail: what they change on a mail or thread, and how exactly that is undone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from msgspec.structs import replace
from pydantic import SecretStr

from clients.errors import InvalidRequest, NotFound
from clients.gmail.client import GmailClient
from clients.gmail.service import GmailSettings
from clients.mail.labelled import LabelledMails
from engine.plugins.step import Call, CannotUndo, StepType, Written
from engine.steps.gmail.labels import AddLabels, CreateLabel, ListLabels, RemoveLabels
from engine.steps.gmail.sorting import Archive, MarkRead, MarkUnread, Trash, Untrash
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from tests.conftest import StandIns

Make = Callable[..., tuple[Call, Written]]
LABELS = {"labels": ["new"]}
EVERY: dict[str, tuple[StepType, dict[str, Any]]] = {
    "add_labels": (AddLabels(), LABELS),
    "remove_labels": (RemoveLabels(), {"labels": ["IMPORTANT", "old"]}),
    "mark_read": (MarkRead(), {}),
    "mark_unread": (MarkUnread(), {}),
    "archive": (Archive(), {}),
    "trash": (Trash(), {}),
    "untrash": (Untrash(), {}),
}
every_step = pytest.mark.parametrize(("step", "more"), EVERY.values(), ids=EVERY.keys())


@pytest.fixture
def call(standins: StandIns, http: httpx.Client) -> Call:
    endpoint = standins["gmail"]
    settings = GmailSettings(token=SecretStr(endpoint.token), base_url=endpoint.base_url)
    now = datetime.now(UTC)
    return Call(None, GmailClient(settings, http), "m" * 32, intended_at=now, started_at=now)


@pytest.fixture
def thread(standins: StandIns, call: Call) -> dict[str, Any]:
    """A thread of two mails: the first read and with a label, the second as it arrived."""
    ids = []
    for number, reference in enumerate(["", "References: <t.0@example.org>\nIn-Reply-To: <t.0@example.org>\n"]):
        subject = "Re: Offer" if number else "Offer"
        raw = f"From: a@example.org\nSubject: {subject}\nMessage-ID: <t.{number}@example.org>\n{reference}\nHello"
        url = f"{standins['gmail'].origin}/_demo/mail"
        answer = httpx.post(
            url, content=raw.encode(), headers={"content-type": "text/plain"}, trust_env=False, timeout=PATIENCE_SECONDS
        )
        ids.append(str(answer.raise_for_status().json()["id"]))
    call.client.labels.change(LabelledMails("messages", ids[0]), ["old"], ["UNREAD"])
    found = call.client.mail.message(ids[0])["thread_id"]
    assert call.client.mail.message(ids[1])["thread_id"] == found
    return {"id": found, "first": ids[0], "second": ids[1]}


@pytest.fixture
def make(call: Call) -> Make:
    """Make a write; give the call that undoes it, and what was written."""

    def write(step: StepType, arguments: dict[str, Any], **more: Any) -> tuple[Call, Written]:
        asked = replace(call, fields=step.fields.model_validate(arguments), request={}, **more)
        output = step.call(asked)
        written = Written(arguments, output, step.receipt(output), asked.marker, datetime.now(UTC))
        return replace(asked, marker="u" * 32, request={}), written

    return write


def on(call: Call, thread: dict[str, Any]) -> dict[str, list[str]]:
    """The labels of the two mails."""
    found = call.client.labels.on(LabelledMails("threads", thread["id"]))
    return {name: sorted(found[thread[name]]) for name in ("first", "second")}


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        pytest.param("add_labels", ["INBOX", "new", "old"], ["INBOX", "UNREAD", "new"], id="add_labels"),
        pytest.param("remove_labels", ["INBOX"], ["INBOX", "UNREAD"], id="remove_labels"),
        pytest.param("mark_read", ["INBOX", "old"], ["INBOX"], id="mark_read"),
        pytest.param("mark_unread", ["INBOX", "UNREAD", "old"], ["INBOX", "UNREAD"], id="mark_unread"),
        pytest.param("archive", ["old"], ["UNREAD"], id="archive"),
        pytest.param("trash", ["TRASH", "old"], ["TRASH", "UNREAD"], id="trash"),
        pytest.param("untrash", ["INBOX", "old"], ["INBOX", "UNREAD"], id="untrash"),
    ],
)
@pytest.mark.parametrize("is_thread", [False, True], ids=["mail", "thread"])
def test_a_step_changes_a_mail_or_all_of_a_thread_and_its_undo_restores_each(
    make: Make, call: Call, thread: dict[str, Any], name: str, first: list[str], second: list[str], is_thread: bool
) -> None:
    step, more = EVERY[name]
    before = on(call, thread)
    where = {"thread": thread["id"]} if is_thread else {"message": thread["first"]}
    undo, written = make(step, {**where, **more})
    assert on(call, thread) == {"first": first, "second": second if is_thread else before["second"]}
    for _ in range(2):
        step.undo(undo, written)
        assert on(call, thread) == before


@every_step
def test_the_undo_touches_nothing_that_others_changed_since(
    make: Make, call: Call, thread: dict[str, Any], step: StepType, more: dict[str, Any]
) -> None:
    undo, written = make(step, {"thread": thread["id"], **more})
    call.client.labels.change(LabelledMails("messages", thread["first"]), ["STARRED", "later"], [])
    step.undo(undo, written)
    assert {"STARRED", "later"} <= set(on(call, thread)["first"])


def test_a_mail_that_was_in_the_trash_before_stays_there(make: Make, call: Call, thread: dict[str, Any]) -> None:
    make(Trash(), {"message": thread["first"]})
    undo, written = make(Trash(), {"thread": thread["id"]})
    assert [one["message"] for one in written.output["changed"]] == [thread["second"]]
    Trash().undo(undo, written)
    assert "TRASH" in on(call, thread)["first"]
    assert on(call, thread)["second"] == ["INBOX", "UNREAD"]


@every_step
def test_after_a_killed_process_nobody_claims_to_know_what_was_changed(
    make: Make, call: Call, thread: dict[str, Any], step: StepType, more: dict[str, Any]
) -> None:
    make(step, {"thread": thread["id"], **more})
    _, unclear = make(step, {"thread": thread["id"], **more}, started_at=datetime.now(UTC) + timedelta(seconds=30))
    assert unclear.output["changed"] is None
    assert "not known" in step.why_kept(unclear)


@every_step
def test_what_an_earlier_attempt_changed_is_told_by_the_next(
    call: Call, thread: dict[str, Any], step: StepType, more: dict[str, Any]
) -> None:
    if isinstance(step, Untrash):
        call.client.labels.change(LabelledMails("threads", thread["id"]), ["TRASH"], [])
    asked = replace(call, fields=step.fields.model_validate({"thread": thread["id"], **more}), request={})
    first: Any = step.call(asked)
    assert first["changed"]
    assert step.call(replace(asked, attempt=2)) == first


@every_step
@pytest.mark.parametrize("where", [{}, {"message": "1", "thread": "2"}, {"message": " "}], ids=["none", "two", "blank"])
def test_a_mail_or_a_thread_must_be_named(step: StepType, more: dict[str, Any], where: Any) -> None:
    with pytest.raises(InvalidRequest, match="Give either"):
        step.call(Call(step.fields.model_validate({**where, **more})))
    assert bool(step.problems({**where, **more}, {})) is (where != {"message": " "})


def test_a_label_is_made_once_and_deleted_where_nobody_uses_it(make: Make, call: Call, thread: dict[str, Any]) -> None:
    undo, written = make(CreateLabel(), {"name": "Work/New"})
    _, again = make(CreateLabel(), {"name": "work/new"})
    assert (written.output["created"], again.output["created"]) == (True, False)
    assert again.output["id"] == written.output["id"]
    assert "already existed" in CreateLabel().why_kept(again)
    labels = ListLabels().call(replace(call, fields=None))
    assert {"id": written.output["id"], "name": "Work/New", "type": "user"} in labels["labels"]
    call.client.labels.change(LabelledMails("messages", thread["first"]), ["Work/New"], [])
    with pytest.raises(CannotUndo, match="on 1 mail"):
        CreateLabel().undo(undo, written)
    call.client.labels.change(LabelledMails("messages", thread["first"]), [], ["Work/New"])
    for _ in range(2):
        CreateLabel().undo(undo, written)
    assert "Work/New" not in call.client.labels.names().values()


@every_step
@pytest.mark.parametrize(("field", "kind"), [("message", "mail"), ("thread", "thread")])
def test_a_mail_that_is_not_there_is_named(
    call: Call, step: StepType, more: dict[str, Any], field: str, kind: str
) -> None:
    fields = step.fields.model_validate({field: "zzz", **more})
    with pytest.raises(NotFound, match=f"There is no {kind} 'zzz' in this mailbox") as caught:
        step.call(replace(call, fields=fields))
    assert caught.value.remedy.startswith("Check the id")
