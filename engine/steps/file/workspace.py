"""Steps that list, take and write files of the workspace."""

from __future__ import annotations

import io
import json
import mimetypes
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from itertools import islice
from pathlib import PurePosixPath
from typing import Any, BinaryIO, Literal

from clients.drives.names import clean_name
from clients.errors import Conflict, InvalidRequest, ServiceError
from clients.file.client import unnamed_note
from clients.file.service import OUTPUT
from engine.base.clock import timestamp
from engine.base.run_file import FileContent, RunFile
from engine.plugins.step import (
    Call,
    CannotUndo,
    Effect,
    Fields,
    JsonValue,
    Output,
    Part,
    Preview,
    Prompts,
    Receipt,
    Repeat,
    Written,
    content,
    destination,
    file_to_read,
    found_file,
    option,
    outside,
)
from engine.sandbox.reading import ReadableFile, read
from engine.steps.file.fields import FileStep, FileToRead, OneFile, new_file, opened

_TEXT_MOST = 1024 * 1024
_SHOWN_MOST = 20_000
_NO_NAME = "file"
"""The name of a file of whose own name nothing may stay."""
_NO_ENDING = ".bin"
_ENDINGS = {"text/plain": ".txt", "application/octet-stream": _NO_ENDING}
_TYPES = mimetypes.MimeTypes()
"""Python's own types alone: the ones that a machine adds differ."""


class ListFields(Fields):
    """Where, and which files."""

    folder: str = destination("Folder in the workspace; empty: the workspace itself", "")
    pattern: str = option("File names, such as *.pdf", "*", min_length=1, max_length=200)
    deep: bool = option("Also in subfolders", default=False)
    limit: int = option("Maximum files", 200, ge=1, le=5000)


class ListedFile(Part):
    """A file; `path` can be given to the other steps of files."""

    path: str = found_file("Path")
    name: str = outside("Name")
    size_bytes: int
    modified_at: datetime


class ListOutput(Output):
    """The files, sorted by name."""

    files: list[ListedFile]
    has_more: bool


class List(FileStep):
    """List files in the workspace. Links, hidden files and the files of AI-Orchestra itself are left out."""

    name = "file.list"
    title = "List files"
    fields = ListFields
    output = ListOutput

    def call(self, call: Call) -> JsonValue:
        """Return {files: [{path, name, size_bytes, modified_at}], has_more}."""
        it: ListFields = call.fields
        unnamed: list[str] = []
        found = call.client.listed(it.folder, it.pattern, is_deep=it.deep, unnamed=unnamed)
        first = list(islice(found, it.limit + 1))
        rows = [
            {
                "path": one.path,
                "name": one.path.rpartition("/")[2],
                "size_bytes": one.size_bytes,
                "modified_at": timestamp(one.modified_at),
            }
            for one in first[: it.limit]
        ]
        call.notes += unnamed_note(unnamed)
        return {"files": rows, "has_more": len(first) > it.limit}


class ReadOutput(Output):
    """The file of the run, which other steps can attach or send. `text` is its content if it is text of up to 1 MB."""

    file: RunFile
    name: str = outside("Name")
    media_type: str
    size_bytes: int
    text: str = outside("Text")


class Read(FileStep):
    """Copy a file of the workspace into the run unchanged, to attach it to a mail or to send it."""

    name = "file.read"
    title = "Copy a file into the run"
    fields = OneFile
    output = ReadOutput

    def call(self, call: Call) -> JsonValue:
        """Return {file, name, media_type, size_bytes, text}."""
        with opened(call, call.fields.file) as given, new_file() as (out, path):
            kind = read(given, "detect", {})
            _copy(given, out)
            with path.open("rb") as copied:
                is_text = bool(kind["encoding"]) and given.size_bytes <= _TEXT_MOST
                text = copied.read().decode(kind["encoding"], "replace") if is_text else ""
            return {
                "file": FileContent(name=given.name, media_type=kind["media_type"], path=path),
                "name": given.name,
                "media_type": kind["media_type"],
                "size_bytes": given.size_bytes,
                "text": text,
            }


class WriteFields(Fields):
    """The path and the content: exactly one of `text`, `data` (written as JSON) and `file`.

    `path` is inside the folder `files` of the workspace, which is created if it is missing. With `name`, it is a
    folder, and the file gets this name in it, with an ending such as `.pdf` if it has none; if another file has it
    already, a number follows, and `on_exists` does not matter. A name from outside cannot leave the folder, and
    replaces nothing. It may be one that usually means a key, such as `credentials-form.pdf`: a note says that no step
    can read this file.
    """

    path: str = destination("Path inside the folder `files`", min_length=1, max_length=1000)
    name: str | None = content("Name of the file, if the path is a folder", None, max_length=1000)
    text: str | None = content("Text", None, widget="text")
    data: Any = content("Data, written as JSON", None)
    file: FileToRead | None = file_to_read("File of the run, or path in the workspace", default=None)
    on_exists: Literal["replace", "fail"] = option("If a different file exists", "replace")


class WriteOutput(Output):
    """The file that was written; other file steps accept its `path`."""

    path: str
    size_bytes: int
    sha256: str
    is_new: bool


