"""The step that packs files into a zip archive, and unpacks one, or a mail."""

from __future__ import annotations

import mimetypes
import os
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from engine.base.run_file import FileContent, RunFile
from engine.plugins.step import Call, Fields, JsonValue, Output, Prompts, content, file_to_read, option, outside
from engine.sandbox.limits import ChildLimits
from engine.sandbox.reading import read
from engine.steps.file.fields import FileStep, FileToRead, free_name, new_file, opened, plain_name

# `file_bytes` is more than the 200 MB at which the reader stops by itself, with a better error than the kernel's.
_UNPACK = ChildLimits(cpu_seconds=60, wall_seconds=120.0, file_bytes=256 * 1024**2)
_ZIP = "application/zip"
_PIECE = 1024 * 1024
_NAMED_MOST = 50
"""Entries that were left out, in the output."""


class ArchiveFields(Fields):
    """Either `file`, an archive or a mail to unpack, or `files` to pack into an archive."""

    file: FileToRead | None = file_to_read("Archive or mail to unpack", default=None)
    pattern: str = option("Only files with such names, such as *.pdf", "*", min_length=1, max_length=200)
    files: list[FileToRead] = file_to_read("Files to pack", default=[])
    name: str = content("Name of the new archive", "archive.zip", max_length=200)


class ArchiveOutput(Output):
    """`files` if an archive or a mail was unpacked, at most 200, `file` if one was packed. `left_out` names the first
    50 entries that are links or hidden, whose names lead out of the folder, or that come after the first 200 files.
    """

    file: RunFile | None
    files: list[RunFile]
    left_out: list[str] = outside("Entries that were left out")


class Archive(FileStep):
    """Pack files into a zip archive, or unpack one; the files belong to the run, and nothing is written elsewhere.

    A mail is unpacked, too (.eml, winmail.dat, signed mails): its attachments, and the ones of mails attached to it.
    Hidden entries, whose names begin with a dot, are left out, as are links and names that lead out of the folder. An
    archive that unpacks to more than 200 MB, or to more than 200 times its size, is refused.
    """

    name = "file.archive"
    title = "Pack or unpack an archive"
    fields = ArchiveFields
    output = ArchiveOutput

    def call(self, call: Call) -> JsonValue:
        """Return {file, files, left_out}."""
        it: ArchiveFields = call.fields
        if it.file is None:
            return {"file": _packed(call, it), "files": [], "left_out": []}
        with opened(call, it.file) as given, new_file() as (out, path):
            found = read(given, "unpack", {"pattern": it.pattern}, _UNPACK, out)
            files = [*_split(path, found["entries"])]
            path.unlink()
        left_out = len(found["left_out"])
        if left_out:
            call.notes.append("1 entry was left out." if left_out == 1 else f"{left_out:,} entries were left out.")
        if found["beyond"]:
            call.notes.append(f"Only the first {len(files)} files were unpacked: narrow `pattern` to get the others.")
        return {"file": None, "files": files, "left_out": found["left_out"][:_NAMED_MOST]}

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> list[tuple[str, str]]:
        """Require one of the two."""
        if (arguments.get("file") is None) == (not arguments.get("files")):
            return [("file", "Give an archive to unpack in file, or the files to pack in files.")]
        return super().problems(arguments, prompts)


def _packed(call: Call, it: ArchiveFields) -> FileContent:
    """Pack files, each under its own name; equal names get numbers."""
    taken: set[str] = set()
    with new_file() as (out, path):
        # A duplicate each time: closing it leaves the handle open for whoever opened it.
        with os.fdopen(os.dup(out), "wb") as made, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in it.files:
                with opened(call, file) as given, os.fdopen(os.dup(given.handle), "rb") as source:
                    name = free_name(plain_name(given.name, "unnamed"), taken)
                    entry = zipfile.ZipInfo(name)  # 1980: always the same
                    entry.compress_type = zipfile.ZIP_DEFLATED
                    # The size is not known before it is copied; without ZIP64, 2 GiB would fail at the end.
                    with archive.open(entry, "w", force_zip64=True) as target:
                        shutil.copyfileobj(source, target, _PIECE)
        return FileContent(name=plain_name(it.name, "archive.zip"), media_type=_ZIP, path=path)


def _split(path: Path, entries: list[dict[str, JsonValue]]) -> Iterator[FileContent]:
    """Yield the files that were written one after another."""
    with path.open("rb") as source:
        for entry in entries:
            with new_file() as (out, part), os.fdopen(os.dup(out), "wb") as target:
                left = entry["size"]
                while left and (piece := source.read(min(left, _PIECE))):
                    left -= target.write(piece)
            media_type = mimetypes.guess_type(entry["name"])[0] or "application/octet-stream"
            yield FileContent(name=entry["name"].replace("/", "_"), media_type=media_type, path=part)
