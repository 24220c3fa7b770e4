"""The files in a zip archive or a mail, unpacked one after another to a single stream; no name decides a place."""

from __future__ import annotations

import io
import os
import re
import stat
import unicodedata
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from fnmatch import fnmatch
from typing import Any

from clients.mail.charsets import JAPANESE
from engine.sandbox.readers.encodings import encoding_of
from engine.sandbox.readers.file_kinds import FileKind, kind_of
from engine.sandbox.readers.source import FileRefused, SourceFile
from engine.sandbox.readers.zips import opened_zip

_PIECE = 1024 * 1024
_FILES_MOST = 200
_NAMES_MOST = 65536
"""Bytes of names that decide in which encoding they are."""
_USUAL = "cp437"
_UTF_8 = 0x800
"""The flag of an entry that says that its name is UTF-8 (APPNOTE 4.4.4)."""
_MAILS = frozenset({"mail", "smime", "winmail"})
"""Kinds of files that have files as a mail has them."""
_MAIL_MOST = 200 * 1024 * 1024
_SLASH = re.compile(r"[/\\]")
_DRIVE = re.compile("[A-Za-z]:")
_JOINERS = "\u200c\u200d"
"""Join letters and emoji; Python calls them unprintable."""


def unpacked(source: SourceFile, options: Mapping[str, Any]) -> dict[str, Any]:
    """Write the regular files whose names fit to `out`; return {entries: [{name, size, start}], left_out, beyond}.

    From a mail, they are its attachments and the files in attached mails. Raises FileRefused. Links, folders and
    names that lead out are left out; `beyond` says how many files follow the first 200, which are, too.
    """
    kind = kind_of(source)
    if kind.name in _MAILS:
        return _of_mail(source, kind, options)
    found: list[dict[str, Any]] = []
    left_out: list[str] = []
    at = beyond = 0
    with opened_zip(source.content) as archive:
        encoding = _encoding_of(archive.infolist())
        for entry in archive.infolist():
            name = safe_name(entry, encoding)
            if entry.is_dir() or (name and not fnmatch(name, options["pattern"])):
                continue
            if not name or len(found) >= _FILES_MOST:
                left_out.append(_told(entry, encoding)[:200])
                beyond += bool(name)
                continue
            size = sum(_written(source, piece) for piece in _pieces(archive, entry))
            found.append({"name": name, "size": size, "start": at})
            at += size
    return {"entries": found, "left_out": left_out, "beyond": beyond}


def _of_mail(source: SourceFile, kind: FileKind, options: Mapping[str, Any]) -> dict[str, Any]:
    from engine.sandbox.readers.mail import files

    found: list[dict[str, Any]] = []
    left_out: list[str] = []
    at = 0
    for written, content in files(source, kind):
        name = "".join(map(_plain_sign, _SLASH.sub("_", unicodedata.normalize("NFC", written))))[-200:]
        name = name.replace(".", "_", 1) if name.startswith(".") else name
        if not fnmatch(name, options["pattern"]):
            continue
        if len(found) >= _FILES_MOST:
            left_out.append(name)
            continue
        if at + len(content) > _MAIL_MOST:
            raise FileRefused(f"Its files have more than {_MAIL_MOST // 1024**2} MB.")
        found.append({"name": name, "size": _written(source, content), "start": at})
        at += len(content)
    return {"entries": found, "left_out": left_out, "beyond": len(left_out)}


def safe_name(entry: zipfile.ZipInfo, encoding: str) -> str:
    """Return the name of an entry, with slashes; "" for one that leads out, is hidden, or is not a regular file.

    Signs that some systems do not allow in names, or that nobody sees, become `_`.
    """
    kind = stat.S_IFMT(entry.external_attr >> 16)  # the mode on Unix; 0 from programs that write none
    if kind not in (0, stat.S_IFREG):
        return ""
    name = unicodedata.normalize("NFC", _told(entry, encoding).replace("\\", "/"))
    parts = [part for part in name.split("/") if part != "."]
    is_safe = all(part and not part.startswith(".") and len(part) < 200 for part in parts)
    if not parts or not is_safe or _DRIVE.fullmatch(parts[0]):
        return ""
    return "".join(_plain_sign(sign) for sign in "/".join(parts))


def _plain_sign(sign: str) -> str:
    return sign if (sign.isprintable() or sign in _JOINERS) and sign != ":" else "_"


def _told(entry: zipfile.ZipInfo, encoding: str) -> str:
    """Return the name of an entry; some programs write UTF-8, or what is usual in a country, and do not say so."""
    for each in ("utf-8", encoding):
        with suppress(UnicodeError):
            return _written_name(entry).decode(each)
    return entry.filename


def _written_name(entry: zipfile.ZipInfo) -> bytes:
    """Return the bytes of a name; where an archive does not say what they are, they were read as CP 437.

    Raises UnicodeEncodeError for a name from elsewhere: newer Pythons take it from Info-ZIP's Unicode path (0x7075).
    """
    return entry.filename.encode("utf-8" if entry.flag_bits & _UTF_8 else "cp437")


def _encoding_of(entries: Sequence[zipfile.ZipInfo]) -> str:
    """Return the encoding of names that are not UTF-8: a Japanese one if they are in it, else as the format says."""
    written = []
    for entry in entries:
        if not entry.flag_bits & _UTF_8 and not entry.filename.isascii():
            with suppress(UnicodeEncodeError):
                written.append(_written_name(entry))
    if not written:
        return _USUAL
    found = encoding_of(SourceFile(io.BytesIO(b"\n".join(written)[:_NAMES_MOST]), "names.txt"))
    return found if found in JAPANESE else _USUAL


def _pieces(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    try:
        with archive.open(entry) as content:
            while piece := content.read(_PIECE):
                yield piece
    except (MemoryError, FileRefused):
        raise
    except Exception as error:  # zlib and lzma have errors of their own
        raise FileRefused(f"The entry {entry.filename[:100]!r} is damaged.") from error


def _written(source: SourceFile, piece: bytes) -> int:
    assert source.out is not None
    left = memoryview(piece)
    while left:
        left = left[os.write(source.out, left) :]
    return len(piece)
