"""Releases on GitHub, and its workflows of GitHub Actions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from clients.errors import Conflict, NotFound
from clients.github import values as github_values
from clients.github.api import Api, shaped
from clients.github.transport import SERVICE, raw, reading
from clients.github.values import Json, given

if TYPE_CHECKING:
    from github.GitRelease import GitRelease


class Releases:
    """The releases of the repositories that one account sees."""

    def __init__(self, api: Api) -> None:
        self._api = api

    @reading()
    def listed(self, repository: str, limit: int) -> list[Json]:
        """List releases, the newest first; drafts only where the account may write."""
        return shaped(github_values.release, self._api.repository(repository).get_releases(), limit)

    @reading()
    def create(self, repository: str, fields: Mapping[str, Any], marker: str) -> Json:
        """Make a release of {tag, title, body, target, draft, prerelease}; `marker` is hidden in its body."""
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
        """Look for the release with this marker among all: one of an old commit does not stand among the newest."""
        for each in self._api.repository(repository).get_releases():
            if github_values.marker_of(marker) in (raw(each).get("body") or ""):
                return github_values.made_release(raw(each))
        return None

    @reading()
    def remove(self, repository: str, release: int, title: str, body: str) -> None:
        """Delete a release that still says this; one that is gone is deleted. Conflict where it was changed."""
        found = self._release(repository, release)
        try:
            present = raw(found.complete())
        except NotFound:
            self._api.repository(repository).complete()
            return
        text = github_values.unmarked(present.get("body") or "")
        if (present.get("name") or "") != title or text.strip() != body.replace("\r\n", "\n").strip():
            raise Conflict(
                f"The release {present['tag_name']} was changed since.",
                service=SERVICE,
                remedy="It was left as it is: look at it, then decide there.",
            )
        found.delete_release()

    def _release(self, repository: str, release: int) -> GitRelease:
        from github.GitRelease import GitRelease

        name = github_values.repository_name(repository)
        return GitRelease(self._api.requester, url=f"/repos/{name}/releases/{release}")

    @reading()
    def dispatch(self, repository: str, workflow: str, ref: str, inputs: Mapping[str, Any]) -> Json:
        """Start a workflow of GitHub Actions: {id, url} of its run, both empty where the server does not tell."""
        name = github_values.repository_name(repository)
        _, data = self._api.requester.requestJsonAndCheck(
            "POST",
            f"/repos/{name}/actions/workflows/{quote(workflow, safe='')}/dispatches",
            input={"ref": ref, "inputs": dict(inputs), "return_run_details": True},
        )
        told = data or {}
        return {"id": str(told.get("workflow_run_id", "")), "url": str(told.get("html_url", ""))}
