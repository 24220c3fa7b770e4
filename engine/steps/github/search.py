"""Steps that search issues and pull requests on GitHub."""

from __future__ import annotations

from typing import Any, Literal

from engine.plugins.step import Fields, destination, option, outside
from engine.steps.github.issues_and_comments import IssueText
from engine.steps.github.repository import MOST, Listing


class SearchIssuesFields(Fields):
    """The search, in GitHub's syntax (https://docs.github.com/search-github)."""

    query: str = destination("Search", min_length=1)
    repository: str = destination("Only in this repository", "", format="github-repository")
    kind: Literal["issue", "pull_request"] = option("What", "issue")
    # A search gives at most 1,000 results (https://docs.github.com/rest/search), and `Listing` asks for one more.
    limit: int = option("At most", 25, ge=1, le=MOST - 1)


class FoundIssue(IssueText):
    """An issue or pull request that was found."""

    repository: str = outside("Repository")
    is_pull: bool


class SearchIssues(Listing):
    """Search issues or pull requests. The search index lags some seconds behind; `list_issues` does not."""

    name = "github.search_issues"
    title = "Search issues"
    listed, of = "issues", FoundIssue
    fields = SearchIssuesFields

    def lister(self, client: Any) -> Any:
        """Return the method that searches."""
        return client.issues.search
