"""Steps that read commits and branches on GitHub, and the one that creates a branch."""

from __future__ import annotations

from typing import Any

from pydantic import AwareDatetime

from clients.wording import counted
from engine.plugins.step import (
    Call,
    JsonValue,
    Output,
    Part,
    Receipt,
    Written,
    address,
    changes_respected,
    destination,
    option,
    outside,
)
from engine.steps.github.repository import (
    Changes,
    FindableWriting,
    Limited,
    Listing,
    Reading,
    Repository,
    WithChanges,
    noted,
)


class CommitText(Part):
    """A commit as it is read."""

    sha: str
    message: str = outside("Message")
    author: str = outside("Author")
    date: str
    url: str = address("Address")


class ListCommitsFields(Limited):
    """The repository, and filters."""

    since: AwareDatetime | None = option("Since", None)
    until: AwareDatetime | None = option("Until", None)
    branch: str = option("Branch", "")
    path: str = option("Only this path", "")


class ListCommits(Listing):
    """List the commits of a repository, newest first."""

    name = "github.list_commits"
    title = "List commits"
    listed, of = "commits", CommitText
    fields = ListCommitsFields

    def lister(self, client: Any) -> Any:
        """Return the method that lists commits."""
        return client.list_commits


class GetCommitFields(WithChanges):
    """The commit to read."""

    commit: str = option("Commit, branch or tag", min_length=1)


class GetCommitOutput(Changes):
    """The commit and its changes."""

    sha: str
    message: str = outside("Message")
    author: str = outside("Author")
    date: str
    url: str = address("Address")
    additions: int
    deletions: int


class GetCommit(Reading):
    """Read one commit and its changes; long changes are shortened and marked as such."""

    name = "github.get_commit"
    title = "Read a commit"
    fields = GetCommitFields
    output = GetCommitOutput

    def call(self, call: Call) -> JsonValue:
        """Read the commit."""
        it = call.fields
        return noted(call, call.client.branches.commit(it.repository, it.commit, it.max_files, it.max_characters))


class CompareFields(WithChanges):
    """What to compare."""

    base: str = option("From (branch, tag or commit)", min_length=1)
    head: str = option("To (branch, tag or commit)", min_length=1)
    max_commits: int = option("Maximum commits", 100, ge=0, le=1000)


class CompareOutput(Changes):
    """The changes in `head` that are not in `base`; `commits` oldest first, `commit_count` is their total number."""

    status: str
    ahead_by: int
    behind_by: int
    url: str = address("Address")
    commits: list[CommitText]
    commit_count: int


class CompareCommits(Reading):
    """Compare two branches, tags or commits; long changes are shortened and marked as such."""

    name = "github.compare_commits"
    title = "Compare commits"
    fields = CompareFields
    output = CompareOutput

    def call(self, call: Call) -> JsonValue:
        """Compare them."""
        it = call.fields
        sizes = (it.max_commits, it.max_files, it.max_characters)
        found = call.client.branches.compare(it.repository, it.base, it.head, *sizes)
        if len(found["commits"]) < found["commit_count"]:
            said = f"{counted(found['commit_count'], 'commit')}; {len(found['commits']):,} of them are in `commits`"
            call.notes.append(f"{said}: raise `max_commits`.")
        return noted(call, found)


class Branch(Part):
    """A branch; `sha` is its newest commit."""

    name: str = outside("Name")
    sha: str
    protected: bool


class ListBranches(Listing):
    """List the branches of a repository."""

    name = "github.list_branches"
    title = "List branches"
    listed, of = "branches", Branch
    fields = Limited

    def lister(self, client: Any) -> Any:
        """Return the method that lists branches."""
        return client.branches.listed


class CreateBranchFields(Repository):
    """The name of the branch and its starting point."""

    # Characters that git allows in no name (git-check-ref-format).
    branch: str = destination("Name", min_length=1, max_length=200, pattern=r"^[^\s~^:?*\\\[]+$")
    start: str = destination("Starting point (branch, tag or commit; empty: the default branch)", "")


class CreateBranchOutput(Output):
    """The branch; `sha` is the commit it starts at."""

    name: str
    sha: str
    url: str = address("Address")


class CreateBranch(FindableWriting):
    """Create a branch. If the name is already taken, the step fails with a conflict."""

    name = "github.create_branch"
    title = "Create a branch"
    fields = CreateBranchFields
    output = CreateBranchOutput

    def call(self, call: Call) -> JsonValue:
        """Create the branch."""
        return call.client.branches.create(call.fields.repository, call.fields.branch, call.fields.start)

    def find(self, call: Call) -> JsonValue | None:
        """Look for the ref of the branch."""
        return call.client.branches.find(call.fields.repository, call.fields.branch)

    undoes = "deletes the branch"

    def undo(self, call: Call, written: Written) -> None:
        """Delete the branch, unless somebody else has added commits."""
        it, start = call.fields, written.output["sha"]
        with changes_respected():
            call.client.branches.remove(it.repository, it.branch, start, written.undone_markers)

    def receipt(self, output: JsonValue) -> Receipt:
        """Return the branch's name and address."""
        return Receipt(id=output["name"], url=output["url"])