class Write(FileStep):
    """Write a file in the folder `files` of the workspace: whole or not at all. Writing it again changes nothing.

    Demo runs write to `files/demo`.
    """

    name = "file.write"
    title = "Write a file"
    makes = ("a file of this machine",)
    effect = Effect.WRITES
    repeat = Repeat.SAFE
    done = "written"
    fields = WriteFields
    output = WriteOutput
    undoes = "deletes the file, if it was new and nobody has changed it"

    def call(self, call: Call) -> JsonValue:
        """Return {path, size_bytes, sha256, is_new}."""
        it: WriteFields = call.fields
        path, on_exists = _path(it), it.on_exists if it.name is None else "number"
        since = call.intended_at if call.is_again else None
        if it.file is None:
            written = call.client.write(path, io.BytesIO(_content(it)), on_exists=on_exists, since=since)
        else:
            with opened(call, it.file) as given, os.fdopen(os.dup(given.handle), "rb") as source:
                written = call.client.write(path, source, on_exists=on_exists, since=since)
        if why := call.client.why_unread(written.path):
            call.notes.append(f"No step can read {written.path}: {why}.")
        facts = {"path": written.path, "size_bytes": written.size_bytes, "sha256": written.sha256}
        return {**facts, "is_new": written.is_new}

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> list[tuple[str, str]]:
        """Require exactly one content."""
        given = [name for name in ("text", "data", "file") if arguments.get(name) is not None]
        if len(given) != 1:
            return [("text", "Give one content: text, data or file.")]
        return super().problems(arguments, prompts)

    def target(self, fields: WriteFields) -> str:
        """Serialize writes to the same file, or with names into the same folder, however the path is written."""
        parts = PurePosixPath(fields.path.replace("\\", "/")).parts
        return "/".join(parts[1:] if parts[:1] == (OUTPUT,) else parts)

    def receipt(self, output: JsonValue) -> Receipt:
        """Return the path."""
        return Receipt(id=str(output["path"]))

    def preview(self, call: Call) -> Preview:
        """Return the text, and the present text of the file."""
        it: WriteFields = call.fields
        path = _place(call)
        before = None
        if it.name is None:  # else nothing is replaced
            with suppress(ServiceError), call.client.opened(path) as found:
                before = _shown(os.read(found.handle, _SHOWN_MOST + 1))
        text = f"the file {_named(it.file)}" if it.file is not None else _shown(_content(it))
        return Preview(path, text, before, object=path)

    def why_kept(self, written: Written) -> str:
        """Return why the file stays, if it took the place of another one."""
        is_new = bool(written.output.get("is_new")) if isinstance(written.output, dict) else False
        return super().why_kept(written) or ("" if is_new else "It replaced a file whose former content is not kept.")

    def undo(self, call: Call, written: Written) -> None:
        """Delete the file. Raises CannotUndo if it was changed since."""
        if written.receipt.id != written.output["path"]:
            raise CannotUndo(f"An update wrote {written.output['path']} instead, and left {written.receipt.id}.")
        try:
            call.client.remove(str(written.output["path"]), str(written.output["sha256"]))
        except Conflict as error:
            raise CannotUndo(error.message) from error

    updates = updates_always = True

    def update(self, call: Call, written: Written) -> JsonValue:
        """Write the file with the same call; what an earlier write left at the same path may be replaced."""
        path, sha256 = str(written.output["path"]), str(written.output["sha256"])
        it: WriteFields = call.fields
        is_same_path = _place(call) == path
        if is_same_path and (it.name is not None or it.on_exists == "fail"):
            with suppress(Conflict):  # then the call fails or writes beside it, unless an earlier one has written it
                call.client.remove(path, sha256)
        output: dict[str, JsonValue] = dict(self.call(call))
        return {**output, "is_new": written.output["is_new"]} if output["path"] == path else output


def _path(it: WriteFields) -> str:
    """Return the path of the file: with a name, of what is safe of it in the folder."""
    if it.name is None:
        return it.path
    name = clean_name(it.name) or _NO_NAME
    # Without an ending it could be the name of a folder that another step makes.
    return f"{it.path.rstrip('/')}/{name if PurePosixPath(name).suffix else name + _ending(it)}"


def _ending(it: WriteFields) -> str:
    if it.file is None:
        return ".txt" if it.text is not None else ".json"
    if isinstance(it.file, str):
        return PurePosixPath(it.file).suffix or _NO_ENDING
    return _ENDINGS.get(it.file.media_type) or _TYPES.guess_extension(it.file.media_type) or _NO_ENDING


def _place(call: Call) -> str:
    it: WriteFields = call.fields
    place = call.client.place if it.name is None else call.client.place_beside
    return "/".join(place(_path(it)))


def _content(it: WriteFields) -> bytes:
    if it.text is not None:
        return it.text.encode("utf-8", "replace")
    if it.data is None:
        raise InvalidRequest("Give one content: text, data or file.", service="file")
    return f"{json.dumps(it.data, ensure_ascii=False, indent=2)}\n".encode("utf-8", "replace")


def _copy(given: ReadableFile, out: int) -> None:
    os.lseek(given.handle, 0, os.SEEK_SET)
    source: BinaryIO
    # Duplicates, as `fdopen` closes its handle: the callers close their own.
    with os.fdopen(os.dup(given.handle), "rb") as source, os.fdopen(os.dup(out), "wb") as copy:
        shutil.copyfileobj(source, copy, _TEXT_MOST)


def _named(file: FileToRead) -> str:
    return file if isinstance(file, str) else file.name


def _shown(data: bytes) -> str:
    text = data[:_SHOWN_MOST].decode("utf-8", "replace")
    return text if len(data) <= _SHOWN_MOST else f"{text}\n[and more]"
