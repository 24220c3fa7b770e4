"""Undo after a run, on every sample: the world is as before, apart from what the report says that stays.

As before means: whatever each stand-in shows of itself (`demo show`) is equal, word for word, but for the marks that
every write leaves (history numbers, times of the last change). What a service does not let go is
added to the world as it was before, exactly as the report names it: an issue is closed with one note instead of absent,
a page lies in the trash (where `demo show` does not look), a label stays in the mailbox with no mail in it.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from engine.orchestra import Orchestra
from engine.runs.undo.undo_report import Undone, UndoReport
from engine.workflows.samples import copy_all
from engine.workspace.workspace import Workspace
from tests.engine.conftest import OWNER, write_workflow
from tests.few import few

if TYPE_CHECKING:
    from tests.conftest import StandIns

World = dict[str, dict[str, Any]]
_MARKS = frozenset({"historyId", "updated_at", "pushed_at", "last_edited_time"})
WRITES: dict[str, dict[str, Any]] = {  # all samples but answer-mail: a sent mail stays
    "inbox-triage": {"query": "in:inbox", "limit": 25},
    "reply-drafts": {"limit": 25},
    "issue-to-notion": {"state": "open"},
    "commit-digest": {"days": 60},
}


@pytest.fixture
def root(own_accounts: Path) -> Path:
    copy_all(Workspace(own_accounts))
    return own_accounts


@pytest.fixture
def orchestra(root: Path) -> Iterator[Orchestra]:
    opened = Orchestra.open(root)
    yield opened
    opened.close()


@pytest.fixture
def world(standins: StandIns) -> Callable[[], World]:
    """What the three services show of themselves, without the marks that every write leaves."""

    def look() -> World:
        shown = {name: _without_marks(standins.show(name)) for name in ("gmail", "github", "notion")}
        shown["notion"] |= _inside_notion(standins, [page["id"] for page in shown["notion"]["pages"]])
        return shown

    return look


def _inside_notion(standins: StandIns, pages: list[str]) -> dict[str, Any]:
    """What `demo show` leaves out: the texts of pages, and the properties that databases have."""
    texts = {page: standins.controls.get(f"{standins['notion'].origin}/_demo/text/{page}").json() for page in pages}
    sources = standins.stores["notion"].all("notion/data_sources")
    return {
        "texts": [[page, text["markdown"]] for page, text in texts.items()],
        "properties": [[source["id"], each["name"]] for source in sources for each in source["properties"]],
    }


def _without_marks(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_marks(inner) for name, inner in value.items() if name not in _MARKS}
    return [_without_marks(each) for each in value] if isinstance(value, list) else value


def ran(orchestra: Orchestra, name: str, inputs: Mapping[str, Any]) -> Any:
    run = orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, name, inputs), 120)
    assert run["status"] == "succeeded", run["error"]
    return run


def number_of(line: Undone) -> int:
    return int(line.url.rpartition("/")[2])


def issue_numbers(report: UndoReport) -> set[int]:
    return {number_of(line) for line in report.undone if line.uses == "github.create_issue"}


def with_what_stays(before: World, after: World, run: Mapping[str, Any], report: UndoReport) -> World:
    """The world before the run, with what the report says that stays, and nothing else."""
    expected = copy.deepcopy(before)
    stays = {line.stays for line in report.undone}
    if "the closed issue, with the note" in stays:
        _add_closed_issues(expected["github"], after["github"], issue_numbers(report))
    if "the labels themselves, which the mailbox keeps" in stays:
        made = {label for step in run["steps"] for label in ((step["output"] or {}).get("added") or []) if step["uses"]}
        known = {label["name"] for label in expected["gmail"]["labels"]}
        found = [label for label in after["gmail"]["labels"] if label["name"] in made - known]
        assert {label["name"] for label in found} == made - known
        expected["gmail"]["labels"] += found
    if "the page in the trash, and the database's property `Orchestra key`" in stays:
        (source,) = {source for source, _ in expected["notion"]["properties"]}
        expected["notion"]["properties"].append([source, "Orchestra key"])
    return expected


def _add_closed_issues(expected: dict[str, Any], after: Mapping[str, Any], numbers: set[int]) -> None:
    """Each issue that was opened is closed as not planned, and has the note as its only comment."""
    issues = [issue for issue in after["issues"] if issue["number"] in numbers]
    notes = [each for each in after["comments"] if int(each["issue_url"].rpartition("/")[2]) in numbers]
    assert {issue["number"] for issue in issues} == numbers
    assert {(issue["state"], issue["state_reason"], issue["comments"]) for issue in issues} <= {
        ("closed", "not_planned", 1)
    }
    assert sorted(int(each["issue_url"].rpartition("/")[2]) for each in notes) == sorted(numbers)
    assert all("that was undone" in each["body"] for each in notes)
    expected["issues"] += issues
    expected["comments"] += notes


@pytest.mark.parametrize("name", WRITES)
def test_after_run_and_undo_the_world_is_as_before(orchestra: Orchestra, world: Any, name: str) -> None:
    before = world()
    run = ran(orchestra, name, WRITES[name])
    written = [step["path"] for step in run["steps"] if step["effect"]]
    assert written, "a sample that writes nothing proves nothing"
    assert world() != before
    report = orchestra.runs.undo(OWNER, run["run_id"])
    assert sorted(line.path for line in report.undone) == sorted(written)
    assert (report.refused, report.cannot, report.left) == ([], [], [])
    after = world()
    expected = with_what_stays(before, after, run, report)
    assert after.keys() == expected.keys()
    for service, shown in after.items():
        for kind, things in shown.items():
            assert _as_set(things) == _as_set(expected[service][kind]), f"{service} {kind}"


def _as_set(things: list[Any]) -> list[str]:
    return sorted(json.dumps(thing, sort_keys=True) for thing in things)


@pytest.mark.parametrize("name", few(WRITES, "inbox-triage"))
def test_a_sample_that_was_undone_runs_anew_and_can_be_undone_again(
    orchestra: Orchestra, world: Any, name: str
) -> None:
    inputs = {**WRITES[name], "limit": 6}
    first = ran(orchestra, name, inputs)
    orchestra.runs.undo(OWNER, first["run_id"])
    emptied = world()
    second = ran(orchestra, name, inputs)
    receipts = [
        {step["effect"]["receipt"]["id"] for step in run["steps"] if step["effect"] and "label" not in step["uses"]}
        for run in (first, second)
    ]
    assert not any(step["effect"]["reused"] for step in second["steps"] if step["effect"])
    assert len(receipts[0]) == len(receipts[1])
    assert not receipts[0] & receipts[1]
    report = orchestra.runs.undo(OWNER, second["run_id"])
    assert report.refused == []
    again = world()
    assert _as_set(again["notion"]["pages"]) == _as_set(emptied["notion"]["pages"])
    assert _as_set(again["gmail"]["drafts"]) == _as_set(emptied["gmail"]["drafts"])
    assert [issue for issue in again["github"]["issues"] if issue["state"] == "open"] == [
        issue for issue in emptied["github"]["issues"] if issue["state"] == "open"
    ]


TO = "ann@example.org"
REPOSITORY = "acme/app"
PAGE = {"database": "Tasks", "key": "one", "title": "One", "markdown": "First"}
DRAFT = {"id": "draft", "uses": "gmail.create_draft", "with": {"to": TO, "subject": "S", "text": "T"}}
FILE = {
    "id": "file",
    "uses": "github.put_file",
    "with": {"repository": REPOSITORY, "path": "notes.md", "text": "Notes", "message": "Take notes"},
}
COMMENT = {"id": "comment", "uses": "github.comment", "with": {"repository": REPOSITORY, "issue": 1, "body": "Seen"}}
ISSUE = {"id": "issue", "uses": "github.create_issue", "with": {"repository": REPOSITORY, "title": "T", "body": "B"}}


class Person:
    """Somebody who works in the services beside the program."""

    def __init__(self, standins: StandIns) -> None:
        self._standins = standins

    def __call__(self, service: str, method: str, path: str, body: Any = None) -> Any:
        """Do something; give the answer."""
        endpoint = self._standins[service]
        headers = {"Authorization": f"Bearer {endpoint.token}", "Notion-Version": "2025-09-03"}
        answer = self._standins.controls.request(method, f"{endpoint.origin}{path}", json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer.json()


def test_what_cannot_be_undone_is_exactly_what_is_listed(orchestra: Orchestra, root: Path, world: Any) -> None:
    write_workflow(root, "first", [{"id": "page", "uses": "notion.upsert_page", "with": PAGE}])
    ran(orchestra, "first", {})
    before = world()
    more = {"page": "{{ steps.page.output.id }}", "markdown": "More"}
    steps: list[Mapping[str, Any]] = [
        {"id": "page", "uses": "notion.upsert_page", "with": {**PAGE, "markdown": "Second"}},
        {"id": "more", "uses": "notion.append_markdown", "with": more},
        {"id": "mail", "uses": "gmail.send", "with": {"to": TO, "subject": "S", "text": "T"}},
        DRAFT,
        FILE,
        COMMENT,
    ]
    write_workflow(root, "mixed", steps)
    report = orchestra.runs.undo(OWNER, ran(orchestra, "mixed", {})["run_id"])
    assert [line.path for line in report.undone] == ["comment", "file", "draft", "more"]
    assert [line.path for line in report.cannot] == ["mail", "page"]
    assert all(line.reason.endswith(".") for line in report.cannot)
    after = world()
    changed = {(name, kind) for name, shown in after.items() for kind, it in shown.items() if it != before[name][kind]}
    assert changed == {("gmail", "sent"), ("notion", "texts"), ("github", "commits"), ("github", "branches")}
    assert len(after["github"]["commits"]) == len(before["github"]["commits"]) + 2, "both commits stay, as listed"
    assert after["github"]["commits"][0]["commit"]["tree"] == before["github"]["commits"][0]["commit"]["tree"]


def test_what_somebody_changed_in_between_is_refused_and_untouched(
    orchestra: Orchestra, root: Path, world: Any, standins: StandIns
) -> None:
    page = {"id": "page", "uses": "notion.upsert_page", "with": PAGE}
    write_workflow(root, "mixed", [page, DRAFT, FILE, COMMENT, ISSUE])
    run = ran(orchestra, "mixed", {})
    output = {step["path"]: step["output"] for step in run["steps"]}
    ask = Person(standins)
    ask(
        "notion",
        "PATCH",
        f"/v1/pages/{output['page']['id']}",
        {"properties": {"Priority": {"select": {"name": "Low"}}}},
    )
    draft = f"/gmail/v1/users/me/drafts/{output['draft']['id']}"
    ask("gmail", "PUT", draft, {"message": {"raw": ask("gmail", "GET", f"{draft}?format=raw")["message"]["raw"]}})
    repository = f"/repos/{REPOSITORY}"
    new_text = {"message": "Mine", "content": "TWluZQ==", "sha": output["file"]["sha"]}
    ask("github", "PUT", f"{repository}/contents/notes.md", new_text)
    ask("github", "PATCH", f"{repository}/issues/comments/{output['comment']['id']}", {"body": "Mine"})
    ask("github", "PATCH", f"{repository}/issues/{output['issue']['number']}", {"body": "Mine"})
    before = world()
    report = orchestra.runs.undo(OWNER, run["run_id"])
    assert report.undone == []
    assert [line.path for line in report.refused] == ["issue", "comment", "file", "draft", "page"]
    assert world() == before
