"""Steps that read, commit and delete files of a repository on GitHub."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from typing import Any, Literal

from clients.errors import NotFound
from clients.github.service import COMMIT_MESSAGE
from engine.base.run_file import FileContent, RunFile
from engine.plugins.step import (
    Call,
    JsonValue,
    Markup,
    Output,
    Part,
    Preview,
    Prompts,
    Receipt,
    Written,
    address,
    changes_respected,
    content,
    destination,
    option,
    outside,
)
from engine.steps.github.repository import FindableWriting, Reading, Repository


class GetFileFields(Repository):
    """The file to read."""

    path: str = destination("Path", min_length=1)
    ref: str = option("Branch, tag or commit", "")


class GetFileOutput(Output):
    """The file."""

    path: str
    text: str = outside("Text")
    sha: str
    url: str = address("Address")


class GetFile(Reading):
    """Read a text file of a repository."""

    name = "github.get_file"
    title = "Read a file"
    fields = GetFileFields
    output = GetFileOutput

    def call(self, call: Call) -> JsonValue:
        """Read the file."""
        return call.client.get_file(call.fields.repository, call.fields.path, call.fields.ref)


class GetContentFields(Repository):
    """The file or folder; an empty path is the root of the repository."""

    path: str = destination("Path", "")
    ref: str = option("Branch, tag or commit", "")


class Entry(Part):
    """An entry of a folder."""

    path: str = outside("Path")
    kind: str
    sha: str
    size: int


class GetContentOutput(Output):
    """A file (of any type, as a file of the run), or the entries of a folder; `has_more`: GitHub lists no more."""

    path: str
    kind: Literal["file", "folder"]
    sha: str
    url: str = address("Address")
    file: RunFile | None
    entries: list[Entry]
    has_more: bool


_ENTRIES_MOST = 1000
"""https://docs.github.com/rest/repos/contents#get-repository-content"""


class GetContent(Reading):
    """Fetch a file of any type for later steps, or list a folder."""

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
            has_more = len(found["entries"]) >= _ENTRIES_MOST
            call.notes += [f"GitHub lists only the first {_ENTRIES_MOST:,} entries of a folder."] * has_more
            return {**found, "file": None, "has_more": has_more}
        name = found["path"].rsplit("/", 1)[-1]
        media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return {**found, "file": FileContent(data, name, media_type), "has_more": False}


_MARKDOWN = (".md", ".markdown", ".mdown", ".mkdn", ".mdx")
"""How the names of files end that GitHub shows as Markdown (github/markup)."""


class PutFileFields(Repository):
    """The file and its new content."""

    path: str = destination("Path", min_length=1)
    text: str = content("Text", "", widget="text")
    file: RunFile | None = content("File of the run (instead of text)", None)
    message: str = content("Commit message", min_length=1, markup="commit", limit=COMMIT_MESSAGE)
    branch: str = destination("Branch", "")
    sha: str | None = option("Replace only the content with this SHA", None)


class PutFileOutput(Output):
    """The file after the commit; if the content was already the same, `commit` is empty and `changed` false."""

    path: str
    sha: str
    commit: str
    url: str = address("Address")
    changed: bool


def _shown(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return f"({len(content):,} bytes)"


class Committing(FindableWriting):
    """Base of the steps that commit a change to one file; the commit is found by the trailer of its message."""

    def preview(self, call: Call) -> Preview:
        """Return the text of the file as it will be, and as it is; its SHA shows a change of a file without text."""
        it = call.fields
        where = f"{it.repository.strip().lower()}:{it.path.strip('/')}" + (f"@{it.branch}" if it.branch else "")
        try:
            found = call.client.get_content(it.repository, it.path, it.branch)
        except NotFound:
            return Preview(it.path, self.content(it), None, where)
        return Preview(it.path, self.content(it), _shown(found["content"] or b""), where, found["sha"])

    def content(self, fields: Any) -> str:
        """Return the new text of the file, empty if it is deleted."""
        return ""

    output = PutFileOutput
    stays = "both commits in the history"

    def why_kept(self, written: Written) -> str:
        """Return nothing: the earlier content is in the history, even if this step wrote it before."""
        return ""

    def undo(self, call: Call, written: Written) -> None:
        """Commit the earlier content, unless the file has been changed since."""
        if written.output["changed"]:
            told = {**written.output, "message": call.fields.message}
            with changes_respected():
                call.client.undo_file(call.fields.repository, call.fields.branch, told, call.marker)

    def receipt(self, output: JsonValue) -> Receipt:
        """Return the sha of the commit, or else of the content."""
        return Receipt(id=output["commit"] or output["sha"], url=output["url"])


class PutFile(Committing):
    """Commit a text or a file of the run. If somebody has changed the file since, the step fails with a conflict."""

    name = "github.put_file"
    title = "Commit a file"
    undoes = "restores the file's earlier content with a new commit, or deletes the file if it was new"
    fields = PutFileFields

    def call(self, call: Call) -> JsonValue:
        """Commit the file."""
        it = call.fields
        data = it.text if it.file is None else call.read(it.file)
        return call.client.put_file(it.repository, it.path, data, it.message, it.branch, it.sha, marker=call.marker)

    def content(self, fields: PutFileFields) -> str:
        """Return the new text, or the name of the file."""
        return fields.text if fields.file is None else f"({fields.file.bytes:,} bytes: {fields.file.name})"

    def markup_of(self, name: str, arguments: Mapping[str, JsonValue]) -> Markup:
        """Return how GitHub reads a field: the text of some files is shown as Markdown."""
        if name == "text":
            return "markdown" if str(arguments.get("path", "")).lower().endswith(_MARKDOWN) else ""
        return super().markup_of(name, arguments)

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> list[tuple[str, str]]:
        """Require either a text (which may be empty) or a file."""
        given = [name for name in ("text", "file") if arguments.get(name) is not None]
        return [] if len(given) == 1 else [("text", "Give either `text` or `file`.")]

    def find(self, call: Call) -> JsonValue | None:
        """Look for the commit among the commits on the path."""
        it = call.fields
        return call.client.find_file(it.repository, it.path, it.branch, call.marker, call.intended_at)

    updates = True

    def update(self, call: Call, written: Written) -> JsonValue:
        """Commit the new text with the same call."""
        return self.call(call)


class DeleteFileFields(Repository):
    """The file to delete."""

    path: str = destination("Path", min_length=1)
    message: str = content("Commit message", min_length=1, markup="commit", limit=COMMIT_MESSAGE)
    branch: str = destination("Branch", "")
    sha: str = option("Only if its content has this SHA", "")


class DeleteFile(Committing):
    """Delete a file with a commit. If somebody has changed it since `sha`, the step fails with a conflict."""

    name = "github.delete_file"
    approval = "always"
    title = "Delete a file"
    undoes = "restores the file with a new commit"
    fields = DeleteFileFields

    def call(self, call: Call) -> JsonValue:
        """Delete the file."""
        it = call.fields
        return call.client.delete_file(it.repository, it.path, it.message, it.branch, it.sha, marker=call.marker)

    def find(self, call: Call) -> JsonValue | None:
        """Look for the commit among the commits on the path."""
        it = call.fields
        return call.client.find_removal(it.repository, it.path, it.branch, call.marker, call.intended_at)
