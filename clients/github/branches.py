"""Branches and commits on GitHub: list, read and compare them, create a branch."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any

from clients.errors import Conflict, InvalidRequest, NotFound
from clients.github import values as github_values
from clients.github.api import GitHubApi, shaped, things
from clients.github.files import TRAILER
from clients.github.transport import SERVICE, raw, reading
from clients.listing import ItemList, Json

if TYPE_CHECKING:
    from github.Repository import Repository

_FILES_GIVEN = 300
"""docs.github.com: the page size of "Get a commit", and the total of "Compare two commits"."""


class GitHubBranches:
    """Branches of the repositories that the account can see."""

    def __init__(self, api: GitHubApi) -> None:
        self._api = api

    @reading()
    def listed(self, repository: str, limit: int) -> ItemList:
        """List branches by name: [{name, sha, protected}]."""
        return shaped(github_values.branch, things(self._api.repository(repository).get_branches()), limit)

    @reading()
    def create(self, repository: str, branch: str, start: str) -> Json:
        """Create a branch from a branch, tag or commit (empty: the default branch): {name, sha, url}.

        Raises Conflict if a branch of this name exists.
        """
        found = self._api.repository(repository)
        about = raw(found.complete())
        # Checked first: if the refusal got lost on its way, `find` would take somebody else's branch for ours.
        if self.find(repository, branch) is not None:
            raise _taken(branch)
        sha = str(raw(found.get_commit(start or about["default_branch"]).complete())["sha"])
        try:
            found.create_git_ref(f"refs/heads/{branch}", sha)
        except InvalidRequest as error:
            if "already exists" in error.message:
                raise _taken(branch) from error
            raise
        return github_values.new_branch(about, branch, sha)

    @reading()
    def find(self, repository: str, branch: str) -> Json | None:
        """Look up a branch by its ref."""
        found = self._api.repository(repository)
        try:
            sha = raw(found.get_git_ref(f"heads/{branch}").complete())["object"]["sha"]
        except NotFound:
            return None
        return github_values.new_branch(raw(found.complete()), branch, sha)

    @reading()
    def remove(self, repository: str, branch: str, sha: str, undone_markers: AbstractSet[str] = frozenset()) -> None:
        """Delete a branch that still ends at this commit, or has the same content; do nothing if it is already gone.

        `undone_markers` are the markers of our own later commits. Raises Conflict if somebody else has committed since.
        """
        found = self._api.repository(repository)
        try:
            ref = found.get_git_ref(f"heads/{branch}").complete()
        except NotFound:
            found.complete()  # raises NotFound if the repository is gone, too
            return
        head = str(raw(ref)["object"]["sha"])
        if head != sha and not _is_undone(found, sha, head, undone_markers):
            raise Conflict(
                f"The branch {branch!r} has had new commits since.",
                service=SERVICE,
                remedy="It was left unchanged. Check it there and decide.",
            )
        ref.delete()

    @reading()
    def commit(self, repository: str, reference: str, files: int, characters: int) -> Json:
        """Return a commit by sha, branch or tag, limited to `files` files and `characters` characters of patches."""
        found = raw(self._api.repository(repository).get_commit(reference).complete())
        changed = found.get("files") or []
        stats = {name: int((found.get("stats") or {}).get(name, 0)) for name in ("additions", "deletions")}
        return {**github_values.commit(found), **stats, **_shown(changed, files, characters)}

    @reading()
    def compare(self, repository: str, base: str, head: str, commits: int, files: int, characters: int) -> Json:
        """Return the changes of `head` that `base` lacks: {status, ahead_by, behind_by, url, commits, files, …}."""
        comparison = self._api.repository(repository).compare(base, head)
        found = raw(comparison.complete())
        changed: list[Any] = found.get("files") or []
        new = itertools.islice(comparison.commits, commits)
        return {
            **{name: found[name] for name in ("status", "ahead_by", "behind_by")},
            "url": str(found["html_url"]),
            "commits": [github_values.commit(raw(each)) for each in new],
            "commit_count": int(found["total_commits"]),
            **_shown(changed, files, characters),
        }


def _is_undone(repository: Repository, start: str, head: str, markers: AbstractSet[str]) -> bool:
    """Return whether all commits between the two carry one of these markers and leave every file as it was."""
    comparison = repository.compare(start, head)
    told = raw(comparison.complete())
    if told["status"] != "ahead" or told.get("files") != []:
        return False
    return all(_marker(raw(each)["commit"]["message"]) in markers for each in comparison.commits)


def _marker(message: str) -> str:
    """Return the marker at the end of a commit message, or ""."""
    return message.rstrip().rpartition(f"\n{TRAILER}: ")[2] if f"\n{TRAILER}: " in message else ""


def _shown(changed: Sequence[Mapping[str, Any]], files: int, characters: int) -> Json:
    """Describe the changed files; GitHub truncates a long list without saying so."""
    shown = github_values.changes(changed[:files], characters, len(changed))
    return {**shown, "is_cut": shown["is_cut"] or len(changed) >= _FILES_GIVEN}


def _taken(branch: str) -> Conflict:
    return Conflict(f"A branch named {branch!r} already exists.", service=SERVICE, http_status=422)
