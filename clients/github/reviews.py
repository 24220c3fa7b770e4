"""Who reviews a pull request on GitHub, and the comments on its lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from clients.github import values as github_values
from clients.github.api import CLOCK_SKEW, GitHubApi, shaped, things
from clients.github.transport import raw, reading
from clients.github.undo import delete_comment
from clients.github.values import given, utc
from clients.listing import ItemList, Json


class Reviews:
    """The reviewers and review comments of pull requests that the account can see."""

    def __init__(self, api: GitHubApi) -> None:
        self._api = api

    @reading()
    def reviewers(self, repository: str, number: int) -> Json:
        """Return a pull request and whose review is requested: {id, number, url, title, reviewers, teams}."""
        return github_values.review_requests(raw(self._api.pull(repository, number).complete()))

    @reading()
    def request(self, repository: str, number: int, reviewers: Sequence[str], teams: Sequence[str]) -> Json:
        """Request reviews of people and of teams (by their slug); return what `reviewers` returns."""
        return self._requested("POST", repository, number, reviewers, teams)

    @reading()
    def withdraw(self, repository: str, number: int, reviewers: Sequence[str], teams: Sequence[str]) -> Json:
        """Withdraw requests; one that is no longer there is ignored by GitHub."""
        return self._requested("DELETE", repository, number, reviewers, teams)

    def _requested(
        self, method: str, repository: str, number: int, reviewers: Sequence[str], teams: Sequence[str]
    ) -> Json:
        url = f"{self._api.pull(repository, number).url}/requested_reviewers"
        asked = {"reviewers": list(reviewers), "team_reviewers": list(teams)}
        _, data = self._api.requester.requestJsonAndCheck(method, url, input=asked)
        return github_values.review_requests(data)

    @reading()
    def comments(self, repository: str, pull: int, since: datetime | None, limit: int) -> ItemList:
        """List the comments on lines of a pull request, oldest first; `since` refers to their last change."""
        found = self._api.pull(repository, pull).get_review_comments(**given(since=utc(since)))
        return shaped(github_values.review_comment, things(found), limit)

    @reading()
    def comment(self, repository: str, number: int, fields: Mapping[str, Any], marker: str) -> Json:
        """Comment on a line: {id, url, path, line, commit}; `marker` is hidden at the end of the body.

        `fields`: {body, path, line, side, commit}; an empty commit is the newest one.
        """
        pull = self._api.pull(repository, number)
        # GitHub demands a commit for a comment on a line.
        commit = fields["commit"] or raw(pull.complete())["head"]["sha"]
        asked = {
            "body": github_values.marked(str(fields["body"]), marker),
            "commit_id": commit,
            **{name: fields[name] for name in ("path", "line", "side")},
        }
        _, data = self._api.requester.requestJsonAndCheck("POST", f"{pull.url}/comments", input=asked)
        return github_values.placed_comment(data)

    @reading()
    def find_comment(self, repository: str, number: int, marker: str, intended_at: datetime) -> Json | None:
        """Find the comment with this marker among those changed since then."""
        since = utc(intended_at) - CLOCK_SKEW
        for each in things(self._api.pull(repository, number).get_review_comments(since=since)):
            if github_values.marker_of(marker) in (each.get("body") or ""):
                return github_values.placed_comment(each)
        return None

    @reading()
    def update_comment(self, repository: str, comment: int, body: str, marker: str) -> Json:
        """Replace the text of a comment; returns what `comment` returns."""
        found = self._api.review_comment(repository, comment)
        asked = {"body": github_values.marked(body, marker)}
        _, data = self._api.requester.requestJsonAndCheck("PATCH", found.url, input=asked)
        return github_values.placed_comment(data)

    @reading()
    def undo_comment(self, repository: str, comment: int, body: str, marker: str) -> None:
        """Delete the comment; raises Conflict if somebody has changed it."""
        left = github_values.marked(body, marker)
        delete_comment(self._api.repository(repository), self._api.review_comment(repository, comment), left)
