"""Steps that read files of a repository on GitHub, and commit and delete them."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from typing import Any, Literal

from engine.run_file import FileContent, RunFile
from engine.step import (
    Call,
    JsonValue,
    Output,
    Receipt,
    Written,
    changes_respected,
    content,
    destination,
    option,
    outside,
)
from engine.steps.github_repository import FindableWriting, Part, Reading, Repository


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


class GetFile(Reading):
    """Reads a text file of a repository."""

    name = "github.get_file"
    title = "Read a file"
    fields = GetFileFields
    output = GetFileOutput

    def call(self, call: Call) -> JsonValue:
        """Read it."""
        return call.client.get_file(call.fields.repository, call.fields.path, call.fields.ref)


class GetContentFields(Repository):
    """Which file or folder; an empty path is the repository's root."""

    path: str = destination("Path", "")
    ref: str = option("Branch, tag or commit", "")


class Entry(Part):
    """What lies in a folder."""

    path: str = outside("Path")
    kind: str
    sha: str
    size: int


class GetContentOutput(Output):
    """A file (of any kind, as a file of the run) or the entries of a folder."""

    path: str
    kind: Literal["file", "folder"]
    sha: str
    url: str
    file: RunFile | None
    entries: list[Entry]


class GetContent(Reading):
    """Fetches a file of any kind, to hand it on, or lists a folder."""

    name = "github.get_content"
    title = "Fetch a file or list a folder"
    fields = GetContentFields
    output = GetContentOutput

    def call(self, call: Call) -> JsonValue:
        """Fetch it."""
        it = call.fields
        found = call.client.get_content(it.repository, it.path, it.ref)
        data = found.pop("content")
        if data is None:
            return {**found, "file": None}
        name = found["path"].rsplit("/", 1)[-1]
        media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return {**found, "file": FileContent(data, name, media_type)}


class PutFileFields(Repository):
    """Which file, and what it shall hold."""

    path: str = destination("Path", min_length=1)
    text: str = content("Text", "", widget="text")
    file: RunFile | None = content("File of the run, instead of a text", None)
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


class Committing(FindableWriting):
    """A step that commits what becomes of one file; the commit is found by the trailer of its message."""

    output = PutFileOutput
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

    def receipt(self, output: JsonValue) -> Receipt:
        """Keep the commit's sha, else that of the content."""
        return Receipt(id=output["commit"] or output["sha"], url=output["url"])


class PutFile(Committing):
    """Commits a text or a file of the run; a file that someone changed meanwhile is a conflict, never overwritten."""

    name = "github.put_file"
    title = "Commit a file"
    undoes = "gives the file its earlier content back by a new commit, or deletes it where it was new"
    fields = PutFileFields

    def call(self, call: Call) -> JsonValue:
        """Commit it."""
        it = call.fields
        data = it.text if it.file is None else call.read(it.file)
        return call.client.put_file(it.repository, it.path, data, it.message, it.branch, it.sha, marker=call.marker)

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Mapping[str, Any]) -> list[tuple[str, str]]:
        """A text (which may be empty) or a file."""
        given = [name for name in ("text", "file") if arguments.get(name) is not None]
        return [] if len(given) == 1 else [("text", "Give `text` or `file`, and not both.")]

    def find(self, call: Call) -> JsonValue | None:
        """Look for the commit among those on the path."""
        it = call.fields
        return call.client.find_file(it.repository, it.path, it.branch, call.marker, call.intended_at)

    updates = True

    def update(self, call: Call, written: Written) -> JsonValue:
        """Commit the new text: the same call again."""
        return self.call(call)


class DeleteFileFields(Repository):
    """Which file."""

    path: str = destination("Path", min_length=1)
    message: str = content("Commit message", min_length=1)
    branch: str = destination("Branch", "")
    sha: str = option("Only where its content has this sha", "")


class DeleteFile(Committing):
    """Deletes a file by a commit; a file that someone changed since `sha` is a conflict, never deleted."""

    name = "github.delete_file"
    title = "Delete a file"
    undoes = "brings the file back by a new commit"
    fields = DeleteFileFields

    def call(self, call: Call) -> JsonValue:
        """Delete it."""
        it = call.fields
        return call.client.delete_file(it.repository, it.path, it.message, it.branch, it.sha, marker=call.marker)

    def find(self, call: Call) -> JsonValue | None:
        """Look for the commit among those on the path."""
        it = call.fields
        return call.client.find_removal(it.repository, it.path, it.branch, call.marker, call.intended_at)
