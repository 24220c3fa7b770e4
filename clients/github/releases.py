"""GitHub releases and GitHub Actions workflows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from clients.errors import Conflict, NotFound
from clients.github import values as github_values
from clients.github.api import GitHubApi, shaped, things
from clients.github.transport import SERVICE, raw, reading
from clients.github.values import given
from clients.listing import ItemList, Json

if TYPE_CHECKING:
    from github.GitRelease import GitRelease


class Releases:
    """Releases of the repositories that the account can see."""

    def __init__(self, api: GitHubApi) -> None:
        self._api = api

    @reading()
    def listed(self, repository: str, limit: int) -> ItemList:
        """List releases, newest first; drafts only if the account may write."""
        return shaped(github_values.release, things(self._api.repository(repository).get_releases()), limit)

    @reading()
    def create(self, repository: str, fields: Mapping[str, Any], marker: str) -> Json:
        """Create a release from {tag, title, body, target, draft, prerelease}; `marker` is hidden in its body."""
        made = self._api.repository(repository).create_git_release(
            tag=fields["tag"],
            name=fields["title"] or fields["tag"],
            message=github_values.marked(fields["body"], marker),
            draft=fields["draft"],
            prerelease=fields["prerelease"],
            **given(target_commitish=fields["target"] or None),
        )
        return github_values.made_release(raw(made))

    @reading()
    def find(self, repository: str, marker: str) -> Json | None:
        """Find the release with this marker; all are read, since one of an old commit is not among the first."""
        for each in things(self._api.repository(repository).get_releases()):
            if github_values.marker_of(marker) in (each.get("body") or ""):
                return github_values.made_release(each)
        return None

    @reading()
    def remove(self, repository: str, release: int, title: str, body: str) -> None:
        """Delete a release; do nothing if it is already gone. Raises Conflict if its text has been changed."""
        found = self._release(repository, release)
        try:
            present = raw(found.complete())
        except NotFound:
            # Raises NotFound if the repository itself cannot be seen: the release may then still exist.
            self._api.repository(repository).complete()
            return
        text = github_values.unmarked(present.get("body") or "")
        if (present.get("name") or "") != title or text.strip() != body.replace("\r\n", "\n").strip():
            raise Conflict(
                f"The release {present['tag_name']} has been changed since.",
                service=SERVICE,
                remedy="It was left unchanged. Check it there and decide.",
            )
        found.delete_release()

    def _release(self, repository: str, release: int) -> GitRelease:
        from github.GitRelease import GitRelease

        name = github_values.repository_name(repository)
        return GitRelease(self._api.requester, url=f"/repos/{name}/releases/{release}")

    @reading()
    def dispatch(self, repository: str, workflow: str, ref: str, inputs: Mapping[str, Any]) -> Json:
        """Start a GitHub Actions workflow: {id, url} of its run, both empty if the server does not return them."""
        name = github_values.repository_name(repository)
        _, data = self._api.requester.requestJsonAndCheck(
            "POST",
            f"/repos/{name}/actions/workflows/{quote(workflow, safe='')}/dispatches",
            # Without the details, GitHub answers 204, and nobody knows which run was started.
            input={"ref": ref, "inputs": dict(inputs), "return_run_details": True},
        )
        told = data or {}
        return {"id": str(told.get("workflow_run_id", "")), "url": str(told.get("html_url", ""))}
