"""Undoing and updating what GitHub steps wrote: on the real client and its stand-in."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from msgspec.structs import replace
from pydantic import SecretStr

from clients.errors import NotFound, ServiceError
from clients.github.client import GitHubClient
from clients.github.service import GitHubSettings
from engine.plugins.step import Call, CannotUndo, StepType, Written
from engine.steps.github.files import PutFile
from engine.steps.github.issues_and_comments import Comment, CreateIssue
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from tests.conftest import StandIns

REPOSITORY = "acme/app"
ISSUE = {"repository": REPOSITORY, "title": "Title", "body": "Body", "labels": ["bug"]}
COMMENT = {"repository": REPOSITORY, "issue": 1, "body": "Body"}
FILE = {"repository": REPOSITORY, "path": "README.md", "text": "Other text\n", "message": "Say it otherwise"}
Api = Callable[..., Any]
Make = Callable[..., tuple[Call, Written]]


@pytest.fixture
def call(standins: StandIns, http: httpx.Client) -> Call:
    endpoint = standins["github"]
    settings = GitHubSettings(token=SecretStr(endpoint.token), base_url=endpoint.base_url)
    now = datetime.now(UTC)
    return Call(fields=None, client=GitHubClient(settings, http), marker="m" * 32, intended_at=now, started_at=now)


@pytest.fixture
def api(standins: StandIns) -> Api:
    """Do something on GitHub as somebody else: (method, path below the repository, body) -> the answer."""
    endpoint = standins["github"]

    def ask(method: str, path: str, body: Any = None, status: int | None = None) -> Any:
        url = f"{endpoint.base_url}/repos/{REPOSITORY}{path}"
        headers = {"Authorization": f"token {endpoint.token}"}
        answer = httpx.request(method, url, json=body, headers=headers, trust_env=False, timeout=PATIENCE_SECONDS)
        assert answer.status_code == status if status else answer.is_success, answer.text
        return answer.json() if answer.content else None

    return ask


@pytest.fixture
def make(call: Call) -> Make:
    """Make a write; give the call that undoes it, and what was written."""

    def write(step: StepType, arguments: dict[str, Any], marker: str = "m" * 32, **more: Any) -> tuple[Call, Written]:
        asked = replace(call, fields=step.fields.model_validate(arguments), marker=marker)
        output = step.call(asked)
        written = Written(arguments, output, step.receipt(output), marker, datetime.now(UTC), **more)
        return replace(asked, marker=f"undo{marker}"[:32]), written

    return write


def file_now(api: Api, path: str) -> str:
    return base64.b64decode(api("GET", f"/contents/{path}")["content"]).decode()


def notes(api: Api, number: int) -> list[str]:
    return [comment["body"] for comment in api("GET", f"/issues/{number}/comments")]


# --- issues


def test_an_issue_is_closed_as_not_planned_with_a_note(make: Make, api: Api) -> None:
    undo, written = make(CreateIssue(), ISSUE)
    CreateIssue().undo(undo, written)
    issue = api("GET", f"/issues/{written.output['number']}")
    assert (issue["state"], issue["state_reason"]) == ("closed", "not_planned")
    (note,) = notes(api, written.output["number"])
    assert "undone" in note
    assert undo.marker in note


def test_an_issue_that_was_undone_gets_no_second_note(make: Make, api: Api) -> None:
    undo, written = make(CreateIssue(), ISSUE)
    CreateIssue().undo(undo, written)
    CreateIssue().undo(undo, written)
    assert len(notes(api, written.output["number"])) == 1


def test_an_undo_that_was_cut_between_note_and_close_goes_on(make: Make, api: Api, standins: StandIns) -> None:
    undo, written = make(CreateIssue(), ISSUE)
    standins.faults("github", match="PATCH", status=500)
    with pytest.raises(ServiceError):
        CreateIssue().undo(undo, written)
    CreateIssue().undo(undo, written)
    assert api("GET", f"/issues/{written.output['number']}")["state"] == "closed"
    assert len(notes(api, written.output["number"])) == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param({"title": "A better title"}, "title", id="title"),
        pytest.param({"body": "A better body"}, "text", id="body"),
        pytest.param({"state": "closed"}, "closed", id="closed"),
    ],
)
def test_an_issue_that_somebody_changed_is_left_as_it_is(
    make: Make, api: Api, change: dict[str, Any], says: str
) -> None:
    undo, written = make(CreateIssue(), ISSUE)
    api("PATCH", f"/issues/{written.output['number']}", change)
    before = api("GET", f"/issues/{written.output['number']}")
    with pytest.raises(CannotUndo, match=says) as caught:
        CreateIssue().undo(undo, written)
    assert f"#{written.output['number']}" in str(caught.value)
    assert api("GET", f"/issues/{written.output['number']}") == before
    assert notes(api, written.output["number"]) == []


def test_an_issue_in_a_repository_that_cannot_be_seen_is_not_called_undone(make: Make) -> None:
    undo, written = make(CreateIssue(), ISSUE)
    elsewhere = replace(undo, fields=undo.fields.model_copy(update={"repository": "acme/gone"}))
    with pytest.raises(NotFound):
        CreateIssue().undo(elsewhere, written)


def test_an_issue_that_was_deleted_is_undone_already(make: Make, standins: StandIns) -> None:
    undo, written = make(CreateIssue(), ISSUE)
    issue = f"/repos/acme/app/issues/{written.output['number']}"
    before = Counter(standins.requests("github"))
    standins.faults("github", match=f"GET {issue}", status=410)
    CreateIssue().undo(undo, written)
    asked = Counter(standins.requests("github")) - before
    assert asked == {f"GET {issue}": 1, "GET /repos/acme/app": 1}, "it is only looked for"


def test_an_issue_is_brought_to_new_fields_and_keeps_its_marker(make: Make, api: Api, call: Call) -> None:
    _, written = make(CreateIssue(), ISSUE)
    fields = CreateIssueFieldsOf({**ISSUE, "title": "New", "body": "New body", "labels": ["docs"]})
    for _ in range(2):
        output = CreateIssue().update(replace(call, fields=fields), written)
        assert CreateIssue.output.model_validate(output).title == "New"
    issue = api("GET", f"/issues/{written.output['number']}")
    assert issue["body"].startswith("New body\n\n<!--")
    assert written.marker in issue["body"]
    assert [label["name"] for label in issue["labels"]] == ["docs"]


def CreateIssueFieldsOf(arguments: dict[str, Any]) -> Any:
    return CreateIssue.fields.model_validate(arguments)


def test_an_update_of_an_issue_that_is_gone_says_what_to_do(make: Make, call: Call, standins: StandIns) -> None:
    _, written = make(CreateIssue(), ISSUE)
    standins.faults("github", match=f"PATCH /repos/acme/app/issues/{written.output['number']}", status=410)
    with pytest.raises(NotFound) as caught:
        CreateIssue().update(replace(call, fields=CreateIssueFieldsOf(ISSUE)), written)
    assert "--force" in caught.value.remedy


# --- comments


def test_a_comment_is_deleted_once(make: Make, api: Api) -> None:
    before = notes(api, 1)
    undo, written = make(Comment(), COMMENT)
    Comment().undo(undo, written)
    Comment().undo(undo, written)
    assert notes(api, 1) == before


def test_a_comment_that_somebody_edited_stays(make: Make, api: Api) -> None:
    undo, written = make(Comment(), COMMENT)
    api("PATCH", f"/issues/comments/{written.output['id']}", {"body": "Edited"})
    with pytest.raises(CannotUndo, match="changed"):
        Comment().undo(undo, written)
    assert notes(api, 1)[-1] == "Edited"


def test_a_comment_is_brought_to_new_words(make: Make, api: Api, call: Call) -> None:
    _, written = make(Comment(), COMMENT)
    fields = Comment.fields.model_validate({**COMMENT, "body": "New words"})
    assert Comment().update(replace(call, fields=fields), written) == written.output
    assert notes(api, 1)[-1].startswith("New words\n\n<!--")
    assert written.marker in notes(api, 1)[-1]


# --- files


def test_a_changed_file_gets_its_earlier_content_back_by_one_commit(make: Make, api: Api) -> None:
    before, commits = file_now(api, "README.md"), len(api("GET", "/commits?per_page=100"))
    undo, written = make(PutFile(), FILE)
    assert file_now(api, "README.md") == FILE["text"]
    PutFile().undo(undo, written)
    PutFile().undo(undo, written)
    assert file_now(api, "README.md") == before
    assert len(api("GET", "/commits?per_page=100")) == commits + 2
    assert "Undo: Say it otherwise" in api("GET", "/commits")[0]["commit"]["message"]


def test_a_file_that_was_new_is_deleted(make: Make, api: Api) -> None:
    undo, written = make(PutFile(), {**FILE, "path": "new.md"})
    PutFile().undo(undo, written)
    api("GET", "/contents/new.md", status=404)
    PutFile().undo(undo, written)


def test_a_file_that_held_the_text_already_is_not_touched(make: Make, api: Api) -> None:
    make(PutFile(), FILE)
    commits = api("GET", "/commits")
    undo, written = make(PutFile(), FILE)
    PutFile().undo(undo, written)
    assert api("GET", "/commits") == commits


def test_two_commits_of_one_file_are_undone_the_last_first(make: Make, api: Api) -> None:
    before = file_now(api, "README.md")
    first, second = make(PutFile(), FILE), make(PutFile(), {**FILE, "text": "Third\n"}, "n" * 32)
    with pytest.raises(CannotUndo):
        PutFile().undo(*first)
    PutFile().undo(*second)
    PutFile().undo(*first)
    assert file_now(api, "README.md") == before


@pytest.mark.parametrize("path", ["README.md", "new.md"], ids=["changed", "new"])
def test_a_file_that_somebody_changed_stays_and_they_are_named(make: Make, api: Api, path: str) -> None:
    undo, written = make(PutFile(), {**FILE, "path": path})
    theirs = base64.b64encode(b"Theirs\n").decode()
    made = api("PUT", f"/contents/{path}", {"message": "Mine", "content": theirs, "sha": written.output["sha"]})
    with pytest.raises(CannotUndo) as caught:
        PutFile().undo(undo, written)
    assert made["commit"]["sha"][:7] in str(caught.value)
    assert file_now(api, path) == "Theirs\n"


def test_a_file_that_somebody_deleted_stays_deleted(make: Make, api: Api) -> None:
    undo, written = make(PutFile(), FILE)
    api("DELETE", "/contents/README.md", {"message": "Gone", "sha": written.output["sha"]})
    with pytest.raises(CannotUndo, match="deleted"):
        PutFile().undo(undo, written)


def test_a_commit_that_the_branch_has_lost_cannot_be_undone(make: Make) -> None:
    undo, written = make(PutFile(), FILE)
    lost = replace(written, output={**written.output, "commit": "0" * 40})
    with pytest.raises(CannotUndo, match="0000000"):
        PutFile().undo(undo, lost)


def test_a_file_is_brought_to_a_new_text(make: Make, api: Api, call: Call) -> None:
    _, written = make(PutFile(), FILE)
    fields = PutFile.fields.model_validate({**FILE, "text": "Newer\n"})
    assert PutFile().update(replace(call, fields=fields), written)["changed"]
    assert not PutFile().update(replace(call, fields=fields), written)["changed"]
    assert file_now(api, "README.md") == "Newer\n"


# --- what can be told beforehand


@pytest.mark.parametrize("step", [CreateIssue(), Comment()], ids=lambda step: str(step.name))
def test_what_was_only_updated_cannot_be_undone(make: Make, step: StepType) -> None:
    _, written = make(step, ISSUE if step.name == "github.create_issue" else COMMENT)
    assert step.why_kept(written) == ""
    assert "earlier content" in step.why_kept(replace(written, updated=True))
