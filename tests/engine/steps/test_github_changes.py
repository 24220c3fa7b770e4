"""Every GitHub step on the real client and its stand-in: outputs as declared, and writes that are undone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from clients.errors import Conflict, InvalidRequest
from clients.transport import http_client
from engine.plugins import registry
from engine.plugins.step import Call, CannotUndo, Effect, StepType, Written
from tests.operations.github_operations import OPERATIONS
from tests.operations.world import World

if TYPE_CHECKING:
    from tests.conftest import StandIns

REPOSITORY = "acme/app"
ISSUE = f"/repos/{REPOSITORY}/issues/2"
PULL = "/repos/acme/website/pulls/2"
every_step = pytest.mark.parametrize("name", OPERATIONS)


@dataclass
class Hub:
    """The stand-in with its sample data, and the steps that work on it."""

    world: World

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Do something on GitHub as a person would."""
        answer = self.world.client.request(method, path, {}, body)
        return answer["json"]

    def made(self, name: str, arguments: Mapping[str, Any], *, again: bool = False) -> tuple[Call, Written]:
        """Make a write; give the call that undoes it, and what was written."""
        step = registry.step_type(name)
        call = self.world.call(step, arguments, attempt=2 if again else 1)
        output = step.call(call)
        written = Written(arguments, output, step.receipt(output), call.marker, datetime.now(UTC))
        return replace(call, marker="undo" * 8), written

    def issue(self) -> dict[str, Any]:
        """What issue 2 says."""
        fields: dict[str, Any] = self.world.client.issues.fields(REPOSITORY, 2)
        return {name: value for name, value in fields.items() if name != "state_reason"}

    def pull(self) -> dict[str, Any]:
        """What pull request 2 of the website says, and who should review it."""
        found = self.ask("GET", PULL)
        reviewers = [each["login"] for each in found["requested_reviewers"]]
        return {"reviewers": reviewers, **{name: found[name] for name in ("title", "body", "state")}}

    def tree(self) -> dict[str, str]:
        """The files of the main branch."""
        found = self.world.made("github.get_content", repository=REPOSITORY, path="")
        return {each["path"]: each["sha"] for each in found["entries"]}

    def names(self, key: str, field: str) -> list[str]:
        """What there is of a kind."""
        return sorted(str(each[field]) for each in self.world.shown()[key])


@pytest.fixture
def hub(standins: StandIns) -> Iterator[Hub]:
    with http_client() as http:
        yield Hub(World("github", standins, http))


@every_step
def test_where_it_goes_is_declared_and_every_field_has_a_title(name: str) -> None:
    fields = registry.step_type(name).fields.model_json_schema(by_alias=True)["properties"]
    assert all("role" in field and "title" in field for field in fields.values())
    place = fields.get("repository") or fields.get("path") or fields["document"]
    assert place["role"] == ("instruction" if name == "github.graphql" else "destination")


# --- undone

PROBES: dict[str, Callable[[Hub], Any]] = {
    "github.update_issue": Hub.issue,
    "github.close_issue": Hub.issue,
    "github.reopen_issue": Hub.issue,
    "github.set_assignees": Hub.issue,
    "github.set_milestone": Hub.issue,
    "github.lock_issue": Hub.issue,
    "github.unlock_issue": Hub.issue,
    "github.update_pull": Hub.pull,
    "github.request_reviewers": Hub.pull,
    "github.add_review_comment": lambda hub: hub.names("review_comments", "body"),
    "github.add_labels": Hub.issue,
    "github.remove_labels": Hub.issue,
    "github.delete_file": Hub.tree,
    "github.put_file": Hub.tree,
    "github.create_branch": lambda hub: hub.names("branches", "branch"),
    "github.create_release": lambda hub: hub.names("releases", "tag_name"),
}


@pytest.mark.parametrize("name", PROBES)
def test_a_write_is_undone_once_however_often_it_is_asked(hub: Hub, name: str) -> None:
    step, arguments, probe = registry.step_type(name), OPERATIONS[name].arguments(hub.world), PROBES[name]
    before = probe(hub)
    undo, written = hub.made(name, arguments)
    assert probe(hub) != before
    assert step.why_kept(written) == ""
    for _ in range(2):
        step.undo(undo, written)
        assert probe(hub) == before


