"""Requested reviewers, and comments on the lines of a pull request."""

from __future__ import annotations

from typing import Any

from demo.call import StandInCall, StandInReply, Table
from demo.github.call import BODY_LENGTH, invalid, login, names, not_found, now, page, since, text
from demo.github.events import request_review
from demo.github.objects import Record, page_of
from demo.github.pull_objects import files_of, head_of, review_comment, simple_pull
from demo.github.pulls import pull_of
from demo.github.records import REPOSITORY, issue_of, repository_of, save
from demo.service import Refused

_KIND = "github/review_comments"


def request_reviewers(call: StandInCall) -> StandInReply:
    """POST: request reviews of collaborators; 422 for anybody else, and for the author."""
    record = pull_of(call)
    for each in _reviewers(call):
        if each == record["user"]:
            raise Refused(422, "Review cannot be requested from pull request author.")
        if each not in {*repository_of(call)["collaborators"], login(call.store)}:
            raise Refused(422, "Reviews may only be requested from collaborators. One or more of the users is not one.")
    for each in _reviewers(call):
        request_review(call.store, pull_of(call), each, login(call.store), now())
    return StandInReply(simple_pull(call.base, call.store, pull_of(call)), 201)


def withdraw_reviewers(call: StandInCall) -> StandInReply:
    """DELETE: withdraw requests."""
    record, gone = pull_of(call), set(_reviewers(call))
    left = [each for each in record["pull"]["reviewers"] if each not in gone]
    save(call.store, {**record, "pull": {**record["pull"], "reviewers": left}, "updated_at": now()})
    return StandInReply(simple_pull(call.base, call.store, pull_of(call)))


def _reviewers(call: StandInCall) -> list[str]:
    if call.body.get("team_reviewers"):
        raise Refused(422, "Could not resolve to a node with the global id of a team.")  # the demo has no teams
    return names(call, "reviewers") or []


def list_comments(call: StandInCall) -> StandInReply:
    """GET the comments on lines of a pull request, oldest first, with since and paging."""
    record, changed_after = pull_of(call), since(call)
    kept = [
        each
        for each in call.store.all(_KIND)
        if (each["repository"], each["pull"]) == (record["repository"], record["number"])
        and each["updated_at"] >= changed_after
    ]
    return page(call, kept, lambda each: review_comment(call.base, each))


def create_comment(call: StandInCall) -> StandInReply:
    """POST a comment on a line of a file that the pull request changes."""
    record = pull_of(call)
    body, path = (str(text(call, "PullRequestReviewComment", name, longest=BODY_LENGTH)) for name in ("body", "path"))
    commit = text(call, "PullRequestReviewComment", "commit_id", longest=40)
    line, side = call.body.get("line"), call.body.get("side", "RIGHT")
    changed = {each["filename"]: each for each in files_of(call.base, call.store, record)}
    if path not in changed:
        raise invalid("PullRequestReviewComment", "path", "invalid", "path is not part of the pull request")
    if commit != head_of(call.store, record):
        raise invalid("PullRequestReviewComment", "commit_id", "invalid")
    if not isinstance(line, int) or line < 1 or side not in {"LEFT", "RIGHT"}:
        raise invalid("PullRequestReviewComment", "line", "invalid", "line must be part of the diff")
    number, at = 5_100_000 + call.store.next_number("github/id"), now()
    values: dict[str, Any] = {
        "id": number,
        "repository": record["repository"],
        "pull": record["number"],
        "html": page_of("", record),
        "user": login(call.store),
        "body": body,
        "path": path,
        "line": line,
        "side": side,
        "commit": commit,
        "patch": str(changed[path].get("patch") or ""),
        "created_at": at,
        "updated_at": at,
    }
    call.store.put(_KIND, str(number), values)
    save(call.store, {**issue_of(call), "updated_at": at})
    shown = review_comment(call.base, values)
    return StandInReply(shown, 201, {"location": shown["url"]})


def _comment(call: StandInCall) -> Record:
    found = call.store.get(_KIND, call.part("id"))
    if found is None or found["repository"] != repository_of(call)["full_name"]:
        raise not_found()
    return found


def get_comment(call: StandInCall) -> StandInReply:
    """GET one comment."""
    return StandInReply(review_comment(call.base, _comment(call)))


def update_comment(call: StandInCall) -> StandInReply:
    """PATCH a comment's body."""
    record = _comment(call)
    record["body"] = text(call, "PullRequestReviewComment", "body", longest=BODY_LENGTH)
    call.store.put(_KIND, str(record["id"]), {**record, "updated_at": now()})
    return StandInReply(review_comment(call.base, _comment(call)))


def delete_comment(call: StandInCall) -> StandInReply:
    """DELETE a comment."""
    call.store.delete(_KIND, str(_comment(call)["id"]))
    return StandInReply(None, 204)


_PULLS = f"{REPOSITORY}/pulls"
_ONE = f"{_PULLS}/{{number:int}}"
TABLE: Table = (
    ("POST", f"{_ONE}/requested_reviewers", request_reviewers),
    ("DELETE", f"{_ONE}/requested_reviewers", withdraw_reviewers),
    ("GET", f"{_ONE}/comments", list_comments),
    ("POST", f"{_ONE}/comments", create_comment),
    ("GET", f"{_PULLS}/comments/{{id:int}}", get_comment),
    ("PATCH", f"{_PULLS}/comments/{{id:int}}", update_comment),
    ("DELETE", f"{_PULLS}/comments/{{id:int}}", delete_comment),
)
