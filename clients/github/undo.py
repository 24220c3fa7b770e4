"""Undoes writes to GitHub (an issue, a comment, a file) unless somebody has changed them since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from clients.errors import Conflict, InvalidRequest, NotFound
from clients.github.files import TRAILER, bytes_of, file_entry, present_file, sha_is_conflict
from clients.github.transport import SERVICE, raw
from clients.github.values import given, marked, marker_of
from clients.listing import Json

if TYPE_CHECKING:
    from github.Issue import Issue
    from github.IssueComment import IssueComment
    from github.PullRequestComment import PullRequestComment
    from github.Repository import Repository

_NOTE = "This {what} was opened by a workflow run that was undone. It is closed; nothing was deleted."


def close_issue(repository: Repository, issue: Issue, left: Mapping[str, str], note: str) -> None:
    """Close an issue or pull request with a comment, unless it differs from `left` {title, body}.

    `note` is the comment's marker: it is written once, however often this is called. A deleted issue counts as closed.
    """
    try:
        found = raw(issue.complete())
    except NotFound:
        _require_seen(repository)
        return
    kind = "pull request" if "pull_request" in found else "issue"
    what = f"{kind} #{found['number']}"
    if (found.get("pull_request") or {}).get("merged_at"):
        raise _changed(f"{what.capitalize()} has been merged since.")
    has_note = any(marker_of(note) in (raw(each).get("body") or "") for each in issue.get_comments())
    if found["state"] == "closed":
        if not has_note:
            raise _changed(f"{what.capitalize()} was closed{_by(found.get('closed_by'))} since.")
        return
    if found["title"] != left["title"]:
        raise _changed(f"The title of {what} has been changed since.")
    if not _is_same_text(found.get("body") or "", left["body"]):
        raise _changed(f"The text of {what} has been changed since.")
    if not has_note:  # first: a closed issue without the comment looks like one that a person closed
        issue.create_comment(marked(_NOTE.format(what=kind), note))
    if kind == "issue":
        issue.edit(state="closed", state_reason="not_planned")
    else:
        issue.edit(state="closed")


def delete_comment(repository: Repository, comment: IssueComment | PullRequestComment, left: str) -> None:
    """Delete a comment, unless its text differs from `left`; if it is already gone, do nothing."""
    try:
        found = raw(comment.complete())
        if not _is_same_text(found.get("body") or "", left):
            raise _changed(f"The comment was changed{_by(found.get('user'))} since.")
        comment.delete()
    except NotFound:
        _require_seen(repository)


def restore_file(repository: Repository, path: str, branch: str, written: Mapping[str, Any], marker: str) -> None:
    """Restore the content that a file had before a commit, by a new commit; a file that was new is deleted.

    `written`: what `put_file` or `remove_file` returned, with its `message`. Does nothing if the file already has that
    content.
    """
    before = _before(repository, path, str(written["commit"]))
    present = present_file(repository, path, branch)
    if _sha(present) == _sha(before):
        return
    if _sha(present) != written["sha"]:
        is_gone = present is None
        raise _changed(_who_changed(repository, path, branch, is_gone=is_gone))
    message = f"Undo: {written['message']}\n\nTakes back commit {written['commit']}.\n\n{TRAILER}: {marker}"
    asked = given(branch=branch or None)
    with sha_is_conflict(path):
        if before is None:
            repository.delete_file(path, message, str(written["sha"]), **asked)
        elif present is None:
            repository.create_file(path, message, bytes_of(repository, before), **asked)
        else:
            # GitHub accepts bytes, although the SDK's types allow only text.
            repository.update_file(path, message, bytes_of(repository, before), str(written["sha"]), **asked)


def _before(repository: Repository, path: str, commit: str) -> Json | None:
    """Describe the file as it was before a commit; None if the commit created it."""
    try:
        parents = raw(repository.get_commit(commit).complete())["parents"]
    except (NotFound, InvalidRequest) as error:
        if error.http_status not in (404, 422):
            raise
        _require_seen(repository)
        raise _changed(
            f"Commit {commit[:7]} no longer exists, so the earlier content of {path} is not known."
        ) from error
    if not parents:
        return None
    try:
        return file_entry(repository, path, parents[0]["sha"])
    except NotFound:
        return None


def _who_changed(repository: Repository, path: str, branch: str, *, is_gone: bool) -> str:
    what = f"{path} was {'deleted' if is_gone else 'changed'} since"
    latest = next(iter(repository.get_commits(path=path, **given(sha=branch or None))), None)
    if latest is None:
        return f"{what}."
    found = raw(latest)
    author = found.get("author") or {}
    name = author.get("login") or (found["commit"].get("author") or {}).get("name") or "somebody"
    return f"{what}: commit {found['sha'][:7]} by {name}."


def _sha(entry: Json | None) -> str:
    return str(entry["sha"]) if entry else ""


def _is_same_text(present: str, left: str) -> bool:
    """Compare texts as GitHub stores them: its web editor changes line ends."""
    return present.replace("\r\n", "\n").strip() == left.replace("\r\n", "\n").strip()


def _by(user: Mapping[str, Any] | None) -> str:
    login = (user or {}).get("login")
    return f" by {login}" if login else ""


def _require_seen(repository: Repository) -> None:
    """Tell a deleted object from a repository that the account can no longer see. Raises NotFound for the latter."""
    repository.complete()


def _changed(what: str) -> Conflict:
    return Conflict(what, service=SERVICE, remedy="It was left unchanged. Check it there and decide.")
