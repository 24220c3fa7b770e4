"""Changes to GitHub issues (fields, labels, locks), their comments, and issue search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from clients.errors import Conflict, InvalidRequest, NotFound
from clients.github import values as github_values
from clients.github.api import GitHubApi, shaped, things
from clients.github.transport import SERVICE, raw, reading
from clients.github.values import given, utc
from clients.listing import ItemList, Json


class Issues:
    """Issues and pull requests; for GitHub, a pull request is an issue as far as these fields go."""

    def __init__(self, api: GitHubApi) -> None:
        self._api = api

    @reading()
    def fields(self, repository: str, number: int) -> Json:
        """Return all fields of an issue that can be changed: {id, number, url, title, body, state, labels, …}.

        `milestone` is its number or None; the body comes without this program's hidden marker.
        """
        found = raw(self._api.issue(repository, number).complete())
        return {
            **github_values.written(found),
            "state_reason": found.get("state_reason"),
            "body": github_values.unmarked(found.get("body") or ""),
            "labels": [label["name"] for label in found["labels"]],
            "assignees": [user["login"] for user in found["assignees"]],
            "milestone": (found.get("milestone") or {}).get("number"),
            "locked": bool(found.get("locked")),
            "lock_reason": found.get("active_lock_reason") or "",
        }

    @reading()
    def change(self, repository: str, number: int, changes: Mapping[str, Any]) -> Json:
        """Set fields of an issue, named as in `fields`: {id, number, url, title, state}; its marker is kept."""
        return self._api.changed(self._api.issue(repository, number), changes)

    def undo_change(self, repository: str, number: int, left: Mapping[str, Any], before: Mapping[str, Any]) -> None:
        """Restore the fields to `before` if each still has its value in `left`; otherwise raise Conflict."""
        changed = to_restore(number, self.fields(repository, number), left, before)
        if changed:
            self.change(repository, number, changed)

    @reading()
    def lock(self, repository: str, number: int, reason: str) -> None:
        """Let only people with write access comment; `reason` is one of GitHub's words, or empty."""
        url = f"{self._api.issue(repository, number).url}/lock"
        self._api.requester.requestJsonAndCheck("PUT", url, input=given(lock_reason=reason or None))

    @reading()
    def unlock(self, repository: str, number: int) -> None:
        """Let everybody comment again; an issue that is not locked stays so."""
        self._api.requester.requestJsonAndCheck("DELETE", f"{self._api.issue(repository, number).url}/lock")

    @reading()
    def comments(self, repository: str, issue: int, since: datetime | None, limit: int) -> ItemList:
        """List the comments on an issue or pull request, oldest first; `since` refers to their last change."""
        found = self._api.issue(repository, issue).get_comments(**given(since=utc(since)))
        return shaped(github_values.whole_comment, things(found), limit)

    @reading()
    def add_labels(self, repository: str, number: int, labels: Sequence[str]) -> list[str]:
        """Add labels; return the labels that the issue has now."""
        url = f"{self._api.issue(repository, number).url}/labels"
        _, data = self._api.requester.requestJsonAndCheck("POST", url, input={"labels": list(labels)})
        return [str(each["name"]) for each in data]

    def remove_labels(self, repository: str, number: int, labels: Sequence[str]) -> list[str] | None:
        """Remove labels one by one, ignoring missing ones. Return the rest, or None if none was on the issue."""
        left: list[str] | None = None
        for label in labels:
            url = f"{self._api.issue(repository, number).url}/labels/{quote(label, safe='')}"
            try:
                with reading():
                    _, data = self._api.requester.requestJsonAndCheck("DELETE", url)
                    left = [str(each["name"]) for each in data]
            except NotFound:
                continue
        return left

    @reading()
    def milestone(self, repository: str, title: str) -> int:
        """Return the number of the milestone with this title (or number). Raises InvalidRequest if there is none."""
        titles = []
        for each in self._api.repository(repository).get_milestones(state="all"):
            found = raw(each)
            titles.append(str(found["title"]))
            if title.strip().casefold() in {found["title"].strip().casefold(), str(found["number"])}:
                return int(found["number"])
        raise InvalidRequest(
            f"There is no milestone {title!r}.",
            service=SERVICE,
            remedy=f"Existing milestones: {', '.join(titles[:20])}." if titles else "Create it on GitHub first.",
        )

    @reading()
    def search(self, query: str, repository: str, kind: str, limit: int) -> ItemList:
        """Search issues (`kind` "issue") or pull requests in GitHub's search syntax, best match first.

        An empty `repository` searches all that the account can see. The index lags some seconds behind. A search that
        takes GitHub too long ends early
        (https://docs.github.com/en/rest/search/search#timeouts-and-incomplete-results).
        """
        from github.Issue import Issue
        from github.PaginatedList import PaginatedList

        words = [query, "is:issue" if kind == "issue" else "is:pull-request"]
        words += [f"repo:{github_values.repository_name(repository)}"] if repository else []
        found: Any = PaginatedList(Issue, self._api.requester, "/search/issues", {"q": " ".join(words)})
        issues = shaped(github_values.found_issue, things(found), limit)
        issues.unsearched = _INCOMPLETE if found.incomplete_results else ""
        return issues


_INCOMPLETE = "GitHub did not look through everything, as that took too long: narrow the search, as to a repository."


def to_restore(number: int, present: Json, left: Mapping[str, Any], before: Mapping[str, Any]) -> Json:
    """Return the old values of fields that still have the values in `left`; raises Conflict if one was changed since.

    Fields that have their old value again are left out.
    """
    # `state_reason` follows from `state`.
    changed = {name for name in before if name != "state_reason" and not _is_same(present[name], before[name])}
    for name in sorted(changed):
        if not _is_same(present[name], left[name]):
            raise Conflict(
                f"Somebody has changed {name} of #{number} since.",
                service=SERVICE,
                remedy="It was left unchanged. Check it there and decide.",
            )
    return {name: before[name] for name in changed}


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        # GitHub ignores the case of labels and logins.
        return sorted(map(str.casefold, one)) == sorted(map(str.casefold, other))
    if isinstance(one, str) and isinstance(other, str):
        # Browsers send CRLF, which GitHub keeps.
        return one.replace("\r\n", "\n").strip() == other.replace("\r\n", "\n").strip()
    return bool((one or None) == (other or None))
