"""The objects of PyGithub that one account works with, none of them asked for before it is needed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from clients.github import values as github_values
from clients.github.transport import raw
from clients.github.values import Json

if TYPE_CHECKING:
    from github.GithubObject import GithubObject
    from github.Issue import Issue
    from github.IssueComment import IssueComment
    from github.PullRequest import PullRequest
    from github.Repository import Repository
    from github.Requester import Requester

CLOCK_SKEW = timedelta(seconds=120)
"""How far GitHub's clock may be from ours when we look for what we wrote."""


class Api:
    """Makes the objects by their names; a wrong name raises InvalidRequest, nothing is sent."""

    def __init__(self, requester: Requester) -> None:
        self.requester = requester

    def repository(self, name: str) -> Repository:
        """Give a repository by owner/name."""
        from github.Repository import Repository

        return Repository(self.requester, url=f"/repos/{github_values.repository_name(name)}")

    def issue(self, repository: str, number: int) -> Issue:
        """Give an issue; a pull request is one, too."""
        from github.Issue import Issue

        return Issue(self.requester, url=f"/repos/{github_values.repository_name(repository)}/issues/{number}")

    def pull(self, repository: str, number: int) -> PullRequest:
        """Give a pull request."""
        from github.PullRequest import PullRequest

        return PullRequest(self.requester, url=f"/repos/{github_values.repository_name(repository)}/pulls/{number}")

    def comment(self, repository: str, comment: int) -> IssueComment:
        """Give a comment by its id."""
        from github.IssueComment import IssueComment

        name = github_values.repository_name(repository)
        return IssueComment(self.requester, url=f"/repos/{name}/issues/comments/{comment}")


def shaped(shape: Callable[[Mapping[str, Any]], Json], found: Iterable[GithubObject], limit: int) -> list[Json]:
    """Give the first of a list as workflows see them; a list asks for its pages as it is read."""
    return [shape(raw(each)) for each in itertools.islice(found, limit)]


def held(changed: GithubObject, *names: str) -> Json:
    """What a changed object says now: PyGithub keeps the answer to a change in its attributes only."""
    return {name: getattr(changed, name) for name in names}
