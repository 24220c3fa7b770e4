"""Steps of drives: list, search, download, and upload once. They accept a connection to any drive."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pydantic import Field

from clients.drives.drive import DriveFile
from clients.drives.names import NAME, clean_name
from clients.errors import Conflict, InvalidRequest, NotFound
from clients.webdav.service import WEBDAV
from engine.base.clock import moment_of
from engine.base.run_file import FileContent, RunFile
from engine.plugins.step import (
    Call,
    CannotUndo,
    Effect,
    Fields,
    JsonValue,
    Output,
    Preview,
    Repeat,
    StepType,
    Written,
    address,
    content,
    destination,
    option,
    outside,
)
from engine.steps.file.fields import new_file

SERVICE = WEBDAV.name
"""Stands for whichever service of drives the connection leads to."""
FOLDER = "drive-folder"
_LARGEST_BYTES = 1024 * 1024 * 1024
_CLOCKS_DIFFER = timedelta(hours=1)  # `modified_at` is by the drive's clock, the intent by ours


class FileFacts(Output):
    """A file or folder. `id` identifies it in other steps; `version` changes with the content."""

    id: str
    name: str = outside("Name")
    path: str = outside("Path")
    is_folder: bool
    size_bytes: int | None = Field(title="Its size, if the drive says it")
    media_type: str = outside("Media type; empty if the drive does not say it")
    modified_at: str = Field(title="Last changed at; empty if the drive does not say it")
    version: str
    url: str = address("Address")


def facts(found: DriveFile) -> dict[str, Any]:
    """Return a file as `FileFacts`."""
    return {
        "id": found.id,
        "name": found.name,
        "path": found.path,
        "is_folder": found.is_folder,
        "size_bytes": found.size,
        "media_type": found.media_type,
        "modified_at": found.modified_at,
        "version": found.version,
        "url": found.url,
    }


class DriveStep(StepType):
    """Base of the steps of drives."""

    service = SERVICE
    effect = Effect.READS
    timeout_seconds = 300.0


class ListFields(Fields):
    """The folder."""

    folder: str = destination("Folder (its path or id); empty: the root", "", format=FOLDER)
    limit: int = option("Maximum entries", 200, ge=1, le=5000)


class Files(Output):
    """The files and folders."""

    files: list[FileFacts]
    has_more: bool


class SearchOutput(Files):
    """The files that were found; `left_out` says where the search ended, if not everything was looked through."""

    left_out: list[str] = outside("What was not looked through", [])


class List(DriveStep):
    """List the files and folders in a folder on a drive, by name, without the contents of subfolders."""

    name = "drive.list"
    title = "List a folder on a drive"
    fields = ListFields
    output = Files

    def call(self, call: Call) -> JsonValue:
        """Return {files, has_more}."""
        it: ListFields = call.fields
        found = call.client.entries(it.folder, it.limit + 1)
        return {"files": [facts(one) for one in found[: it.limit]], "has_more": len(found) > it.limit}


class SearchFields(Fields):
    """What, and where."""

    words: str = destination("Words, all in the name", min_length=1, max_length=500)
    folder: str = destination("Folder (its path or id); empty: the root", "", format=FOLDER)
    limit: int = option("Maximum files", 50, ge=1, le=1000)


class Search(DriveStep):
    """Find files on a drive by the words in their names, in a folder and its subfolders."""

    name = "drive.search"
    title = "Find files on a drive"
    fields = SearchFields
    output = SearchOutput

    def call(self, call: Call) -> JsonValue:
        """Return {files, has_more, left_out}."""
        it: SearchFields = call.fields
        found = call.client.search(it.words, it.folder, it.limit + 1)
        left_out = [cut] if (cut := getattr(found, "unsearched", "")) else []
        call.notes += left_out
        shown = [facts(one) for one in found[: it.limit]]
        return {"files": shown, "has_more": len(found) > it.limit, "left_out": left_out}


class DownloadFields(Fields):
    """The file."""

    file: str = destination("File (its id, or its path)", min_length=1)
    max_bytes: int = option("Maximum size, in bytes", 100 * 1024 * 1024, ge=1, le=_LARGEST_BYTES)


class Downloaded(FileFacts):
    """The file of the run, and what the drive says about it."""

    file: RunFile


class Download(DriveStep):
    """Download a file from a drive into the run, in parts. After a lost connection it continues where it stopped."""

    name = "drive.download"
    title = "Download a file from a drive"
    fields = DownloadFields
    output = Downloaded

    def call(self, call: Call) -> JsonValue:
        """Return the facts and {file}."""
        it: DownloadFields = call.fields
        with new_file() as (_, path):
            found = call.client.download(it.file, path, it.max_bytes)
            media_type = found.media_type or "application/octet-stream"
            file = FileContent(name=clean_name(found.name) or "unnamed", media_type=media_type, path=path)
        return {**facts(found), "file": file}


class UploadFields(Fields):
    """The file of the run, and where it goes."""

    file: RunFile = content("File of the run")
    folder: str = destination("Folder (its path or id); empty: the root", "", format=FOLDER)
    name: str = content("Name; empty: the file's", "", limit=NAME)


class Upload(DriveStep):
    """Upload a file of the run as a new file; an existing file is never replaced.

    Slashes and other characters that a file name cannot have become `_`, so a name never leads to another folder.
    """

    name = "drive.upload"
    title = "Upload a file to a drive"
    makes = ("a file on a drive",)
    effect = Effect.WRITES
    repeat = Repeat.FINDABLE
    done = "uploaded"
    undoes = "deletes the file, if nobody has changed it"
    fields = UploadFields
    output = FileFacts

    def call(self, call: Call) -> JsonValue:
        """Return the facts of the new file."""
        it: UploadFields = call.fields
        with call.path(it.file) as path:
            return facts(call.client.upload(it.folder, _name(it), path, call.marker))

    def is_marked(self, fields: UploadFields) -> bool:
        """Some drives can only compare the content."""
        return False

    def find(self, call: Call) -> JsonValue | None:
        """Look for the file by its marker, or by name and content."""
        it: UploadFields = call.fields
        with call.path(it.file) as path:
            found = call.client.uploaded(it.folder, _name(it), path, call.marker)
        is_other = found is None or found.id in call.made_by_others or _is_older(found, call.intended_at)
        return None if is_other else facts(found)

    def target(self, fields: UploadFields) -> str:
        """Return the folder."""
        return fields.folder

    def preview(self, call: Call) -> Preview:
        """Return where it goes. Raises NotFound without the folder, Conflict if there is a file of this name."""
        it: UploadFields = call.fields
        name = _name(it)
        where = call.client.file(it.folder).path if it.folder else ""
        path = f"{where}/{name}".lstrip("/")
        if any(one.name == name for one in call.client.entries(it.folder, 5000)):
            raise Conflict(f"There is a file {path!r} already.", remedy="Upload it under another name.")
        return Preview(path, f"the file {it.file.name}, {it.file.bytes} bytes", object=path)

    def undo(self, call: Call, written: Written) -> None:
        """Delete the file. Raises CannotUndo if it was changed since."""
        try:
            call.client.remove(written.output["id"], written.output["version"])
        except NotFound:
            return
        except Conflict as error:
            raise CannotUndo(error.message) from error


def _name(it: UploadFields) -> str:
    name = clean_name(it.name or it.file.name)
    if not name:
        raise InvalidRequest(f"{it.name or it.file.name!r} is not a file name.", remedy="Give a `name` with letters.")
    return name


def _is_older(found: DriveFile, intended_at: datetime | None) -> bool:
    """Return whether a file was there before the upload was first tried."""
    if not found.modified_at or intended_at is None:
        return False
    return moment_of(found.modified_at) < intended_at - _CLOCKS_DIFFER
