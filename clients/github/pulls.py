"""Pull requests on GitHub: read, open, review, merge."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from clients.errors import Conflict
from clients.github import values as github_values
from clients.github.api import CLOCK_SKEW, GitHubApi, shaped, things
from clients.github.issues import to_restore
from clients.github.transport import SERVICE, raw, reading
from clients.github.values import given, utc
from clients.listing import ItemList, Json


class Pulls:
    """Pull requests that the account can see."""

    def __init__(self, api: GitHubApi) -> None:
        self._api = api

    @reading()
    def listed(self, repository: str, state: str, base: str, head: str, limit: int) -> ItemList:
        """List pull requests, newest first; `head` is a branch, or owner:branch for a fork."""
        owner = github_values.repository_name(repository).partition("/")[0]
        # GitHub filters only by `owner:branch` (List pull requests).
        head = head if ":" in head or not head else f"{owner}:{head}"
        found = self._api.repository(repository).get_pulls(
            state=state, sort="created", direction="desc", **given(base=base or None, head=head or None)
        )
        return shaped(github_values.pull, things(found), limit)

    @reading()
    def get(self, repository: str, number: int, files: int, characters: int) -> Json:
        """Return a pull request with at most `files` files and, in all, `characters` characters of patches."""
        pull = self._api.pull(repository, number)
        found = raw(pull.complete())
        changed = [raw(each) for each in itertools.islice(pull.get_files(), files)] if files else []
        return {**github_values.whole_pull(found), **github_values.changes(changed, characters, found["changed_files"])}

    @reading()
    def fields(self, repository: str, number: int) -> Json:
        """Return all fields of a pull request that `change` sets: {id, number, url, title, state, body, base, …}.

        The body comes without this program's hidden marker.
        """
        found = raw(self._api.pull(repository, number).complete())
        body = github_values.unmarked(found.get("body") or "")
        return {**github_values.written(found), "body": body, "base": str(found["base"]["ref"])}

    @reading()
    def change(self, repository: str, number: int, changes: Mapping[str, Any]) -> Json:
        """Set fields of a pull request, named as in `fields`: {id, number, url, title, state}; its marker is kept."""
        return self._api.changed(self._api.pull(repository, number), changes)

    def undo_change(self, repository: str, number: int, left: Mapping[str, Any], before: Mapping[str, Any]) -> None:
        """Restore the fields to `before` if each still has its value in `left`; otherwise raise Conflict."""
        changed = to_restore(number, self.fields(repository, number), left, before)
        if changed:
            self.change(repository, number, changed)

    @reading()
    def create(self, repository: str, fields: Mapping[str, Any], marker: str) -> Json:
        """Open a pull request from {title, body, head, base, draft}; `marker` is hidden at the end of its body."""
        body = github_values.marked(str(fields["body"]), marker)
        made = self._api.repository(repository).create_pull(**{**fields, "body": body})
        return github_values.opened_pull(raw(made))

    @reading()
    def find(self, repository: str, marker: str, intended_at: datetime) -> Json | None:
        """Find the pull request with this marker among those changed since then; by listing."""
        since = utc(intended_at) - CLOCK_SKEW
        for issue in self._api.repository(repository).get_issues(state="all", since=since):
            found = raw(issue)
            if "pull_request" in found and github_values.marker_of(marker) in (found.get("body") or ""):
                return github_values.opened_pull(raw(self._api.pull(repository, int(found["number"])).complete()))
        return None

    @reading()
    def review(self, repository: str, number: int, event: str, body: str, marker: str) -> Json:
        """Review a pull request: {id, url, state}; `event` is COMMENT, APPROVE or REQUEST_CHANGES."""
        made = self._api.pull(repository, number).create_review(body=github_values.marked(body, marker), event=event)
        return github_values.review(raw(made))

    @reading()
    def find_review(self, repository: str, number: int, marker: str) -> Json | None:
        """Find the review with this marker."""
        for each in self._api.pull(repository, number).get_reviews():
            if github_values.marker_of(marker) in (raw(each).get("body") or ""):
                return github_values.review(raw(each))
        return None

    @reading()
    def dismiss_review(self, repository: str, number: int, review: int, message: str) -> None:
        """Dismiss a review; one already dismissed stays so. Raises Conflict if it is only a comment."""
        found = self._api.pull(repository, number).get_review(review)
        state = raw(found)["state"]
        if state == "COMMENTED":
            raise Conflict("A review that only comments cannot be undone.", service=SERVICE)
        if state != "DISMISSED":
            found.dismiss(message)

    @reading()
    def merge(self, repository: str, number: int, method: str, sha: str, title: str, message: str) -> Json:
        """Merge: {number, url, merged, sha, changed}; `changed` is false if it was merged already.

        `sha`: the expected head commit, empty for any. Raises Conflict if the head differs or cannot be merged.
        """
        pull = self._api.pull(repository, number)
        found = raw(pull.complete())
        if found["merged"]:
            return github_values.merged(found, found["merge_commit_sha"], changed=False)
        if found["state"] != "open":
            raise Conflict(f"Pull request #{number} was closed.", service=SERVICE)
        asked = given(sha=sha or None, commit_title=title or None, commit_message=message or None)
        done = pull.merge(merge_method=method, **asked)
        return github_values.merged(found, raw(done)["sha"], changed=True)

    @reading()
    def find_merge(self, repository: str, number: int) -> Json | None:
        """Return how a pull request was merged, or None if it was not."""
        found = raw(self._api.pull(repository, number).complete())
        return github_values.merged(found, found["merge_commit_sha"], changed=True) if found["merged"] else None
