"""Who approves a call sees the object behind its id, and the approval is good for that object as it was then."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from engine.base.errors import InvalidInput
from engine.orchestra import Orchestra
from engine.runner.effects import previewing
from engine.runs.approvals import Approval
from engine.steps.gmail.drafts import SendDraft
from tests.engine.conftest import OWNER, write_workflow
from tests.engine.runs.conftest import own_accounts
from tests.patience import PATIENCE_SECONDS, until

if TYPE_CHECKING:
    from tests.conftest import StandIns

__all__ = ["own_accounts"]

REPOSITORY = {"repository": "acme/app"}
NOTES = {**REPOSITORY, "path": "notes.md"}
TASK = {"database": "Tasks", "key": "k"}


@dataclass
class World:
    """A workspace whose workflow `work` makes one write, which a person approves."""

    orchestra: Orchestra
    root: Path
    standins: StandIns
    facts: dict[str, Any] = field(default_factory=dict)
    run_id: str = ""

    def do(self, uses: str, **arguments: Any) -> Any:
        """Make one call from another workflow, as somebody else would."""
        write_workflow(self.root, "other", [{"id": "it", "uses": uses, "with": arguments}])
        run_id = self.orchestra.runs.start(OWNER, "other", {})
        run = self.orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
        assert run["status"] == "succeeded", run["error"]
        return run["steps"][0]["output"]

    def ask(self, uses: str, arguments: Mapping[str, Any]) -> Approval:
        """Start the run and return its question."""
        write_workflow(self.root, "work", [{"id": "it", "uses": uses, "with": arguments, "approve": "always"}])
        self.run_id = self.orchestra.runs.start(OWNER, "work", {})
        assert self.orchestra.runs.wait(OWNER, self.run_id, PATIENCE_SECONDS)["status"] == "waiting"
        return self.question()

    def question(self) -> Approval:
        [found] = self.orchestra.approvals.list(OWNER)
        return found

    def approve(self) -> None:
        self.orchestra.approvals.approve(OWNER, self.question().id)

    def asked_again(self, earlier: Approval) -> Approval:
        """Approve, and return the question that the run asks instead of making the call."""
        self.approve()
        until(lambda: [one for one in self.orchestra.approvals.list(OWNER) if one.id != earlier.id])
        return self.question()

    def ended(self, status: str) -> Any:
        until(lambda: self.orchestra.runs.get(OWNER, self.run_id)["status"] == status)
        return self.orchestra.runs.get(OWNER, self.run_id)

    def sent(self) -> list[str]:
        return [str(one["text"]) for one in self.do("gmail.search_messages", query="in:sent", limit=9)["messages"]]


@pytest.fixture
def world(own_accounts: Path, standins: StandIns) -> Iterator[World]:
    opened = Orchestra.open(own_accounts)
    yield World(opened, own_accounts, standins)
    opened.close()


def _draft(w: World) -> dict[str, Any]:
    w.facts["draft"] = w.do("gmail.create_draft", to="mia@example.org", subject="Hello", text="As agreed.")["id"]
    return {"draft": w.facts["draft"]}


def _redraft(w: World, text: str = "Send the money.") -> None:
    w.do("gmail.update_draft", draft=w.facts["draft"], to="mia@example.org", subject="Hello", text=text)


def _pull(w: World) -> dict[str, Any]:
    w.do("github.create_branch", **REPOSITORY, branch="fix")
    w.do("github.put_file", **NOTES, text="agreed\n", message="Fix", branch="fix")
    return {**REPOSITORY, "pull": w.do("github.create_pull", **REPOSITORY, title="A fix", head="fix")["number"]}


def _file(w: World) -> dict[str, Any]:
    w.do("github.put_file", **NOTES, text="old notes\n", message="Begin")
    return {**NOTES, "message": "Clean up"}


def _mail(w: World) -> dict[str, Any]:
    mail = w.do("gmail.search_messages", query="in:inbox", limit=1)["messages"][0]
    w.facts |= {"mail": mail["id"], "subject": mail["subject"]}
    return {"message": mail["id"]}


def _page(w: World) -> dict[str, Any]:
    w.facts["page"] = w.do("notion.create_item", database="Tasks", title="Mine", markdown="Old text")["id"]
    return {"page": w.facts["page"]}


def _task(w: World) -> dict[str, Any]:
    w.facts["page"] = w.do("notion.upsert_page", **TASK, title="Known", markdown="Old text")["id"]
    return {**TASK, "title": "Known", "markdown": "Wanted text"}


@dataclass(frozen=True)
class Row:
    """A step type, the object that it is about, what a person must see of it, and a change by somebody else."""

    make: Callable[[World], dict[str, Any]]
    shown: str
    change: Callable[[World], object]
    again: str


ROWS = {
    "gmail.send_draft": Row(_draft, "As agreed.", _redraft, "+Send the money."),
    "github.merge_pull": Row(
        _pull,
        "+agreed",
        lambda w: w.do("github.put_file", **NOTES, text="evil\n", message="More", branch="fix"),
        "+evil",
    ),
    "github.delete_file": Row(
        _file, "old notes", lambda w: w.do("github.put_file", **NOTES, text="worth a lot\n", message="x"), "worth a lot"
    ),
    "gmail.trash": Row(
        _mail,
        "Subject: ",
        lambda w: w.do("gmail.add_labels", message=w.facts["mail"], labels=["Keep me"]),
        "+Keep me",
    ),
    "notion.archive": Row(
        _page,
        "Old text",
        lambda w: w.do("notion.replace_markdown", page=w.facts["page"], markdown="New text"),
        "+New text",
    ),
    "notion.upsert_page": Row(
        _task,
        "Old text",
        lambda w: w.do("notion.replace_markdown", page=w.facts["page"], markdown="New text"),
        "+New text",
    ),
}


@pytest.mark.parametrize("uses", ROWS)
def test_an_object_that_changes_after_it_was_shown_is_asked_about_again(world: World, uses: str) -> None:
    row = ROWS[uses]
    arguments = row.make(world)
    asked = world.ask(uses, arguments)
    assert asked.call is not None
    assert asked.call.preview is not None, asked.call.unreadable
    assert row.shown in f"{asked.call.preview.before}\n{asked.call.preview.text}"
    row.change(world)
    stores = {name: store._connection.total_changes for name, store in world.standins.stores.items()}
    again = world.asked_again(asked)
    assert again.call is not None
    assert again.call.again.startswith(f"{OWNER.id} approved this at ")
    assert row.again in again.call.again
    assert {name: store._connection.total_changes for name, store in world.standins.stores.items()} == stores
    world.approve()
    [step] = world.ended("succeeded")["steps"]
    assert step["approved"]["approval"] == again.id


@pytest.mark.parametrize("uses", ROWS)
def test_an_object_that_stays_as_it_was_shown_is_asked_about_once(world: World, uses: str) -> None:
    asked = world.ask(uses, ROWS[uses].make(world))
    world.approve()
    [step] = world.ended("succeeded")["steps"]
    assert step["approved"]["approval"] == asked.id
    assert [one.id for one in world.orchestra.approvals.list(OWNER, None)] == [asked.id]


def test_a_changed_draft_is_sent_only_as_it_was_approved(world: World) -> None:
    asked = world.ask("gmail.send_draft", _draft(world))
    _redraft(world)
    before = world.sent()
    again = world.asked_again(asked)
    assert world.sent() == before
    _redraft(world, "As agreed.")  # as in the first approval; but what was asked last has to be answered
    world.orchestra.approvals.reject(OWNER, again.id)
    world.ended("failed")
    assert world.sent() == before
    world.orchestra.runs.resume(OWNER, world.run_id)  # the rejection counts, and not the approval before it
    until(lambda: world.orchestra.runs.get(OWNER, world.run_id)["status"] not in ("failed", "running", "queued"))
    assert world.orchestra.runs.get(OWNER, world.run_id)["status"] == "waiting"
    assert world.sent() == before


def test_an_edit_cannot_turn_a_call_to_another_object_than_was_shown(world: World) -> None:
    answer = {**_mail(world), "text": "Thanks."}
    asked = world.ask("gmail.reply", answer)
    for name, value in (("message", "another"), ("cc", ["eve@example.org"])):
        with pytest.raises(InvalidInput, match=f"'{name}' decides what this call is about"):
            world.orchestra.approvals.approve(OWNER, asked.id, arguments={**answer, name: value})
    world.orchestra.approvals.approve(OWNER, asked.id, arguments={**answer, "text": "Many thanks."})
    world.ended("succeeded")
    new = world.ask("gmail.create_draft", {"to": "ann@example.org", "subject": "Hi", "text": "Hi"})
    assert new.call is not None
    edit = {**new.call.arguments, "in_reply_to": answer["message"]}
    with pytest.raises(InvalidInput, match="'in_reply_to' decides"):
        world.orchestra.approvals.approve(OWNER, new.id, arguments=edit)


def test_an_edit_is_asked_about_again_if_the_object_has_changed(world: World) -> None:
    def changed(text: str) -> None:
        world.do("notion.replace_markdown", page=world.facts["page"], markdown=text)

    asked = world.ask("notion.upsert_page", _task(world))
    assert asked.call is not None
    changed("New text")
    world.orchestra.approvals.approve(OWNER, asked.id, arguments={**asked.call.arguments, "markdown": "Edited text"})
    until(lambda: [one for one in world.orchestra.approvals.list(OWNER) if one.id != asked.id])
    again = world.question()
    assert again.call is not None
    assert again.call.preview is not None
    assert again.call.arguments["markdown"] == "Edited text"
    assert "Edited text" in again.call.preview.text
    assert "New text" in str(again.call.preview.before)
    assert f"as {OWNER.id} has edited it" in again.call.again
    assert "+New text" in again.call.again
    changed("Newer text")
    last = world.asked_again(again)
    assert last.call is not None
    assert last.call.arguments["markdown"] == "Edited text"
    world.approve()
    [step] = world.ended("succeeded")["steps"]
    assert (step["arguments"]["markdown"], step["approved"]["before"]["markdown"]) == ("Edited text", "Wanted text")
    assert world.do("notion.get_page", page=world.facts["page"])["markdown"].strip() == "Edited text"


def test_a_draft_that_is_gone_is_asked_about_and_fails_by_itself(world: World) -> None:
    asked = world.ask("gmail.send_draft", _draft(world))
    world.do("gmail.delete_draft", draft=world.facts["draft"])
    again = world.asked_again(asked)
    assert again.call is not None
    assert again.call.preview is None
    assert "can no longer be read" in again.call.again
    world.approve()
    assert world.ended("failed")["error"]["type"] == "NotFound"


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"status": 500}, id="fails"),
        pytest.param({"delay_seconds": 3.0, "status": 500}, id="slow", marks=pytest.mark.slow),
    ],
)
def test_what_cannot_be_read_is_asked_about_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch, fault: Mapping[str, Any]
) -> None:
    monkeypatch.setattr(previewing, "_SECONDS", 0.5)
    draft = _draft(world)
    world.standins.faults("gmail", match="GET /gmail/v1/users/me/drafts/", times=20, **fault)
    asked = world.ask("gmail.send_draft", draft)
    assert asked.call is not None
    assert asked.call.preview is None
    assert asked.call.unreadable
    world.standins.calm("gmail")
    world.approve()
    world.ended("succeeded")
    assert world.sent()[0].strip() == "As agreed."


def test_a_preview_that_would_write_is_refused_and_asked_about(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    draft, before = _draft(world), world.sent()
    monkeypatch.setattr(SendDraft, "preview", SendDraft.call)
    asked = world.ask("gmail.send_draft", draft)
    assert asked.call is not None
    assert "was not sent" in asked.call.unreadable
    assert world.sent() == before


def test_a_reply_shows_to_whom_it_goes_and_a_new_mail_only_its_arguments(world: World) -> None:
    answer = {**_mail(world), "text": "Thanks."}
    asked = world.ask("gmail.reply", answer)
    assert asked.call is not None
    assert asked.call.preview is not None
    assert asked.call.preview.text.startswith("To: ")
    assert asked.call.preview.url.endswith(answer["message"])
    world.orchestra.approvals.reject(OWNER, asked.id)
    world.ended("failed")
    new = world.ask("gmail.send", {"to": ["a@example.org", "b@example.org"], "subject": "Hi", "text": "Two\nlines"})
    assert new.call is not None
    assert (new.call.preview, new.call.unreadable) == (None, "")


def _asked_elsewhere(standins: StandIns) -> str:
    raw = "From: Form <form@site.example>\nReply-To: vic@corp.example\nSubject: Offer\n\nHello"
    url, headers = f"{standins['gmail'].origin}/_demo/mail", {"content-type": "text/plain"}
    answer = httpx.post(url, content=raw.encode(), headers=headers, trust_env=False, timeout=PATIENCE_SECONDS)
    return str(answer.raise_for_status().json()["id"])


def test_who_approves_an_answer_to_another_than_the_sender_is_told(world: World) -> None:
    answer = {"message": _asked_elsewhere(world.standins), "text": "Yes."}
    asked = world.ask("gmail.reply", answer)
    assert asked.call is not None
    assert asked.call.preview is not None
    assert asked.call.preview.to == "vic@corp.example"
    assert "vic@corp.example (Reply-To), not to its sender, form@site.example" in asked.call.preview.text
    world.approve()
    assert world.ended("succeeded")["steps"][0]["status"] == "succeeded"
    assert "Yes." in world.sent()[0]


def test_without_an_approval_such_an_answer_is_not_sent(world: World) -> None:
    answer = {"message": _asked_elsewhere(world.standins), "text": "Yes."}
    before = len(world.standins.show("gmail")["sent"])
    step = {"id": "it", "uses": "gmail.reply", "with": answer, "approve": "never"}
    write_workflow(world.root, "work", [step])
    world.run_id = world.orchestra.runs.start(OWNER, "work", {})
    assert "(Reply-To)" in str(world.ended("failed")["error"])
    assert len(world.standins.show("gmail")["sent"]) == before
    plan = world.orchestra.plans.make(OWNER, "work", {})
    world.orchestra.runs.wait(OWNER, plan, PATIENCE_SECONDS)
    world.run_id = world.orchestra.plans.apply(OWNER, plan)  # the plan has shown it
    assert world.ended("succeeded")["steps"][0]["status"] == "succeeded"
    assert len(world.standins.show("gmail")["sent"]) == before + 1
