"""The files in a zip archive, unpacked one after another to a single stream; no name in it decides a place."""

from __future__ import annotations

import os
import stat
import unicodedata
import zipfile
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from typing import Any

from engine.sandbox.readers.source import FileRefused, SourceFile
from engine.sandbox.readers.zips import opened_zip

_PIECE = 1024 * 1024
_FILES_MOST = 200
_UTF_8 = 0x800
"""Of the flags of an entry (APPNOTE 4.4.4): its name is UTF-8."""


def unpacked(source: SourceFile, options: Mapping[str, Any]) -> dict[str, Any]:
    """Write the regular files whose names fit to `out`; return {entries: [{name, size, start}], left_out, beyond}.

    Raises FileRefused. Links, folders and names that lead out are left out; `beyond` says how many files follow the
    first 200, which are, too.
    """
    found: list[dict[str, Any]] = []
    left_out: list[str] = []
    at = beyond = 0
    with opened_zip(source.content) as archive:
        for entry in archive.infolist():
            name = safe_name(entry)
            if entry.is_dir() or (name and not fnmatch(name, options["pattern"])):
                continue
            if not name or len(found) >= _FILES_MOST:
                left_out.append(_told(entry)[:200])
                beyond += bool(name)
                continue
            size = sum(_written(source, piece) for piece in _pieces(archive, entry))
            found.append({"name": name, "size": size, "start": at})
            at += size
    return {"entries": found, "left_out": left_out, "beyond": beyond}


def safe_name(entry: zipfile.ZipInfo) -> str:
    """Return the name of an entry, with slashes; "" for one that leads out, is hidden, or is not a regular file."""
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        return ""
    name = unicodedata.normalize("NFC", _told(entry).replace("\\", "/"))
    parts = name.split("/")
    is_plain = name.isprintable() and not name.startswith("/") and ":" not in name
    return name if is_plain and all(part and not part.startswith(".") and len(part) < 200 for part in parts) else ""


def _told(entry: zipfile.ZipInfo) -> str:
    """Return the name of an entry; some programs write UTF-8 and do not say so."""
    if entry.flag_bits & _UTF_8:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode()
    except UnicodeError:
        return entry.filename


def _pieces(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    try:
        with archive.open(entry) as content:
            while piece := content.read(_PIECE):
                yield piece
    except (MemoryError, FileRefused):
        raise
    except Exception as error:
        raise FileRefused(f"The entry {entry.filename[:100]!r} is damaged.") from error


def _written(source: SourceFile, piece: bytes) -> int:
    assert source.out is not None
    left = memoryview(piece)
    while left:
        left = left[os.write(source.out, left) :]
    return len(piece)
