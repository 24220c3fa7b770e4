"""Undo of runs: the last write first, only what this run made, what nobody changed since, and safe to be broken off."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import field_validator

from engine.base.errors import InUse, NotAllowed, StorageError, UnknownName
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.runs.undo.undo_report import NotUndone, UndoReport
from engine.steps.github.issues_and_comments import CreateIssue, CreateIssueFields
from engine.store.journal import JournalBroken
from engine.store.sql.ledger import SqlEffects
from tests.engine.conftest import OWNER, write_workflow
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from tests.conftest import StandIns

REPOSITORY = "acme/app"
TASK: dict[str, Any] = {
    "id": "task",
    "uses": "notion.upsert_page",
    "with": {"database": "Tasks", "key": "{{ item }}", "title": "Task {{ item }}", "markdown": "Do {{ item }}"},
}
ISSUE: dict[str, Any] = {
    "id": "issue",
    "uses": "github.create_issue",
    "with": {"repository": REPOSITORY, "title": "Issue {{ item }}", "body": "About {{ item }}"},
}
EACH: dict[str, Any] = {
    "id": "each",
    "foreach": "{{ ['a', 'b'] }}",
    "key": "{{ item }}",
    "on_item_error": "continue",
    "steps": [TASK, ISSUE],
}
Undoable = Callable[..., dict[str, Any]]


@pytest.fixture
def root(own_accounts: Path) -> Path:
    return own_accounts


@pytest.fixture
def orchestra(root: Path) -> Iterator[Orchestra]:
    opened = Orchestra.open(root)
    yield opened
    opened.close()


@pytest.fixture
def started(orchestra: Orchestra, root: Path) -> Undoable:
    """Run steps to the end; return the run document."""

    def start(*steps: Mapping[str, Any], name: str = "work") -> Any:
        write_workflow(root, name, list(steps))
        return orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, name, {}), 60)

    return start


@pytest.fixture
def world(standins: StandIns) -> Callable[[], dict[str, list[str]]]:
    """What a person would see: open issues, notes, pages."""

    def look() -> dict[str, list[str]]:
        github, notion = standins.show("github"), standins.show("notion")
        issues = [issue["title"] for issue in github["issues"] if issue["state"] == "open"]
        pages = [page["properties"]["Name"]["title"] for page in notion["pages"] if "Name" in page["properties"]]
        return {
            "issues": sorted(issues),
            "notes": sorted(comment["body"] for comment in github["comments"]),
            "pages": sorted(title[0]["plain_text"] for title in pages if title),
        }

    return look


def paths(lines: list[Any]) -> list[str]:
    return [line.path for line in lines]


def reasons(lines: list[NotUndone]) -> dict[str, str]:
    return {line.path: line.reason for line in lines}


def step_of(run: Mapping[str, Any], path: str) -> dict[str, Any]:
    found: dict[str, Any] = next(step for step in run["steps"] if step["path"] == path)
    return found


def edit_issue(standins: StandIns, run: Mapping[str, Any], path: str) -> None:
    endpoint, number = standins["github"], step_of(run, path)["output"]["number"]
    httpx.patch(
        f"{endpoint.base_url}/repos/{REPOSITORY}/issues/{number}",
        json={"title": "A better title"},
        headers={"Authorization": f"token {endpoint.token}"},
        trust_env=False,
        timeout=PATIENCE_SECONDS,
    ).raise_for_status()


def test_a_run_is_undone_the_last_write_first(orchestra: Orchestra, started: Undoable, world: Any) -> None:
    before = world()
    run = started(EACH)
    assert len(world()["issues"]) == len(before["issues"]) + 2
    report = orchestra.runs.undo(OWNER, run["run_id"])
    assert paths(report.undone) == ["each[1].issue", "each[1].task", "each[0].issue", "each[0].task"]
    assert (report.refused, report.cannot, report.left) == ([], [], [])
    after = world()
    assert (after["issues"], after["pages"]) == (before["issues"], before["pages"])
    assert len(after["notes"]) == len(before["notes"]) + 2


def test_what_was_undone_stands_in_the_log_the_list_and_the_audit_trail(
    orchestra: Orchestra, started: Undoable
) -> None:
    run_id = started(EACH)["run_id"]
    orchestra.runs.undo(OWNER, run_id)
    run = orchestra.runs.get(OWNER, run_id)
    undone = step_of(run, "each[0].issue")["effect"]["undone"]
    assert (undone["by"], "note" in undone["note"]) == ("tester", True)
    assert "4 of 4 writes were undone." in run["sentence"]
    assert orchestra.runs.list(OWNER).rows[0].sentence == run["sentence"]
    line = orchestra.audit(OWNER)[0]
    assert (line.action, json.loads(line.detail)["run_id"]) == ("runs.undo", run_id)


def test_the_note_bears_a_marker_of_its_own(orchestra: Orchestra, started: Undoable, standins: StandIns) -> None:
    run = started(EACH)
    orchestra.runs.undo(OWNER, run["run_id"])
    shown = standins.show("github")
    markers = [each["body"].rpartition("orchestra:")[2] for each in (*shown["issues"][-2:], *shown["comments"][-2:])]
    assert len(set(markers)) == 4


def test_what_a_rerun_updated_is_undone_with_the_run_that_made_it(
    orchestra: Orchestra, started: Undoable, root: Path, world: Any
) -> None:
    first = started(EACH)["run_id"]
    other = {**ISSUE, "with": {**ISSUE["with"], "body": "Other words"}}
    write_workflow(root, "work", [{**EACH, "steps": [TASK, other]}])
    second = orchestra.runs.rerun(OWNER, first, receipts="update")
    orchestra.runs.wait(OWNER, second, 60)
    after = world()
    report = orchestra.runs.undo(OWNER, second)
    assert report.undone == []
    assert {line.path for line in report.cannot} == {"each[0].issue", "each[1].issue"}
    assert all("earlier run had created" in line.reason for line in report.cannot)
    assert world() == after
    report = orchestra.runs.undo(OWNER, first)
    assert (report.refused, report.cannot) == ([], [])
    assert {"each[0].issue", "each[1].issue"} <= set(paths(report.undone))


def test_an_update_that_failed_leaves_what_is_there_to_the_run_that_made_it(
    orchestra: Orchestra, started: Undoable, root: Path, standins: StandIns, world: Any
) -> None:
    first = started(EACH)["run_id"]
    other = {**ISSUE, "with": {**ISSUE["with"], "body": "Other words"}}
    write_workflow(root, "work", [{**EACH, "steps": [other]}])
    standins.faults("github", match="PATCH", status=409, times=2)
    second = orchestra.runs.rerun(OWNER, first, receipts="update")
    assert orchestra.runs.wait(OWNER, second, 60)["status"] == "failed"
    after = world()
    assert orchestra.runs.undo(OWNER, second).undone == []
    assert world() == after
    assert len(orchestra.runs.undo(OWNER, first).undone) == 4


def test_a_lost_state_file_does_not_forget_an_update(orchestra: Orchestra, started: Undoable, root: Path) -> None:
    first = started({**EACH, "steps": [ISSUE]})["run_id"]
    other = {**ISSUE, "with": {**ISSUE["with"], "body": "Other words"}}
    write_workflow(root, "work", [{**EACH, "steps": [other]}])
    orchestra.runs.wait(OWNER, orchestra.runs.rerun(OWNER, first, receipts="update"), 60)
    orchestra.close()
    for path in (root / ".orchestra").glob("state.db*"):
        path.unlink()
    with_new_state = Orchestra.open(root)
    try:
        same = with_new_state.runs.rerun(OWNER, first, receipts="update")
        effect = step_of(with_new_state.runs.wait(OWNER, same, 60), "each[0].issue")["effect"]
        assert (effect["reused"], "note" in effect) == (True, False)
        write_workflow(root, "work", [{**EACH, "steps": [ISSUE]}])  # as at first, which is not what is there now
        back = with_new_state.runs.rerun(OWNER, first, receipts="update")
        effect = step_of(with_new_state.runs.wait(OWNER, back, 60), "each[0].issue")["effect"]
        assert effect["updated"]
    finally:
        with_new_state.close()


def test_a_write_of_which_an_update_was_broken_off_is_made_anew_after_its_undo(
    orchestra: Orchestra, started: Undoable, root: Path
) -> None:
    first = started({**EACH, "steps": [ISSUE]})
    with sqlite3.connect(root / ".orchestra" / "state.db") as database:
        assert database.execute("UPDATE effects SET state = 'intent' WHERE receipt IS NOT NULL").rowcount == 2
    assert len(orchestra.runs.undo(OWNER, first["run_id"]).undone) == 2
    second = started({**EACH, "steps": [ISSUE]})
    assert not step_of(second, "each[0].issue")["effect"]["reused"]


def test_what_a_rerun_wrote_again_is_undone_alone(orchestra: Orchestra, started: Undoable, world: Any) -> None:
    first = started({**EACH, "steps": [ISSUE]})["run_id"]
    before = world()["issues"]
    second = orchestra.runs.rerun(OWNER, first, receipts="force")
    orchestra.runs.wait(OWNER, second, 60)
    assert len(world()["issues"]) == len(before) + 2
    assert len(orchestra.runs.undo(OWNER, second).undone) == 2
    assert world()["issues"] == before
    assert len(orchestra.runs.undo(OWNER, first).undone) == 2


def test_a_preview_asks_no_service_and_changes_nothing(
    orchestra: Orchestra, started: Undoable, standins: StandIns
) -> None:
    run_id = started(
        EACH,
        {
            "id": "more",
            "uses": "gmail.send",
            "with": {"to": ["ada@example.com"], "subject": "{{ steps.each.output[0].task.url }}", "text": "More"},
        },
    )["run_id"]
    asked = [standins.requests(name) for name in ("github", "notion")]
    preview = orchestra.runs.undoable(OWNER, run_id)
    assert [standins.requests(name) for name in ("github", "notion")] == asked
    assert paths(preview.undone) == ["each[1].issue", "each[1].task", "each[0].issue", "each[0].task"]
    assert paths(preview.cannot) == ["more"]
    assert preview.undone[0].note.startswith("closes the issue")
    assert orchestra.runs.get(OWNER, run_id)["steps"][0]["effect"] is None


def test_an_undo_of_what_was_undone_does_nothing_more(orchestra: Orchestra, started: Undoable, world: Any) -> None:
    run_id = started(EACH)["run_id"]
    orchestra.runs.undo(OWNER, run_id)
    after = world()
    report = orchestra.runs.undo(OWNER, run_id)
    assert (report.undone, len(report.left)) == ([], 4)
    assert "undone before" in report.left[0].reason
    assert world() == after


def test_only_what_lies_below_one_item_is_undone(orchestra: Orchestra, started: Undoable) -> None:
    run_id = started(EACH)["run_id"]
    assert paths(orchestra.runs.undo(OWNER, run_id, item="a").undone) == ["each[0].issue", "each[0].task"]
    with pytest.raises(UnknownName, match="no item named 'c'"):
        orchestra.runs.undo(OWNER, run_id, item="c")
    report = orchestra.runs.undo(OWNER, run_id)
    assert (paths(report.undone), len(report.left)) == (["each[1].issue", "each[1].task"], 2)
    assert {line.key for line in report.undone} == {"b"}


def test_what_somebody_changed_is_refused_and_the_rest_undone(
    orchestra: Orchestra, started: Undoable, standins: StandIns
) -> None:
    run = started(EACH)
    edit_issue(standins, run, "each[1].issue")
    report = orchestra.runs.undo(OWNER, run["run_id"])
    assert reasons(report.refused).keys() == {"each[1].issue"}
    assert "title" in report.refused[0].reason
    assert report.refused[0].url.endswith(str(step_of(run, "each[1].issue")["output"]["number"]))
    assert len(report.undone) == 3
    assert "undone" not in step_of(orchestra.runs.get(OWNER, run["run_id"]), "each[1].issue")["effect"]


def test_a_write_that_this_release_would_not_make_is_refused_in_plain_words(
    orchestra: Orchestra, started: Undoable, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stricter(CreateIssueFields):
        @field_validator("title")
        @classmethod
        def _is_short(cls, title: str) -> str:
            raise ValueError("The title is too long.")

    run = started(EACH)
    monkeypatch.setattr(CreateIssue, "fields", Stricter)
    refused = reasons(orchestra.runs.undo(OWNER, run["run_id"]).refused)
    assert set(refused.values()) == {"The title is too long."}


BRANCH = {"repository": REPOSITORY, "branch": "work"}
ON_A_BRANCH: list[dict[str, Any]] = [
    {"id": "branch", "uses": "github.create_branch", "with": BRANCH},
    {
        "id": "file",
        "uses": "github.put_file",
        "needs": ["branch"],
        "with": {**BRANCH, "path": "docs/new.md", "message": "Say it", "text": "x"},
    },
    {
        "id": "pull",
        "uses": "github.create_pull",
        "needs": ["file"],
        "with": {"repository": REPOSITORY, "title": "Work", "head": "work", "base": "main"},
    },
]
MERGE: dict[str, Any] = {
    "id": "merge",
    "uses": "github.merge_pull",
    "with": {"repository": REPOSITORY, "pull": "{{ steps.pull.output.number }}"},
}


def test_a_branch_of_a_run_goes_with_what_the_run_put_on_it(
    orchestra: Orchestra, started: Undoable, standins: StandIns
) -> None:
    run = started(*ON_A_BRANCH)
    report = orchestra.runs.undo(OWNER, run["run_id"])
    assert (paths(report.undone), report.refused) == (["pull", "file", "branch"], [])
    assert "work" not in [each["branch"] for each in standins.show("github")["branches"]]


def test_what_the_run_itself_did_for_good_is_not_blamed_on_somebody(orchestra: Orchestra, started: Undoable) -> None:
    run = started(*ON_A_BRANCH, MERGE)
    report = orchestra.runs.undo(OWNER, run["run_id"])
    assert (paths(report.undone), report.refused) == (["file", "branch"], [])
    assert paths(report.cannot) == ["merge", "pull"]
    assert "The run did more to it in merge (github.merge_pull)" in reasons(report.cannot)["pull"]


def test_a_receipt_of_another_run_is_left(orchestra: Orchestra, started: Undoable, world: Any) -> None:
    first, second = started(EACH), started(EACH)
    after = world()
    report = orchestra.runs.undo(OWNER, second["run_id"])
    assert report.undone == []
    assert all(first["run_id"] in reason for reason in reasons(report.left).values())
    assert len(report.left) == 4
    assert world() == after


def test_after_an_undo_the_next_run_writes_anew_and_can_be_undone_too(
    orchestra: Orchestra, started: Undoable, world: Any
) -> None:
    before = world()
    first = started(EACH)
    orchestra.runs.undo(OWNER, first["run_id"])
    second = started(EACH)
    assert "4 writes made again: an undo had taken them back." in second["sentence"]
    numbers = [step_of(run, "each[0].issue")["output"]["number"] for run in (first, second)]
    pages = [step_of(run, "each[0].task")["output"]["id"] for run in (first, second)]
    assert numbers[0] != numbers[1]
    assert pages[0] != pages[1]
    assert not step_of(second, "each[0].issue")["effect"]["reused"]
    again = orchestra.runs.undo(OWNER, first["run_id"])
    assert (again.undone, len(again.left)) == ([], 4)
    assert len(orchestra.runs.undo(OWNER, second["run_id"]).undone) == 4
    assert world()["issues"] == before["issues"]


def test_an_undo_that_died_between_service_and_ledger_goes_on(
    orchestra: Orchestra, started: Undoable, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = started(EACH)["run_id"]

    def dies(*_: Any) -> bool:
        raise JournalBroken(StorageError("gone"))

    with monkeypatch.context() as patched:
        patched.setattr(SqlEffects, "undone", dies)
        with pytest.raises(StorageError):
            orchestra.runs.undo(OWNER, run_id)
    notes = world()["notes"]
    assert len(orchestra.runs.undo(OWNER, run_id).undone) == 4
    assert len(world()["notes"]) == len(notes) + 1


def test_an_undo_that_died_between_ledger_and_log_is_only_written_down(
    orchestra: Orchestra, started: Undoable, standins: StandIns
) -> None:
    run = started(EACH)
    before = orchestra.runs.get(OWNER, run["run_id"])
    orchestra.runs.undo(OWNER, run["run_id"])
    path = next(orchestra.workspace.logs.glob(f"*/{run['run_id']}.json"))
    path.write_text(json.dumps(before))
    asked = standins.requests("github")
    assert len(orchestra.runs.undo(OWNER, run["run_id"]).undone) == 4
    assert standins.requests("github") == asked
    assert step_of(orchestra.runs.get(OWNER, run["run_id"]), "each[0].task")["effect"]["undone"]


def test_a_lost_state_file_does_not_forget_an_undo(
    orchestra: Orchestra, started: Undoable, root: Path, world: Any
) -> None:
    first = started(EACH)["run_id"]
    orchestra.runs.undo(OWNER, first)
    after = world()
    orchestra.close()
    for path in (root / ".orchestra").glob("state.db*"):
        path.unlink()
    with_new_state = Orchestra.open(root)
    try:
        run = with_new_state.runs.wait(OWNER, with_new_state.runs.start(OWNER, "work", {}), 60)
        assert not any(step["effect"]["reused"] for step in run["steps"] if step["effect"])
        assert with_new_state.runs.undo(OWNER, first).undone == []
        assert len(with_new_state.runs.undo(OWNER, run["run_id"]).undone) == 4
        assert (world()["issues"], world()["pages"]) == (after["issues"], after["pages"])
    finally:
        with_new_state.close()


def test_a_failed_run_is_undone_and_not_resumed_after_that(orchestra: Orchestra, started: Undoable) -> None:
    run = started(EACH, {"id": "check", "uses": "flow.assert", "with": {"condition": False}})
    assert run["status"] == "failed"
    assert len(orchestra.runs.undo(OWNER, run["run_id"]).undone) == 4
    with pytest.raises(InUse, match="undone"):
        orchestra.runs.resume(OWNER, run["run_id"])


FAILS: dict[str, Any] = {"id": "check", "uses": "flow.assert", "with": {"condition": False}}
ONE: dict[str, Any] = {**ISSUE, "with": {**ISSUE["with"], "title": "One", "body": ""}}


@pytest.mark.parametrize("inside", [pytest.param(True, id="which-failed"), pytest.param(False, id="which-succeeded")])
def test_nor_is_one_of_which_a_called_run_was_undone(
    orchestra: Orchestra, root: Path, started: Undoable, inside: bool
) -> None:
    write_workflow(root, "inner", [ONE, FAILS] if inside else [ONE])
    run = started({"id": "call", "uses": "workflow.run", "with": {"workflow": "inner"}}, FAILS)
    assert len(orchestra.runs.undo(OWNER, run["run_id"]).undone) == 1
    with pytest.raises(InUse, match="undone"):
        orchestra.runs.resume(OWNER, run["run_id"])


def test_a_run_is_not_resumed_while_it_is_undone(
    orchestra: Orchestra, started: Undoable, standins: StandIns, world: Any
) -> None:
    before = world()["notes"]
    run_id = started(EACH, FAILS)["run_id"]
    standins.faults("github", match="PATCH", delay_seconds=1)
    reports: list[UndoReport] = []
    undoing_it = threading.Thread(target=lambda: reports.append(orchestra.runs.undo(OWNER, run_id)))
    undoing_it.start()
    try:
        while world()["notes"] == before:
            time.sleep(0.01)
        with pytest.raises(InUse, match="undo is at work"):
            orchestra.runs.resume(OWNER, run_id)
    finally:
        undoing_it.join(60)
    assert len(reports[0].undone) == 4


def test_an_interrupted_run_ends_as_cancelled_when_it_is_undone(
    orchestra: Orchestra, root: Path, started: Undoable
) -> None:
    write_workflow(root, "work", [EACH, {"id": "pause", "uses": "flow.wait", "with": {"seconds": 1.9}}])
    run_id = orchestra.runs.start(OWNER, "work", {})
    run = orchestra.runs.get(OWNER, run_id)
    while not any(step["path"] == "pause" and step["status"] == "waiting" for step in run["steps"]):
        orchestra.runs.wait(OWNER, run_id, 0.05)
        run = orchestra.runs.get(OWNER, run_id)
    with pytest.raises(InUse, match="is running"):
        orchestra.runs.undo(OWNER, run_id)
    orchestra.runs.interrupt(OWNER, run_id)
    orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert len(orchestra.runs.undoable(OWNER, run_id).undone) == 4
    assert len(orchestra.runs.undo(OWNER, run_id).undone) == 4
    assert orchestra.runs.get(OWNER, run_id)["status"] == "cancelled"


def test_a_receipt_that_came_after_the_run_was_cancelled_is_undone(
    orchestra: Orchestra, root: Path, standins: StandIns, world: Any
) -> None:
    before = world()["issues"]
    write_workflow(root, "work", [{**ISSUE, "with": {**ISSUE["with"], "title": "One", "body": ""}}])
    standins.faults("github", match="POST", delay_seconds=1, when="after_effect")
    run_id = orchestra.runs.start(OWNER, "work", {})
    while world()["issues"] == before:
        orchestra.runs.wait(OWNER, run_id, 0.02)
    orchestra.runs.cancel(OWNER, run_id)
    run = orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert run["status"] == "cancelled"
    report = orchestra.runs.undo(OWNER, run_id)
    assert paths(report.undone) == ["issue"]
    assert world()["issues"] == before
    assert step_of(orchestra.runs.get(OWNER, run_id), "issue")["effect"]["undone"]


def test_called_runs_are_undone_with_their_caller(
    orchestra: Orchestra, started: Undoable, root: Path, world: Any
) -> None:
    before = world()
    inner = {**ISSUE, "with": {**ISSUE["with"], "title": "Inner {{ inputs.it }}", "body": ""}}
    inputs = {"type": "object", "properties": {"it": {"type": "string"}}, "required": ["it"]}
    write_workflow(root, "inner", [inner], inputs=inputs)
    call = {"id": "call", "uses": "workflow.run", "with": {"workflow": "inner", "inputs": {"it": "{{ item }}"}}}
    run = started({**EACH, "steps": [TASK, call, ISSUE]})
    report = orchestra.runs.undo(OWNER, run["run_id"], item="b")
    assert paths(report.undone) == ["each[1].issue", "issue", "each[1].task"]
    assert report.undone[1].run_id == step_of(run, "each[1].call")["child_run_id"]
    assert report.undone[1].key == "b"
    assert len(orchestra.runs.undo(OWNER, run["run_id"]).undone) == 3
    assert world()["issues"] == before["issues"]


def test_a_write_to_an_account_that_is_another_now_is_refused(
    orchestra: Orchestra, started: Undoable, standins: StandIns, world: Any
) -> None:
    run = started(EACH)
    run_id = run["run_id"]
    orchestra.close()
    after = world()
    made_on = json.loads(next(step["identity"] for step in run["steps"] if step["id"] == "issue"))[0]
    standins.faults("github", match="GET /user", status=200, times=9, body=json.dumps({"login": "somebody-else"}))
    other = Orchestra.open(orchestra.workspace.root)
    try:
        report = other.runs.undo(OWNER, run_id)
    finally:
        other.close()
    assert [line.reason for line in report.refused] == [
        f"It was made on {made_on}, and the connection 'github' is github:somebody-else now."
    ] * 2
    assert world()["issues"] == after["issues"]


def test_a_service_that_is_down_is_told_and_the_rest_undone(
    orchestra: Orchestra, started: Undoable, standins: StandIns
) -> None:
    run_id = started(EACH)["run_id"]
    standins.faults("github", match="GET /repos/acme/app/issues", status=401, times=50)
    report = orchestra.runs.undo(OWNER, run_id)
    assert len(report.undone) == 2
    assert all("401" in reason for reason in reasons(report.refused).values())
    standins.calm("github")
    assert len(orchestra.runs.undo(OWNER, run_id).undone) == 2


def test_an_answer_that_got_lost_is_asked_for_again(
    orchestra: Orchestra, started: Undoable, standins: StandIns, world: Any
) -> None:
    notes = len(world()["notes"])
    run_id = started({**EACH, "foreach": "{{ ['a'] }}"})["run_id"]
    standins.faults("github", match="POST", cut=True, when="after_effect")
    assert len(orchestra.runs.undo(OWNER, run_id).undone) == 2
    assert len(world()["notes"]) == notes + 1


def test_it_takes_the_right_to_run(orchestra: Orchestra, started: Undoable) -> None:
    run_id = started(EACH)["run_id"]
    with pytest.raises(NotAllowed):
        orchestra.runs.undo(Principal("viewer", "viewer"), run_id)
    with pytest.raises(UnknownName):
        orchestra.runs.undo(OWNER, "20260101T000000Z-AAAAAAAA")


def test_a_report_says_what_stays(orchestra: Orchestra, started: Undoable) -> None:
    report: UndoReport = orchestra.runs.undo(OWNER, started(EACH)["run_id"])
    assert {line.uses: line.stays for line in report.undone} == {
        "github.create_issue": "the closed issue, with the note",
        "notion.upsert_page": "the page in the trash, and the database's property `Orchestra key`",
    }


def _twice() -> list[dict[str, Any]]:
    again = {**TASK, "id": "again", "with": {**TASK["with"], "title": "Task a, again", "markdown": "Do it now"}}
    return [{**EACH, "foreach": "{{ ['a'] }}", "steps": [TASK, again]}]


def test_a_page_that_the_run_wrote_twice_is_undone_whole(
    orchestra: Orchestra, started: Undoable, world: Callable[[], dict[str, list[str]]]
) -> None:
    before = world()
    document = started(*_twice())
    assert len(world()["pages"]) == len(before["pages"]) + 1
    preview = orchestra.runs.undoable(OWNER, document["run_id"])
    report = orchestra.runs.undo(OWNER, document["run_id"])
    assert (report.refused, report.cannot, report.left) == ([], [], [])
    assert sorted(one.path for one in report.undone) == ["each[0].again", "each[0].task"]
    assert [one.path for one in preview.undone] == [one.path for one in report.undone]
    assert world()["pages"] == before["pages"]
    assert started(*_twice())["status"] == "succeeded"
    assert len(world()["pages"]) == len(before["pages"]) + 1
    assert "Task a, again" in world()["pages"]


def test_a_page_that_somebody_changed_after_the_second_time_is_left_alone(
    orchestra: Orchestra, started: Undoable, world: Callable[[], dict[str, list[str]]], standins: StandIns
) -> None:
    document = started(*_twice())
    page = next(one["output"]["id"] for one in document["steps"] if one["id"] == "again")
    told = {"properties": {"Name": {"title": [{"text": {"content": "Mine now"}}]}}}
    notion = standins["notion"]
    httpx.patch(
        f"{notion.base_url}/v1/pages/{page}",
        headers={"Authorization": f"Bearer {notion.token}", "Notion-Version": "2025-09-03"},
        json=told,
        trust_env=False,
        timeout=PATIENCE_SECONDS,
    ).raise_for_status()
    report = orchestra.runs.undo(OWNER, document["run_id"])
    assert [one.path for one in report.refused] == ["each[0].task"]
    assert [one.path for one in report.cannot] == ["each[0].again"]
    assert "Mine now" in world()["pages"]


@pytest.mark.parametrize("step", [TASK, ISSUE], ids=["page", "issue"])
def test_nothing_is_left_of_a_page_or_issue_that_a_rerun_brought_up_to_date(
    orchestra: Orchestra, root: Path, started: Undoable, world: Callable[[], dict[str, list[str]]], step: dict[str, Any]
) -> None:
    before = world()
    first = started({**EACH, "foreach": "{{ ['a'] }}", "steps": [step]})
    changed = {**step, "with": {**step["with"], "title": "Another title"}}
    write_workflow(root, "work", [{**EACH, "foreach": "{{ ['a'] }}", "steps": [changed]}])
    again = orchestra.runs.rerun(OWNER, first["run_id"], receipts="update")
    assert orchestra.runs.wait(OWNER, again, 60)["status"] == "succeeded"
    assert "Another title" in str(world())
    report = orchestra.runs.undo(OWNER, first["run_id"])
    assert (report.refused, report.cannot) == ([], [])
    after = world()
    assert (after["issues"], after["pages"]) == (before["issues"], before["pages"])
