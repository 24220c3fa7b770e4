"""GitHub: issues, pull requests, commits, branches, files, releases, notifications and the lagging search."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from starlette.routing import Route

from demo.call import StandInCall, StandInReply, api_routes, page_routes
from demo.github import comments as github_comments
from demo.github import commits as github_commits
from demo.github import contents as github_contents
from demo.github import events as github_events
from demo.github import graphql as github_graphql
from demo.github import issues as github_issues
from demo.github import labels as github_labels
from demo.github import notifications as github_notifications
from demo.github import pages as github_pages
from demo.github import pulls as github_pulls
from demo.github import refs as github_refs
from demo.github import releases as github_releases
from demo.github import repositories as github_repositories
from demo.github import review_comments as github_review_comments
from demo.github import search as github_search
from demo.github.call import HourlyLimit, conditional, error_body
from demo.github.objects import comment, issue, milestone
from demo.github.pull_objects import review, review_comment, simple_pull
from demo.github.records import new_comment, new_issue, new_label, save
from demo.service import origin
from demo.store import Store

TOKEN = "demo-github-token"  # noqa: S105 - the same for everybody, good for loopback only
ERROR = error_body
TABLES = (
    github_search,
    github_comments,
    github_labels,
    github_issues,
    github_pulls,
    github_review_comments,
    github_refs,
    github_commits,
    github_contents,
    github_releases,
    github_notifications,
    github_events,
    github_repositories,
    github_graphql,
)
SAMPLE = Path(__file__).with_name("sample.json")


def routes(store: Store) -> list[Route]:
    """Return the routes of the REST API and the web pages, in this order."""
    limit = HourlyLimit()

    def rate_limit(_: StandInCall) -> StandInReply:
        resources = {
            "core": limit.resource(),
            # Search has its own limit, for a minute: https://docs.github.com/rest/search/search#rate-limit
            "search": limit.resource(30),
            "graphql": limit.resource(),
        }
        return StandInReply({"resources": resources, "rate": resources["core"]})

    table = [
        (method, path, conditional(handler, limit) if method == "GET" else handler)
        for module in TABLES
        for method, path, handler in module.TABLE
    ]
    api = api_routes(store, [*table, ("GET", "/rate_limit", rate_limit)], limit.headers)
    return [*github_events.control_routes(store), *api, *page_routes(store, github_pages.TABLE)]


def show(store: Store) -> dict[str, Any]:
    """Return the content of the repositories, in the API's form."""
    base = origin(store, "github")
    repositories = store.all("github/repositories")
    return {
        "repositories": [github_repositories.shown_repository(base, store, each) for each in repositories],
        "issues": [issue(base, store, each) for each in store.all("github/issues") if "pull" not in each],
        "pulls": [simple_pull(base, store, each) for each in store.all("github/issues") if "pull" in each],
        "review_comments": [review_comment(base, each) for each in store.all("github/review_comments")],
        "reviews": [review(base, each) for each in store.all("github/reviews")],
        "releases": [github_releases.release(base, each) for each in store.all("github/releases")],
        "milestones": [milestone(base, store, each) for each in store.all("github/milestones")],
        "branches": store.all("github/refs"),
        "workflow_runs": store.all("github/workflow_runs"),
        "comments": [comment(base, each) for each in store.all("github/comments")],
        "commits": [
            github_commits.commit(base, each)
            for record in repositories
            for each in github_commits.history(store, record["full_name"])
        ],
    }


@cache
def _sample() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(SAMPLE.read_text(encoding="utf-8"))
    return document


def seed(store: Store) -> None:
    """Create two repositories with the work of the last weeks."""
    sample, now = _sample(), datetime.now(UTC)

    def ago(days: float) -> str:
        return (now - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")

    for number, each in enumerate(sample["repositories"]):
        record = {**each, "id": 510_000_001 + number, "created_at": ago(400), "updated_at": ago(34)}
        store.put("github/repositories", each["full_name"], record)
    for each in sample["labels"]:
        new_label(store, each["repository"], each["name"], each["color"], each["description"])
    for each in sample["issues"]:
        _seed_issue(store, each, ago)
    for each in sample["commits"]:
        person = {"login": each["author"], **sample["people"][each["author"]]}
        changes = _changes(store, each)
        github_commits.new_commit(store, each["repository"], changes, each["message"], person, ago(each["days_ago"]))
    for each in sample["pulls"]:
        person = {"login": each["author"], **sample["people"][each["author"]]}
        github_pulls.seed_pull(store, each, person, ago(each["days_ago"]))


def _seed_issue(store: Store, each: dict[str, Any], ago: Any) -> None:
    values = {name: each[name] for name in ("title", "body", "labels", "assignees", "user")}
    record = new_issue(store, each["repository"], values, ago(each["days_ago"]))
    for user, days, body in each["comments"]:
        new_comment(store, record, user, body, ago(days))
        record = store.get("github/issues", f"{record['repository']}#{record['number']}") or record
    if each["state"] == "closed":
        closed_at = ago(each["closed_days_ago"])
        closed = {"state": "closed", "state_reason": "completed", "closed_at": closed_at, "updated_at": closed_at}
        save(store, {**record, **closed, "closed_by": (each["assignees"] or [each["user"]])[0]})


def _changes(store: Store, each: dict[str, Any]) -> dict[str, bytes | None]:
    """Return the files that a sample commit changes: `before` becomes `after`, or `after` is appended."""
    head = github_commits.find_commit(store, each["repository"], "")
    texts: dict[str, str] = {}
    for change in each["changes"]:
        path, before, after = change["path"], change["before"], change["after"]
        sha = head["tree"].get(path) if head else None
        text = texts.get(path, github_commits.content_of(store, sha).decode())
        texts[path] = text + after if before is None else text.replace(before, after)
    return {path: text.encode() for path, text in texts.items()}
