"""Steps that work on GitHub: commits and files."""

from __future__ import annotations

from typing import Any

from pydantic import AwareDatetime

from engine.step import (
    Call,
    Effect,
    JsonValue,
    Output,
    Repeat,
    StepType,
    Written,
    changes_respected,
    content,
    destination,
    option,
    outside,
)
from engine.steps.github import Part, Repository, repository_of


class CommitText(Part):
    """A commit as it is read."""

    sha: str
    message: str = outside("Message")
    author: str = outside("Author")
    date: str
    url: str


class ListCommitsFields(Repository):
    """Which commits."""

    since: AwareDatetime | None = option("Since", None)
    until: AwareDatetime | None = option("Until", None)
    branch: str = option("Branch", "")
    path: str = option("Only of this path", "")
    limit: int = option("At most", 25, ge=1, le=1000)


class ListCommitsOutput(Output):
    """The commits."""

    commits: list[CommitText]


class ListCommits(StepType):
    """Lists commits of a repository, newest first."""

    name = "github.list_commits"
    title = "List commits"
    service = "github"
    effect = Effect.READS

    fields = ListCommitsFields
    output = ListCommitsOutput

    def call(self, call: Call) -> JsonValue:
        """List them."""
        it = call.fields
        found = call.client.list_commits(it.repository, it.since, it.until, it.branch, it.path, it.limit)
        return {"commits": found}


class GetFileFields(Repository):
    """Which file."""

    path: str = destination("Path", min_length=1)
    ref: str = option("Branch, tag or commit", "")


class GetFileOutput(Output):
    """The file."""

    path: str
    text: str = outside("Text")
    sha: str
    url: str


class GetFile(StepType):
    """Reads a text file of a repository."""

    name = "github.get_file"
    title = "Read a file"
    service = "github"
    effect = Effect.READS

    fields = GetFileFields
    output = GetFileOutput

    def call(self, call: Call) -> JsonValue:
        """Read it."""
        return call.client.get_file(call.fields.repository, call.fields.path, call.fields.ref)


class PutFileFields(Repository):
    """Which file, and what it shall hold."""

    path: str = destination("Path", min_length=1)
    text: str = content("Text", widget="text")
    message: str = content("Commit message", min_length=1)
    branch: str = destination("Branch", "")
    sha: str | None = option("Replaces the content of this sha", None)


class PutFileOutput(Output):
    """The file as it is now; `commit` is empty and `changed` false where it held the text already."""

    path: str
    sha: str
    commit: str
    url: str
    changed: bool


class PutFile(StepType):
    """Commits a text file; a file that someone changed meanwhile is a conflict, never overwritten."""

    name = "github.put_file"
    title = "Commit a file"
    service = "github"
    effect = Effect.WRITES
    repeat = Repeat.FINDABLE
    lag_seconds = 5.0

    fields = PutFileFields
    output = PutFileOutput

    def call(self, call: Call) -> JsonValue:
        """Commit it."""
        it = call.fields
        return call.client.put_file(it.repository, it.path, it.text, it.message, it.branch, it.sha, marker=call.marker)

    def find(self, call: Call) -> JsonValue | None:
        """Look for the commit among those on the path."""
        it = call.fields
        return call.client.find_file(it.repository, it.path, it.branch, call.marker, call.intended_at)

    undoes = "gives the file its earlier content back by a new commit, or deletes it where it was new"
    stays = "both commits in the history"

    def why_kept(self, written: Written) -> str:
        """The history knows what the file said before, also where it was written before."""
        return ""

    def undo(self, call: Call, written: Written) -> None:
        """Commit what it said before, unless it was changed since."""
        if written.output["changed"]:
            told = {**written.output, "message": call.fields.message}
            with changes_respected():
                call.client.undo_file(call.fields.repository, call.fields.branch, told, call.marker)

    updates = True

    def update(self, call: Call, written: Written) -> JsonValue:
        """Commit the new text: the same call again."""
        return self.call(call)

    def receipt(self, output: JsonValue) -> Any:
        """Keep the commit's sha, else that of the content."""
        from engine.step import Receipt

        return Receipt(id=output["commit"] or output["sha"], url=output["url"])

    def target(self, fields: Any) -> str:
        """The repository."""
        return repository_of(fields)
