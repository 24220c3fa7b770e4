"""Changes of issues on GitHub: their fields, their labels; and the search for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from clients.errors import Conflict, InvalidRequest, NotFound
from clients.github import values as github_values
from clients.github.api import Api, shaped
from clients.github.transport import SERVICE, raw, reading
from clients.github.values import Json


class Issues:
    """Issues and pull requests, which are issues to GitHub wherever it is about these fields."""

    def __init__(self, api: Api) -> None:
        self._api = api

    @reading()
    def fields(self, repository: str, number: int) -> Json:
        """Give an issue with all that can be changed: {id, number, url, title, body, state, labels, assignees, …}.

        `milestone` is its number or None; the body comes without the marker that this program hides in it.
        """
        found = raw(self._api.issue(repository, number).complete())
        return {
            **github_values.written(found),
            "state_reason": found.get("state_reason"),
            "body": github_values.unmarked(found.get("body") or ""),
            "labels": [label["name"] for label in found["labels"]],
            "assignees": [user["login"] for user in found["assignees"]],
            "milestone": (found.get("milestone") or {}).get("number"),
        }

    @reading()
    def change(self, repository: str, number: int, changes: Mapping[str, Any]) -> Json:
        """Set fields of an issue as `fields` names them: {id, number, url, title, state}; its marker stays."""
        issue = self._api.issue(repository, number)
        asked = dict(changes)
        if "body" in asked:
            asked["body"] += github_values.mark_in(raw(issue.complete()).get("body") or "")
        _, data = self._api.requester.requestJsonAndCheck("PATCH", issue.url, input=asked)
        return github_values.written(data)

    def undo_change(self, repository: str, number: int, left: Mapping[str, Any], before: Mapping[str, Any]) -> None:
        """Set the fields back to `before`, where each still is as it was `left`; Conflict where one is not."""
        present = self.fields(repository, number)
        # Why it is closed follows from whether it is.
        changed = {name for name in before if name != "state_reason" and not _is_same(present[name], before[name])}
        for name in sorted(changed):
            if not _is_same(present[name], left[name]):
                raise Conflict(
                    f"Somebody changed {name} of #{number} since.",
                    service=SERVICE,
                    remedy="It was left as it is: look at it, then decide there.",
                )
        if changed:
            self.change(repository, number, {name: before[name] for name in changed})

    @reading()
    def add_labels(self, repository: str, number: int, labels: Sequence[str]) -> list[str]:
        """Put labels on; give the labels that are on it now."""
        url = f"{self._api.issue(repository, number).url}/labels"
        _, data = self._api.requester.requestJsonAndCheck("POST", url, input={"labels": list(labels)})
        return [str(each["name"]) for each in data]

    def remove_labels(self, repository: str, number: int, labels: Sequence[str]) -> list[str] | None:
        """Take labels off, one by one; one that is not on it is off already. Give the rest, None if none was on it."""
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
        """Give the number of the milestone of this title (or number); InvalidRequest where there is none."""
        titles = []
        for each in self._api.repository(repository).get_milestones(state="all"):
            found = raw(each)
            titles.append(str(found["title"]))
            if title.strip().casefold() in {found["title"].strip().casefold(), str(found["number"])}:
                return int(found["number"])
        raise InvalidRequest(
            f"There is no milestone {title!r}.",
            service=SERVICE,
            remedy=f"There are {', '.join(titles[:20])}." if titles else "Make it on GitHub first.",
        )

    @reading()
    def search(self, query: str, repository: str, kind: str, limit: int) -> list[Json]:
        """Search issues (`kind` "issue") or pull requests in GitHub's own words, the best first.

        An empty `repository` is all that the account sees. The index learns of a change some seconds late.
        """
        from github.Issue import Issue
        from github.PaginatedList import PaginatedList

        words = [query, "is:issue" if kind == "issue" else "is:pull-request"]
        words += [f"repo:{github_values.repository_name(repository)}"] if repository else []
        found: Any = PaginatedList(Issue, self._api.requester, "/search/issues", {"q": " ".join(words)})
        return shaped(github_values.found_issue, found, limit)


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        return sorted(map(str.casefold, one)) == sorted(map(str.casefold, other))
    if isinstance(one, str) and isinstance(other, str):
        return one.replace("\r\n", "\n").strip() == other.replace("\r\n", "\n").strip()
    return bool((one or None) == (other or None))