SINCE: dict[str, tuple[str, str, Any, str]] = {
    "github.update_issue": ("PATCH", ISSUE, {"title": "A better title"}, "title"),
    "github.lock_issue": ("PUT", f"{ISSUE}/lock", {"lock_reason": "spam"}, "locked .spam. now"),
    "github.update_pull": ("PATCH", PULL, {"title": "A better title"}, "title"),
    "github.add_review_comment": ("PATCH", "/repos/acme/website/pulls/comments/{id}", {"body": "Better"}, "changed"),
    "github.set_assignees": ("PATCH", ISSUE, {"assignees": ["ayo-bello"]}, "assignees"),
    "github.set_milestone": ("POST", f"/repos/{REPOSITORY}/milestones", {"title": "Autumn"}, "milestone"),
    "github.create_release": ("PATCH", f"/repos/{REPOSITORY}/releases/{{id}}", {"body": "Better"}, "changed"),
    "github.create_pull": ("PATCH", f"/repos/{REPOSITORY}/pulls/{{number}}", {"title": "Better"}, "title"),
}


@pytest.mark.parametrize("name", SINCE)
def test_what_somebody_changed_since_is_left_as_it_is(hub: Hub, name: str) -> None:
    undo, written = hub.made(name, OPERATIONS[name].arguments(hub.world))
    method, path, body, says = SINCE[name]
    made = hub.ask(method, path.format(**written.output), body)
    if says == "milestone":
        hub.ask("PATCH", ISSUE, {"milestone": made["number"]})
    before = hub.issue(), hub.pull(), *(hub.names(kind, "id") for kind in ("releases", "pulls", "review_comments"))
    with pytest.raises(CannotUndo, match=says):
        registry.step_type(name).undo(undo, written)
    after = hub.issue(), hub.pull(), *(hub.names(kind, "id") for kind in ("releases", "pulls", "review_comments"))
    assert after == before


def test_a_branch_that_went_on_is_not_deleted(hub: Hub) -> None:
    undo, written = hub.made("github.create_branch", {"repository": REPOSITORY, "branch": "work"})
    file = {"repository": REPOSITORY, "path": "docs/new.md", "message": "Go on", "text": "x", "branch": "work"}
    hub.world.made("github.put_file", **file)
    with pytest.raises(CannotUndo, match="new commits"):
        registry.step_type("github.create_branch").undo(undo, written)
    assert hub.names("branches", "branch") == ["main", "main", "school-discount", "work"]


@pytest.mark.parametrize(
    ("text", "markers", "is_deleted"),
    [
        pytest.param("x", {"theirs"}, False, id="a commit of somebody else"),
        pytest.param("x", {"m" * 32}, False, id="a file that is still there"),
        pytest.param(None, {"m" * 32}, False, id="a deletion by somebody else"),
        pytest.param(None, {"m" * 32, "d" * 32}, True, id="all of it our own and undone"),
        pytest.param(None, set(), False, id="nothing known of the run"),
    ],
)
def test_a_branch_is_deleted_if_all_commits_on_it_were_undone(
    hub: Hub, text: str | None, markers: set[str], is_deleted: bool
) -> None:
    undo, written = hub.made("github.create_branch", {"repository": REPOSITORY, "branch": "work"})
    client = hub.world.client
    client.put_file(REPOSITORY, "docs/new.md", "x", "Go on", "work", None, marker="m" * 32)
    if text is None:
        client.delete_file(REPOSITORY, "docs/new.md", "Go back", "work", "", marker="d" * 32)
    before = hub.names("branches", "branch")
    with nullcontext() if is_deleted else pytest.raises(CannotUndo, match="new commits"):
        registry.step_type("github.create_branch").undo(undo, replace(written, undone_markers=markers))
    assert hub.names("branches", "branch") == [one for one in before if not is_deleted or one != "work"]


