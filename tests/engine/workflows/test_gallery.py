"""The gallery: each workflow is sound, does its work in the demo, and does nothing twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients.mail_formats.calendar_writing import CalendarPerson, InvitationDraft, invitation_file
from engine.base.checkout import CHECKOUT
from engine.documents.json_file import read
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.runs.approvals import Decision
from engine.workflows.samples import NAMES, sample_names, samples
from engine.workspace.canonical import canonical
from tests.engine.conftest import write_workflow
from tests.few import rare
from tests.patience import until
from tests.workspaces import init

OWNER = Principal("owner", "owner")
WROTE = {
    "ask-my-documents": 2,  # the index, and the draft
    "attachments-to-drive": 7,
    "bug-reports": 9,
    "build-software": 5,  # the project, its tests, two runs of them, and what is kept; the agent makes the others
    "colliding-invitations": 0,  # the demo has no invitation
    "contact-form": 1,
    "csv-report": 1,
    "customer-notes": 6,
    "feed-digest": 1,
    "issues-to-tasks": 8,  # a task for each open issue, and the pair
    "issue-triage": 9,  # the issues of the reports, which have no labels yet
    "invoice-ibans": 2,  # a right one, and a wrong one
    "invoice-to-sheet": 4,  # three rows, and the delivery note that is set aside
    "meeting-from-mail": 3,  # the event, the draft, the label
    "meeting-notes": 4,
    "newsletter-digest": 1,
    "nightly-sql-report": 1,
    "project-to-pull-request": 5,
    "receipts": 4,
    "release-notes": 1,
    "research-agent": 0,  # the run that it calls makes the draft
    "stale-issues": 2,
    "tasks-to-issues": 8,  # an issue for each of the receipts, and the pair
    "unanswered-mail": 5,
    "webhook-to-task": 1,
}
"""How many writes the first run makes in the demo, approvals given."""
WAIT = ("answer-next-morning", "chase-unanswered", "snooze")
"""Those that wait for people have tests of their own."""
WRITES_AGAIN = {"ask-my-documents": 1, "build-software": 5, "project-to-pull-request": 5}
"""How many writes a second run makes: mails that are indexed already cost nothing, but may have been deleted there; a
program is built on, by commits of its own, and each pull request has a branch of its own."""
LESS_OFTEN = {
    "bug-reports",  # runs before issue-triage
    "build-software",  # runs before project-to-pull-request
    "contact-form",
    "feed-digest",
    "invoice-ibans",
    "meeting-notes",
    "newsletter-digest",
    "receipts",
    "release-notes",
    "stale-issues",
    "unanswered-mail",
}
"""Of `make assurance`: what they do, others do, too."""
AFTER = {
    "issue-triage": ["bug-reports"],
    "tasks-to-issues": ["receipts"],
    "project-to-pull-request": ["build-software"],
}
"""What runs before."""


@pytest.fixture
def orchestra(tmp_path: Path) -> Iterator[Orchestra]:
    init(tmp_path / "workspace")
    opened = Orchestra.open(tmp_path / "workspace", demo=True)
    yield opened
    opened.close()


def test_each_is_tried_here_and_described() -> None:
    assert set(sample_names()) == {*NAMES, *WROTE, *WAIT}
    described = (CHECKOUT / "docs" / "gallery.md").read_text(encoding="utf-8")
    for one in samples():
        assert f"| `{one.name}` | **{one.title}.** {one.description} |" in described


@pytest.mark.parametrize("name", [*WROTE, *WAIT])
def test_it_is_in_written_form(name: str) -> None:
    path = CHECKOUT / "gallery" / "workflows" / f"{name}.json"
    found = read(path, path.name)
    assert canonical(found.value, "workflow") == found.text


@pytest.mark.parametrize(
    ("name", "writes"), [(rare if one in LESS_OFTEN else pytest.param)(one, n) for one, n in WROTE.items()]
)
def test_it_does_its_work_in_the_demo_and_nothing_twice(orchestra: Orchestra, name: str, writes: int) -> None:
    for before in AFTER.get(name, []):
        orchestra.workflows.create_from_sample(OWNER, before, before)
        _run(orchestra, before)
    made = orchestra.workflows.create_from_sample(OWNER, name, name)
    assert [one for one in made.problems if one.code != "absent_program"] == []
    assert _run(orchestra, name) == writes
    assert _run(orchestra, name) == WRITES_AGAIN.get(name, 0)


def test_an_invoice_that_cannot_be_read_or_says_no_total_is_set_aside_with_its_reason(
    orchestra: Orchestra, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")  # no tesseract
    made = orchestra.workflows.create_from_sample(OWNER, "invoice-to-sheet", "invoices")
    assert [(one.severity, one.code) for one in made.problems] == [("warning", "absent_program")]
    _run(orchestra, "invoices")
    [sheets] = orchestra.demo.show(OWNER)["google_sheets"]["spreadsheets"].values()
    assert {row[0] for row in sheets["Invoices"][3:]} == {"NW-20418", "NW-20377"}
    aside = orchestra.tables.rows(OWNER, "invoices-to-check", demo=True).rows
    assert {one.value["file"]: one.value["reason"] for one in aside} == {
        "R-5587.pdf": "No text could be read in the file.",
        "L-2207.pdf": "No total was found.",
    }


def test_the_proposed_time_is_that_of_the_event_and_only_an_approval_invites(orchestra: Orchestra) -> None:
    orchestra.workflows.create_from_sample(OWNER, "meeting-from-mail", "meetings")
    run = orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "meetings", {"invite": True}), 60)
    assert run is not None
    assert run["status"] == "waiting"
    shown = orchestra.demo.show(OWNER)
    [event] = [one for one in shown["google_calendar"]["events"] if one["summary"].startswith("Kick-off")]
    assert "attendees" not in event
    [draft] = shown["gmail"]["drafts"]
    assert f"{event['start']['dateTime'][:10]}, {event['start']['dateTime'][11:16]} to" in draft["message"]["snippet"]
    [question] = orchestra.approvals.list(OWNER)
    assert question.call is not None
    assert question.call.arguments["attendees"] == ["ingrid@lindqvist.example"]
    orchestra.approvals.approve(OWNER, question.id)
    orchestra.runs.wait(OWNER, run["run_id"], 60)
    assert len(orchestra.demo.show(OWNER)["google_calendar"]["mails"]) == 1


_SHORT = 4 / 86_400
"""Days: long enough for a run to be suspended."""


def _approved(orchestra: Orchestra, run_id: str) -> Any:
    """Return a run once it has ended; whatever it asks is approved."""

    def has_ended() -> bool:
        for question in orchestra.approvals.list(OWNER):
            orchestra.approvals.approve(OWNER, question.id)
        return orchestra.runs.get(OWNER, run_id)["ended_at"] is not None

    until(has_ended)
    return orchestra.runs.get(OWNER, run_id)


def _sent(orchestra: Orchestra, subject: str) -> list[Any]:
    """Return the mails with a subject that the demo mailbox has sent."""
    heads = [(one, one["payload"]["headers"]) for one in orchestra.demo.show(OWNER)["gmail"]["sent"]]
    return [one for one, head in heads if {"name": "Subject", "value": subject} in head]


def test_a_question_is_chased_as_often_as_wanted_in_its_own_conversation(orchestra: Orchestra) -> None:
    made = orchestra.workflows.create_from_sample(OWNER, "chase-unanswered", "chase")
    assert made.problems == []
    run = _approved(orchestra, orchestra.runs.start(OWNER, "chase", {"days": _SHORT}))
    assert run["status"] == "succeeded", run["error"]
    assert run["outputs"] == {"answered": False, "by": "nobody"}
    asked, reminders = _sent(orchestra, "When can you deliver?"), _sent(orchestra, "Re: When can you deliver?")
    assert (len(asked), len(reminders)) == (1, 2)
    assert {one["threadId"] for one in reminders} == {asked[0]["threadId"]}


def test_a_question_that_is_answered_is_not_chased(orchestra: Orchestra) -> None:
    orchestra.workflows.create_from_sample(OWNER, "chase-unanswered", "chase")
    run_id = orchestra.runs.start(OWNER, "chase", {"days": _SHORT})
    until(lambda: bool(orchestra.approvals.list(OWNER)))
    [question] = orchestra.approvals.list(OWNER)
    orchestra.approvals.approve(OWNER, question.id)
    until(lambda: bool(_sent(orchestra, "When can you deliver?")))
    [asked] = _sent(orchestra, "When can you deliver?")
    until(lambda: orchestra.demo.answer(OWNER, asked["id"], "Tomorrow") == 1)
    run = _approved(orchestra, run_id)
    assert run["outputs"] == {"answered": True, "by": "ingrid@lindqvist.example"}
    assert _sent(orchestra, "Re: When can you deliver?") == []


@pytest.mark.slow
def test_an_approved_answer_goes_out_the_next_morning_unless_it_is_stopped(tmp_path: Path) -> None:
    init(tmp_path / "workspace")
    moments = [datetime(2026, 11, 20, 17, tzinfo=UTC)]
    with closing(Orchestra(tmp_path / "workspace", demo=True, serve=True, clock=lambda: moments[-1])) as orchestra:
        assert orchestra.workflows.create_from_sample(OWNER, "answer-next-morning", "answers").problems == []
        run_id = orchestra.runs.start(OWNER, "answers", {})
        until(lambda: orchestra.runs.get(OWNER, run_id)["status"] == "waiting")
        asked = orchestra.approvals.list(OWNER)
        orchestra.approvals.decide(OWNER, [Decision(one.id, approve=True, with_gaps=True) for one in asked])
        until(lambda: len(orchestra.approvals.list(OWNER, "scheduled")) == len(asked))
        stopped, *held = orchestra.approvals.list(OWNER, "scheduled")
        assert {one.expires_at for one in (stopped, *held)} == {"2026-11-21T07:00:00.000Z"}
        assert held
        orchestra.approvals.reject(OWNER, stopped.id)
        until(lambda: orchestra.runs.get(OWNER, run_id)["status"] == "waiting")
        before = len(orchestra.demo.show(OWNER)["gmail"]["sent"])
        moments.append(datetime(2026, 11, 21, 7, tzinfo=UTC))
        until(lambda: orchestra.runs.get(OWNER, run_id)["ended_at"] is not None)
        run = orchestra.runs.get(OWNER, run_id)
        assert (run["status"], run["outputs"]["sent"]) == ("succeeded", len(held)), run["error"]
        assert len(orchestra.demo.show(OWNER)["gmail"]["sent"]) == before + len(held)


def test_a_snoozed_mail_leaves_the_inbox_and_comes_back_unread(orchestra: Orchestra, tmp_path: Path) -> None:
    made = orchestra.workflows.create_from_sample(OWNER, "snooze", "snooze")
    assert made.problems == []
    shown = orchestra.demo.show(OWNER)["gmail"]
    mail = next(one["id"] for one in shown["messages"] if {"INBOX", "UNREAD"} <= {*one["labelIds"]})
    label = {"uses": "gmail.add_labels", "with": {"message": mail, "labels": ["snooze"]}}
    write_workflow(tmp_path / "workspace", "label", [{"id": "label", **label}])
    assert _run(orchestra, "label") == 1
    run_id = orchestra.runs.start(OWNER, "snooze", {"days": _SHORT})

    def is_in_inbox() -> bool:
        [found] = [one for one in orchestra.demo.show(OWNER)["gmail"]["messages"] if one["id"] == mail]
        return {"INBOX", "UNREAD"} <= {*found["labelIds"]}

    until(lambda: not is_in_inbox())
    run = _approved(orchestra, run_id)
    assert run["status"] == "succeeded", run["error"]
    assert is_in_inbox()


def test_an_invitation_at_a_taken_time_gets_a_drafted_answer_that_calendars_understand(orchestra: Orchestra) -> None:
    orchestra.workflows.create_from_sample(OWNER, "colliding-invitations", "collisions")
    [taken] = [one for one in orchestra.demo.show(OWNER)["google_calendar"]["events"] if one["id"] == "sample0"]
    begin, end = (datetime.fromisoformat(taken[name]["dateTime"]) for name in ("start", "end"))
    for title, hours in (("At that time", 0), ("Ten years later", 24 * 3650)):
        event = InvitationDraft(
            "REQUEST", title, 0, title, begin + timedelta(hours=hours), end + timedelta(hours=hours),
            CalendarPerson("ann@a.example"), [CalendarPerson("me@example.com")],
        )  # fmt: skip
        part = invitation_file(event, begin).decode()
        head = f"From: Ann <ann@a.example>\nTo: me@example.com\nSubject: {title}\nMessage-ID: <{hours}@a.example>\n"
        kind = "Content-Type: text/calendar; method=REQUEST; charset=utf-8; name=invite.ics"
        body = f"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nPlease come.\n--b\n{kind}\n\n{part}\n--b--\n"
        where = f"{orchestra.demo.endpoints()['gmail']['base_url']}/_demo/mail"
        sent = httpx.post(where, content=head + body, headers={"content-type": "text/plain"}, trust_env=False)
        sent.raise_for_status()
    assert _run(orchestra, "collisions") == 2  # the draft, the label
    [draft] = orchestra.demo.show(OWNER)["gmail"]["drafts"]
    headers = {one["name"]: one["value"] for one in draft["message"]["payload"]["headers"]}
    assert (headers["To"], headers["Subject"]) == ("ann@a.example", "Re: At that time")
    assert _run(orchestra, "collisions") == 0


BOTH = ("tasks-to-issues", "issues-to-tasks")
SET_STATUS = {
    "uses": "notion.update_item",
    "with": {"page": "{{ inputs.at }}", "properties": {"Status": "{{ inputs.to }}"}},
}
BY_PEOPLE: dict[str, dict[str, Any]] = {
    "set_status": {
        "uses": "notion.update_item",
        "with": {"page": "{{ inputs.at }}", "properties": {"Status": "{{ inputs.to }}"}},
    },
    "close": {"uses": "github.close_issue", "with": {"repository": "acme/app", "issue": "{{ int(inputs.at) }}"}},
    "reopen": {"uses": "github.reopen_issue", "with": {"repository": "acme/app", "issue": "{{ int(inputs.at) }}"}},
}
"""What people do in between: a task gets a status, an issue is closed or reopened."""


def test_tasks_and_issues_keep_each_other_in_step_and_each_change_is_carried_over_once(
    orchestra: Orchestra, tmp_path: Path
) -> None:
    for name in ("receipts", *BOTH):
        made = orchestra.workflows.create_from_sample(OWNER, name, name)
        assert made.problems == []
    for name, step in BY_PEOPLE.items():
        inputs = {"type": "object", "properties": {"at": {"type": "string"}, "to": {"type": "string"}}}
        write_workflow(tmp_path / "workspace", name, steps=[{"id": "do", **step}], inputs=inputs)
    _run(orchestra, "receipts")
    assert [_run(orchestra, name) for name in (*BOTH, *BOTH)] == [8, 8, 0, 0]
    rows = orchestra.tables.rows(OWNER, "issues-and-tasks", demo=True).rows
    of_task, of_issue = rows[0].value, rows[-1].value
    for pair in (of_issue, of_task):
        issue, task = str(pair["issue"]), pair["task"]
        for change, at, to, is_closed in (
            ("set_status", task, "Done", True),
            ("set_status", task, "In progress", False),
            ("close", issue, "", True),
            ("reopen", issue, "", False),
            ("set_status", task, "Done", True),
            ("reopen", issue, "", False),
            ("close", issue, "", True),
        ):
            assert _run(orchestra, change, at=at, to=to) == 1
            assert sum(_run(orchestra, name) for name in BOTH) == 2
            assert [_run(orchestra, name) for name in (*BOTH, *BOTH)] == [0, 0, 0, 0]
            assert _are_closed(orchestra, pair) == (is_closed, is_closed)


def _are_closed(orchestra: Orchestra, pair: Any) -> tuple[bool, bool]:
    """Whether the task is done, and whether the issue is closed."""
    shown = orchestra.demo.show(OWNER)
    [page] = [one for one in shown["notion"]["pages"] if one["id"] == pair["task"]]
    [issue] = [one for one in shown["github"]["issues"] if one["number"] == pair["issue"]]
    return page["properties"]["Status"]["status"]["name"] == "Done", issue["state"] == "closed"


def _run(orchestra: Orchestra, name: str, **inputs: str) -> int:
    run = orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, name, inputs), 60)
    while run is not None and run["status"] == "waiting":
        for question in orchestra.approvals.list(OWNER):
            orchestra.approvals.approve(OWNER, question.id)
        run = orchestra.runs.wait(OWNER, run["run_id"], 60)
    assert run is not None
    assert run["status"] == "succeeded", run["sentence"]
    return int(run["counts"]["new_effects"])
