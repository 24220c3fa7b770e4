"""Comments on issues."""

from __future__ import annotations

from demo.call import StandInCall, StandInReply, Table
from demo.github.call import BODY_LENGTH, login, not_found, now, page, since, text
from demo.github.objects import Record, comment
from demo.github.records import REPOSITORY, issue_of, new_comment, repository_of, save


def list_comments(call: StandInCall) -> StandInReply:
    """GET comments of one issue, oldest first, with since and paging."""
    record, changed_after = issue_of(call), since(call)
    kept = [
        each
        for each in call.store.all("github/comments")
        if (each["repository"], each["issue"]) == (record["repository"], record["number"])
        and each["updated_at"] >= changed_after
    ]
    return page(call, kept, lambda each: comment(call.base, each))


def create_comment(call: StandInCall) -> StandInReply:
    """POST a comment to an issue."""
    body = text(call, "IssueComment", "body", longest=BODY_LENGTH)
    added = new_comment(call.store, issue_of(call), login(call.store), str(body), now())
    shown = comment(call.base, added)
    return StandInReply(shown, 201, {"location": shown["url"]})


def list_repository_comments(call: StandInCall) -> StandInReply:
    """GET /repos/{owner}/{repo}/issues/comments."""
    repository, changed_after = repository_of(call)["full_name"], since(call)
    comments = call.store.all("github/comments")
    kept = [each for each in comments if each["repository"] == repository and each["updated_at"] >= changed_after]
    return page(call, kept, lambda each: comment(call.base, each))


def _comment(call: StandInCall) -> Record:
    found = call.store.get("github/comments", call.part("id"))
    if found is None or found["repository"] != repository_of(call)["full_name"]:
        raise not_found()
    return found


def get_comment(call: StandInCall) -> StandInReply:
    """GET one comment."""
    return StandInReply(comment(call.base, _comment(call)))


def update_comment(call: StandInCall) -> StandInReply:
    """PATCH a comment's body."""
    record = _comment(call)
    record["body"], record["updated_at"] = text(call, "IssueComment", "body", longest=BODY_LENGTH), now()
    call.store.put("github/comments", str(record["id"]), record)
    return StandInReply(comment(call.base, record))


def delete_comment(call: StandInCall) -> StandInReply:
    """DELETE a comment."""
    record = _comment(call)
    call.store.delete("github/comments", str(record["id"]))
    parent = call.store.get("github/issues", f"{record['repository']}#{record['issue']}")
    if parent:
        save(call.store, {**parent, "comments": parent["comments"] - 1, "updated_at": now()})
    return StandInReply(None, 204)


_ISSUES = f"{REPOSITORY}/issues"
TABLE: Table = (
    ("GET", f"{_ISSUES}/comments", list_repository_comments),
    ("GET", f"{_ISSUES}/comments/{{id:int}}", get_comment),
    ("PATCH", f"{_ISSUES}/comments/{{id:int}}", update_comment),
    ("DELETE", f"{_ISSUES}/comments/{{id:int}}", delete_comment),
    ("GET", f"{_ISSUES}/{{number:int}}/comments", list_comments),
    ("POST", f"{_ISSUES}/{{number:int}}/comments", create_comment),
)