def test_a_pull_request_is_closed_with_a_note_and_a_merged_one_stays(hub: Hub) -> None:
    step = registry.step_type("github.create_pull")
    undo, written = hub.made("github.create_pull", OPERATIONS["github.create_pull"].arguments(hub.world))
    number = written.output["number"]
    step.undo(undo, written)
    step.undo(undo, written)
    assert hub.ask("GET", f"/repos/{REPOSITORY}/pulls/{number}")["state"] == "closed"
    (note,) = hub.ask("GET", f"/repos/{REPOSITORY}/issues/{number}/comments")
    assert "pull request" in note["body"]
    hub.ask("PATCH", f"/repos/{REPOSITORY}/pulls/{number}", {"state": "open"})
    hub.world.made("github.merge_pull", repository=REPOSITORY, pull=number)
    with pytest.raises(CannotUndo, match="merged"):
        step.undo(undo, written)


def test_an_approval_is_dismissed_and_a_comment_says_that_it_stays(hub: Hub) -> None:
    step = registry.step_type("github.review_pull")
    undo, written = hub.made("github.review_pull", OPERATIONS["github.review_pull"].arguments(hub.world))
    step.undo(undo, written)
    step.undo(undo, written)
    assert hub.names("reviews", "state") == ["DISMISSED"]
    _, comment = hub.made("github.review_pull", {"repository": "acme/website", "pull": 2, "body": "Hm"})
    assert "only comments" in step.why_kept(comment)


# --- what is not known is not undone


_CHANGES = [
    "github.close_issue",
    "github.set_assignees",
    "github.add_labels",
    "github.lock_issue",
    "github.request_reviewers",
]


@pytest.mark.parametrize("name", _CHANGES)
def test_what_an_earlier_attempt_may_have_done_is_not_called_ours(hub: Hub, name: str) -> None:
    arguments = OPERATIONS[name].arguments(hub.world)
    hub.made(name, arguments)  # its answer was lost
    _, written = hub.made(name, arguments, again=True)
    assert "not known" in registry.step_type(name).why_kept(written)


@pytest.mark.parametrize("name", _CHANGES)
def test_what_was_so_already_is_not_undone(hub: Hub, name: str) -> None:
    arguments, step = OPERATIONS[name].arguments(hub.world), registry.step_type(name)
    hub.made(name, arguments)
    before = hub.issue(), hub.pull()
    undo, written = hub.made(name, arguments)
    step.undo(undo, written)
    assert (hub.issue(), hub.pull()) == before


# --- details


def test_an_issue_keeps_its_marker_when_its_text_is_changed(hub: Hub) -> None:
    made = hub.world.made("github.create_issue", repository=REPOSITORY, title="New", body="One")
    hub.world.made("github.update_issue", repository=REPOSITORY, issue=made["number"], body="Two")
    body = hub.ask("GET", f"/repos/{REPOSITORY}/issues/{made['number']}")["body"]
    assert body.startswith("Two\n\n<!-- orchestra:")
    assert hub.world.made("github.get_issue", repository=REPOSITORY, issue=made["number"])["body"] == "Two"


def test_a_list_that_was_cut_says_so(hub: Hub) -> None:
    for limit, has_more in ((3, True), (6, False), (7, False)):
        found = hub.world.made("github.list_issues", repository=REPOSITORY, state="all", limit=limit)
        assert (len(found["issues"]), found["has_more"]) == (min(limit, 6), has_more)


def test_changes_that_are_too_long_are_cut_and_that_is_said(hub: Hub) -> None:
    whole = hub.world.made("github.get_pull", repository="acme/website", pull=2)
    assert (whole["is_cut"], whole["file_count"]) == (False, 1)
    assert "+- Schools: half of it" in whole["files"][0]["patch"]
    cut = hub.world.made("github.get_pull", repository="acme/website", pull=2, max_characters=10)
    assert (cut["is_cut"], len(cut["files"][0]["patch"])) == (True, 10)
    none = hub.world.made("github.get_commit", repository=REPOSITORY, commit="main", max_files=0)
    assert (none["is_cut"], none["files"]) == (True, [])


@pytest.mark.parametrize(
    ("given", "is_fine"), [({"text": ""}, True), ({"file": "x"}, True), ({}, False), ({"text": "", "file": "x"}, False)]
)
def test_a_file_is_a_text_or_a_file_of_the_run(given: dict[str, Any], is_fine: bool) -> None:
    assert (registry.step_type("github.put_file").problems(given, {}) == []) is is_fine


