"""The files of the workspace that steps read and write, for people: listed, added, read and deleted."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO

from msgspec import Struct

from clients.errors import InvalidRequest, NotFound
from clients.file.client import FileClient, FileEntry, OpenFile, WrittenFile, unnamed_note
from clients.file.service import FILE, OUTPUT
from clients.file.tesseract import ABSENT, tesseract
from engine.base.errors import InvalidInput, UnknownName
from engine.base.statuses import AccountMode
from engine.connections.accounts import Account
from engine.data.own_parts import own_errors
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.people.operation import operation
from engine.sandbox.limits import ChildLimits
from engine.sandbox.reading import ReadableFile, read
from engine.steps.file.fields import plain_name

__all__ = ["FileEntry", "FileList", "FileTable", "FileView", "WorkspaceFiles", "WrittenFile"]
"""The records of the client are named here for the front ends."""
LARGEST_BYTES = 20 * 1024**2
"""The largest file that is added or returned; a larger one is copied into the workspace on its machine."""
Open = Callable[[str | None, str | None, AccountMode], Account]
_SEE, _READ = "see the files", "read files"
_TABLES = frozenset({"csv", "excel", "json_lines"})
_PAGE_CHARACTERS, _TABLE_ROWS = 50_000, 50
_LIMITS = ChildLimits(cpu_seconds=20, wall_seconds=30.0)


class FileList(Struct, frozen=True):
    """Files by path, and whether there are more."""

    files: list[FileEntry]
    has_more: bool
    notes: list[str] = []
    """What is left out, in sentences, such as files whose names are not UTF-8."""


@dataclass(frozen=True)
class FileTable:
    """The first rows of a sheet, each an object by the names in `columns`; `sheets` are the names of all."""

    columns: list[str]
    rows: list[dict[str, Any]]
    row_count: int
    sheets: list[str]
    empty_formulas: int = 0
    """Formulas without a stored value, whose cells are empty."""
    notes: Sequence[str] = ()
    """What did not fit, such as rows that are too short, in sentences."""


@dataclass(frozen=True)
class FileView:
    """One page of a file: its text, or its rows if it is a table."""

    path: str
    size_bytes: int
    page: int
    """Its number, from 1; for a table, the number of the sheet."""
    kind: str = ""
    """As file.detect names it, such as `pdf`; empty if it is unknown."""
    media_type: str = ""
    pages: int = 0
    """How many pages, sheets or slides there are; 0 for a file without any."""
    text: str = ""
    truncated: bool = False
    """Whether not all of the page is in `text`, which has at most 50,000 characters."""
    needs_ocr: bool = False
    """Whether the page is a picture, which only file.ocr reads."""
    ocr_remedy: str = ""
    """What is missing for that on this machine, with the command that installs it; empty if nothing."""
    notes: Sequence[str] = ()
    """What of the page is not in `text`, in sentences."""
    table: FileTable | None = None
    problem: str = ""
    """Why the file cannot be read, as a sentence; empty if it can."""


class WorkspaceFiles:
    """The `files` area. Paths are relative to the workspace.

    Only files that a step may read are shown, except the ones that decide what runs, such as workflows. Files are
    added to the folder `files`, and deleted only from there. Every method raises InvalidInput for a path that is not
    for steps, and StorageError if the disk fails; methods with a path also raise UnknownName.
    """

    def __init__(self, open_account: Open, audit: Audit) -> None:
        self._open, self._audit = open_account, audit

    @operation("files.list", "view", _SEE, "List the files of the workspace")
    def list(self, p: Principal, *, words: str = "", limit: int = 200) -> FileList:
        """Return the files whose path contains a text, in any case."""
        wanted, unnamed = words.strip().casefold(), list[str]()
        with own_errors():
            fitting = (one for one in self._client().kept(unnamed) if wanted in one.path.casefold())
            found = list(islice(fitting, limit + 1))
        notes = unnamed_note([path for path in unnamed if wanted in path.casefold()])
        return FileList(found[:limit], len(found) > limit, notes)

    @operation("files.add", "run", "add files", "Add a file")
    def add(self, p: Principal, name: str, content: BinaryIO) -> WrittenFile:
        """Store a file in the folder `files`, private; return where. It replaces nothing.

        `name` may be any; what is stored has a plain one, with a number if another file has it. The same file under the
        same name is stored once. Raises InvalidInput for more than `LARGEST_BYTES`.
        """
        _require_small(content)
        with own_errors():
            content.seek(0)
            client, plain = self._client(), plain_name(name, "unnamed")
            client.place(plain)  # no step could read a file whose name usually means a key
            written = client.write(plain, content, on_exists="number")
        self._audit.record(p, "files.add", written.path, {"bytes": written.size_bytes})
        return written

    @operation("files.view", "run", _READ, "Look at a page of a file")
    def view(self, p: Principal, path: str, page: int = 1) -> FileView:
        """Return a page of a file, read in a child process with limits.

        What cannot be read, or has no such page, is not an error: `problem` says why.
        """
        with self._opened(path) as found:
            seen = _seen(ReadableFile(found.handle, found.name), page)
        return FileView(found.path, found.size_bytes, page, **seen)

    @operation("files.content", "run", _READ, "Download a file")
    def content(self, p: Principal, path: str) -> bytes:
        """Return a whole file. Raises InvalidInput for more than `LARGEST_BYTES`."""
        with self._opened(path) as found, os.fdopen(os.dup(found.handle), "rb") as content:
            _require_small(content)
            return content.read()

    @operation("files.delete", "edit", "delete files", "Delete a file")
    def delete(self, p: Principal, path: str) -> None:
        """Delete a file of the folder `files`; nothing of it is kept."""
        with self._opened(path) as found:
            if not self.may_delete(p, found.path):
                raise InvalidInput(
                    f"{path!r} cannot be deleted here.", remedy=f"Only files of the folder {OUTPUT}/ can."
                )
            with os.fdopen(os.dup(found.handle), "rb") as content:
                digest = hashlib.file_digest(content, "sha256").hexdigest()
        with own_errors():
            self._client().remove(found.path, digest)
        self._audit.record(p, "files.delete", found.path)

    @operation("files.may_delete", "view", _SEE, "Ask whether a file may be deleted")
    def may_delete(self, p: Principal, path: str) -> bool:
        """Return whether a file of the list is where it may be deleted."""
        return path.startswith(f"{OUTPUT}/")

    @contextmanager
    def _opened(self, path: str) -> Iterator[OpenFile]:
        with own_errors():
            try:
                with self._client().opened(path) as found:
                    yield found
            except NotFound as error:
                raise UnknownName("file", path, [one.path for one in self._client().kept()]) from error

    def _client(self) -> FileClient:
        client = self._open(None, FILE.name, AccountMode.MINE).client
        assert isinstance(client, FileClient)
        return client


def _require_small(content: BinaryIO) -> None:
    size = content.seek(0, os.SEEK_END)
    content.seek(0)
    if size > LARGEST_BYTES:
        raise InvalidInput(
            f"The file has {size:,} bytes; at most {LARGEST_BYTES:,} are taken here.",
            remedy="Copy it into the folder of the workspace yourself: steps read files of any size there.",
        )


def _seen(given: ReadableFile, page: int) -> dict[str, Any]:
    """Return what a view has of a file beside its place."""
    known = {}
    try:
        kind = read(given, "detect", {}, _LIMITS)
        known = {"kind": kind["name"], "media_type": kind["media_type"]}
        return {**known, **(_table if kind["name"] in _TABLES else _text)(given, page)}
    except InvalidRequest as error:
        return {**known, "problem": error.message}


def _text(given: ReadableFile, page: int) -> dict[str, Any]:
    options = {"form": "text", "pages": [(page, page)], "most": _PAGE_CHARACTERS}
    found = read(given, "text", options, _LIMITS)
    left_out = [f"Left out here: {found['left_out']}."] if found["truncated"] else []
    absent = "" if not found["needs_ocr"] or tesseract() else ABSENT
    told = {name: found[name] for name in ("text", "pages", "needs_ocr", "truncated")}
    return {**told, "notes": [*left_out, *found["notes"]], "ocr_remedy": absent}


def _table(given: ReadableFile, page: int) -> dict[str, Any]:
    options: dict[str, Any] = {"sheet": page, "header": None, "pages": [], "limit": _TABLE_ROWS, "typed": True}
    found = read(given, "table", options, _LIMITS)
    told = ("columns", "rows", "row_count", "sheets", "empty_formulas", "notes")
    table = FileTable(**{name: found[name] for name in told})
    return {"table": table, "pages": len(table.sheets)}
