"""PyGithub's objects for one account, created lazily: none is fetched before it is needed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from clients.github import values as github_values
from clients.github.transport import raw
from clients.listing import ItemList, Json, readable

if TYPE_CHECKING:
    from github.GithubObject import GithubObject
    from github.Issue import Issue
    from github.IssueComment import IssueComment
    from github.PullRequest import PullRequest
    from github.PullRequestComment import PullRequestComment
    from github.Repository import Repository
    from github.Requester import Requester

CLOCK_SKEW = timedelta(seconds=120)
"""How far GitHub's clock may differ from ours when we search for our own writes."""


class GitHubApi:
    """Creates the objects from names. A malformed name raises InvalidRequest before anything is sent."""

    def __init__(self, requester: Requester) -> None:
        self.requester = requester

    def repository(self, name: str) -> Repository:
        """Return a repository by owner/name."""
        from github.Repository import Repository

        return Repository(self.requester, url=f"/repos/{github_values.repository_name(name)}")

    def issue(self, repository: str, number: int) -> Issue:
        """Return an issue; for GitHub a pull request is an issue, too."""
        from github.Issue import Issue

        return Issue(self.requester, url=f"/repos/{github_values.repository_name(repository)}/issues/{number}")

    def pull(self, repository: str, number: int) -> PullRequest:
        """Return a pull request."""
        from github.PullRequest import PullRequest

        return PullRequest(self.requester, url=f"/repos/{github_values.repository_name(repository)}/pulls/{number}")

    def comment(self, repository: str, comment: int) -> IssueComment:
        """Return a comment by its id."""
        from github.IssueComment import IssueComment

        name = github_values.repository_name(repository)
        return IssueComment(self.requester, url=f"/repos/{name}/issues/comments/{comment}")

    def review_comment(self, repository: str, comment: int) -> PullRequestComment:
        """Return a comment on a line of a pull request by its id."""
        from github.PullRequestComment import PullRequestComment

        name = github_values.repository_name(repository)
        return PullRequestComment(self.requester, url=f"/repos/{name}/pulls/comments/{comment}")

    def changed(self, issue: Issue | PullRequest, fields: Mapping[str, Any]) -> Json:
        """Set fields of an issue or pull request, whose marker is kept: {id, number, url, title, state}."""
        asked = dict(fields)
        if "body" in asked:
            asked["body"] += github_values.mark_in(raw(issue.complete()).get("body") or "")
        _, data = self.requester.requestJsonAndCheck("PATCH", issue.url, input=asked)
        return github_values.written(data)


class _Raw:
    """A list item as received: PyGithub's own classes would reject a whole page for one malformed item."""

    def __init__(self, _requester: Requester, _headers: Mapping[str, Any], attributes: Any) -> None:
        self.attributes = attributes


def things(found: Any) -> Iterator[Any]:
    """Yield the items of a PyGithub list as JSON, fetching pages as needed."""
    found._PaginatedList__contentClass = _Raw  # noqa: SLF001 - its methods make the lists, and take no class
    return (each.attributes for each in found)


def shaped(shape: Callable[[Mapping[str, Any]], Json], found: Iterable[Any], limit: int) -> ItemList:
    """Return the first items in the form that workflows see, and those that cannot be read."""
    return ItemList(readable(itertools.islice(found, limit), shape))


def held(changed: GithubObject, *names: str) -> Json:
    """Return fields of a changed object: PyGithub keeps the answer to a change in its attributes only."""
    return {name: getattr(changed, name) for name in names}
