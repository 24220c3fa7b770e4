"""How each step type that works on GitHub is run in the fault matrix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.operations.world import Operation, World

REPOSITORY = "acme/app"
_OF_ISSUE = {"repository": REPOSITORY, "issue": 2}
_WEBSITE = {"repository": "acme/website", "pull": 2}
_FILE = {"repository": REPOSITORY, "path": "docs/new.md", "message": "Write it down"}


def _branch(world: World) -> str:
    """A branch with a commit of its own."""
    world.made("github.create_branch", repository=REPOSITORY, branch="work")
    world.made("github.put_file", **_FILE, text="new\n", branch="work")
    return "work"


def _pull(world: World) -> Mapping[str, Any]:
    return {"repository": REPOSITORY, "title": "Some work", "body": "Please", "head": _branch(world)}


def _closed(world: World) -> Mapping[str, Any]:
    world.made("github.close_issue", **_OF_ISSUE)
    return _OF_ISSUE


def _milestone(world: World) -> Mapping[str, Any]:
    body = {"title": "Spring"}
    world.made("github.request", method="POST", path=f"/repos/{REPOSITORY}/milestones", json=body)
    return {**_OF_ISSUE, "milestone": "Spring"}


def _dispatched(world: World) -> Mapping[str, Any]:
    path = ".github/workflows/nightly.yml"
    world.made("github.put_file", repository=REPOSITORY, path=path, message="Nightly", text="on: workflow_dispatch\n")
    return {"repository": REPOSITORY, "workflow": "nightly.yml", "inputs": {"day": "today"}}


def _locked(world: World) -> Mapping[str, Any]:
    world.made("github.lock_issue", **_OF_ISSUE, reason="resolved")
    return _OF_ISSUE


def _reviewed(world: World) -> Mapping[str, Any]:
    world.made("github.add_review_comment", **_WEBSITE, path="prices.md", line=1, body="Why?")
    return _WEBSITE


_ADD_COMMENT = (
    "mutation Say($input: AddCommentInput!) { addComment(input: $input) { commentEdge { node { id url } } } }"
)


def _mutation(world: World) -> Mapping[str, Any]:
    document = 'query { repository(owner: "acme", name: "app") { issue(number: 2) { id } } }'
    found = world.made("github.graphql", document=document)["data"]["repository"]["issue"]["id"]
    return {"document": _ADD_COMMENT, "variables": {"input": {"subjectId": found, "body": "Seen."}}}


# A file or ref that is missing is a thing that the step looks for, or a label that is off already.
_GONE_IS_FINE = {"404": None}

OPERATIONS = {
    "github.create_issue": Operation(lambda _: {"repository": REPOSITORY, "title": "New", "labels": ["bug"]}),
    "github.get_issue": Operation(lambda _: _OF_ISSUE),
    "github.update_issue": Operation(lambda _: {**_OF_ISSUE, "title": "Other", "body": "Another text"}),
    "github.close_issue": Operation(lambda _: _OF_ISSUE),
    "github.reopen_issue": Operation(_closed),
    "github.comment": Operation(lambda _: {**_OF_ISSUE, "body": "Seen."}),
    "github.add_labels": Operation(lambda _: {**_OF_ISSUE, "labels": ["bug", "new one"]}),
    "github.remove_labels": Operation(
        lambda _: {**_OF_ISSUE, "labels": ["documentation"]}, match="DELETE", differs=_GONE_IS_FINE
    ),
    "github.set_assignees": Operation(lambda _: {**_OF_ISSUE, "assignees": ["mira-kovac"]}),
    "github.set_milestone": Operation(_milestone),
    "github.lock_issue": Operation(lambda _: {**_OF_ISSUE, "reason": "resolved"}),
    "github.unlock_issue": Operation(_locked),
    "github.list_comments": Operation(lambda _: {"repository": REPOSITORY, "issue": 4}),
    "github.update_pull": Operation(lambda _: {**_WEBSITE, "title": "Other", "body": "Another text"}),
    "github.request_reviewers": Operation(lambda _: {**_WEBSITE, "reviewers": ["hanna-weiss"]}),
    "github.list_review_comments": Operation(_reviewed),
    "github.add_review_comment": Operation(lambda _: {**_WEBSITE, "path": "prices.md", "line": 1, "body": "Why?"}),
    "github.graphql": Operation(_mutation),
    "github.search_issues": Operation(lambda _: {"query": "stock", "repository": REPOSITORY}),
    "github.list_issues": Operation(lambda _: {"repository": REPOSITORY}),
    "github.list_pulls": Operation(lambda _: {"repository": "acme/website"}),
    "github.get_pull": Operation(lambda _: _WEBSITE),
    "github.create_pull": Operation(_pull),
    "github.review_pull": Operation(lambda _: {**_WEBSITE, "event": "APPROVE"}),
    "github.merge_pull": Operation(lambda _: _WEBSITE),
    "github.list_commits": Operation(lambda _: {"repository": REPOSITORY, "limit": 5}),
    "github.get_commit": Operation(lambda _: {"repository": REPOSITORY, "commit": "main"}),
    "github.compare_commits": Operation(
        lambda _: {"repository": "acme/website", "base": "main", "head": "school-discount"}
    ),
    "github.get_file": Operation(lambda _: {"repository": REPOSITORY, "path": "README.md"}),
    "github.get_content": Operation(lambda _: {"repository": REPOSITORY, "path": "README.md"}),
    "github.put_file": Operation(lambda _: {**_FILE, "text": "new\n"}, match="PUT"),
    "github.delete_file": Operation(
        lambda _: {"repository": REPOSITORY, "path": "settings.toml", "message": "Drop it"}, match="DELETE"
    ),
    "github.list_branches": Operation(lambda _: {"repository": REPOSITORY}),
    "github.create_branch": Operation(lambda _: {"repository": REPOSITORY, "branch": "work"}),
    "github.list_releases": Operation(lambda _: {"repository": REPOSITORY}),
    "github.create_release": Operation(lambda _: {"repository": REPOSITORY, "tag": "v1", "body": "First"}),
    "github.dispatch_workflow": Operation(_dispatched),
    "github.request": Operation(
        lambda _: {"method": "PUT", "path": f"/repos/{REPOSITORY}/issues/2/labels", "json": {"labels": ["bug"]}}
    ),
}