def test_a_picture_is_committed_and_fetched_as_it_is(hub: Hub) -> None:
    picture = bytes(range(256)) * 8
    file = hub.world.file(picture, "dot.png", "image/png")
    hub.world.made("github.put_file", repository=REPOSITORY, path="docs/dot.png", message="A dot", file=file)
    found = hub.world.made("github.get_content", repository=REPOSITORY, path="docs/dot.png")
    assert (found["file"].content, found["file"].media_type, found["file"].name) == (picture, "image/png", "dot.png")
    with pytest.raises(InvalidRequest, match="not a text file"):
        hub.world.made("github.get_file", repository=REPOSITORY, path="docs/dot.png")


def test_what_is_merged_already_stays_as_it_is(hub: Hub) -> None:
    first = hub.world.made("github.merge_pull", repository="acme/website", pull=2)
    again = hub.world.made("github.merge_pull", repository="acme/website", pull=2)
    assert (first["changed"], again["changed"], again["sha"]) == (True, False, first["sha"])


def test_a_change_of_very_many_files_or_of_a_long_one_is_said_to_be_cut(hub: Hub, standins: StandIns) -> None:
    sha = hub.world.made("github.list_commits", repository=REPOSITORY, limit=1)["commits"][0]["sha"]
    known = hub.ask("GET", f"/repos/{REPOSITORY}/commits/{sha}")
    small = {"filename": "a.md", "status": "modified", "additions": 1, "deletions": 0, "patch": "+a"}
    for files, is_cut in (([small] * 299, False), ([small] * 300, True), ([{**small, "patch": None}], True)):
        standins.faults(
            "github",
            match=f"GET /repos/{REPOSITORY}/commits/{sha}",
            status=200,
            body=json.dumps({**known, "files": files}),
        )
        assert hub.world.made("github.get_commit", repository=REPOSITORY, commit=sha, max_files=300)["is_cut"] is is_cut


def test_a_branch_of_another_is_a_conflict(hub: Hub) -> None:
    hub.world.made("github.create_branch", repository=REPOSITORY, branch="work")
    with pytest.raises(Conflict, match="already"):
        hub.world.made("github.create_branch", repository=REPOSITORY, branch="work", start="main")


def test_a_branch_of_another_is_never_taken_for_ones_own(hub: Hub, standins: StandIns) -> None:
    hub.world.made("github.create_branch", repository=REPOSITORY, branch="work")
    standins.faults("github", match="POST /repos/acme/app/git/refs", status=502)
    with pytest.raises(Conflict, match="already") as refused:
        hub.world.made("github.create_branch", repository=REPOSITORY, branch="work")
    assert refused.value.outcome == "not_done"


def test_a_milestone_that_is_not_there_is_named_with_those_that_are(hub: Hub) -> None:
    arguments = {**OPERATIONS["github.set_milestone"].arguments(hub.world), "milestone": "Winter"}
    with pytest.raises(InvalidRequest, match="Winter") as wrong:
        hub.world.made("github.set_milestone", **arguments)
    assert "Spring" in wrong.value.remedy


@pytest.mark.parametrize(
    "path",
    [
        "https://example.com/user",
        "//example.com/user",
        "user",
        "/user?admin=true",
        "/repos/../user",
        "/repos/%2e%2e/user",
        "/user#x",
        "/a b",
        "/user\nHost: x",
    ],
)
def test_a_call_of_one_s_own_leads_nowhere_else(hub: Hub, path: str) -> None:
    hub.world.sent.clear()
    with pytest.raises(InvalidRequest, match="not a path"):
        hub.world.made("github.request", method="GET", path=path)
    assert hub.world.sent == []


def test_a_call_of_one_s_own_reads_only_with_get() -> None:
    step: StepType = registry.step_type("github.request")
    assert step.effect_of({"path": "/user"})[0] is Effect.READS
    assert step.effect_of({"path": "/user", "method": "{{ inputs.method }}"})[0] is Effect.WRITES
    assert step.effect_of({"path": "/user", "method": "DELETE"})[0] is Effect.WRITES
