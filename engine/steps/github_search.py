"""The step that searches issues and pull requests on GitHub."""

from __future__ import annotations

from typing import Any, Literal

from engine.step import Fields, destination, option
from engine.steps.github import IssueText
from engine.steps.github_repository import MOST, Listing


class SearchIssuesFields(Fields):
    """What is looked for, in GitHub's words (https://docs.github.com/search-github)."""

    query: str = option("Search", min_length=1)
    repository: str = destination("Only in this repository", "", format="github-repository")
    kind: Literal["issue", "pull_request"] = option("What", "issue")
    limit: int = option("At most", 25, ge=1, le=MOST - 1)


class FoundIssue(IssueText):
    """An issue or pull request that was found."""

    repository: str
    is_pull: bool


class SearchIssues(Listing):
    """Searches issues or pull requests. The search learns of a change some seconds late; `list_issues` does not."""

    name = "github.search_issues"
    title = "Search issues"
    listed, of = "issues", FoundIssue
    fields = SearchIssuesFields

    def lister(self, client: Any) -> Any:
        """The search."""
        return client.issues.search
