"""Checks before any format that is a zip archive: small files that unpack to enormous ones are refused unopened."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterable
from typing import BinaryIO
from xml.etree import ElementTree as ET
from xml.parsers import expat

from engine.sandbox.readers.source import FileRefused

UNPACKED_MOST = 200 * 1024 * 1024
RATIO_MOST = 200
ENTRIES_MOST = 2000
_SMALL = 1024 * 1024
"""Entries up to this size may have any ratio."""
_ENCRYPTED = 0x1
_XML = (".xml", ".rels", ".vml")
_PIECE = 65536
_ODD = (expat.ExpatError, LookupError, ValueError)
"""What expat raises for broken XML, and for encodings that it does not know."""


def opened_zip(content: BinaryIO) -> zipfile.ZipFile:
    """Open an archive once it has passed the checks. Raises FileRefused."""
    try:
        content.seek(0)
        archive = zipfile.ZipFile(content)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, UnicodeDecodeError) as error:
        raise FileRefused("The archive is damaged.") from error
    entries = archive.infolist()
    if len(entries) > ENTRIES_MOST:
        raise FileRefused(f"The archive has {len(entries):,} entries; at most {ENTRIES_MOST:,} are read.")
    total = sum(one.file_size for one in entries)
    if total > UNPACKED_MOST:
        raise FileRefused(f"The archive unpacks to {total:,} bytes; at most {UNPACKED_MOST:,} are read.")
    for one in entries:
        if one.flag_bits & _ENCRYPTED:
            raise FileRefused("The archive is locked with a password. Unpack it, and pack it again without one.")
        if one.file_size > _SMALL and one.file_size > RATIO_MOST * max(one.compress_size, 1):
            raise FileRefused(f"An entry of the archive unpacks to more than {RATIO_MOST} times its size.")
    return archive


def member(archive: zipfile.ZipFile, name: str) -> bytes:
    """Return an entry, b"" if the archive does not have it. Raises FileRefused."""
    try:
        return archive.read(name)
    except KeyError:
        return b""
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError, RuntimeError) as error:
        raise FileRefused("The archive is damaged.") from error
    except Exception as error:
        if type(error).__module__ in ("zlib", "lzma"):  # their errors share no class with those above
            raise FileRefused("The archive is damaged.") from error
        raise


def refuse_entities(archive: zipfile.ZipFile) -> None:
    """Raise FileRefused if XML in an office document declares entities: no program that writes such files does that.

    All entries are looked at: a relationship may give any name to a part. What is not XML ends at its first bytes.
    """
    for one in archive.infolist():
        try:
            with archive.open(one) as content:
                _refuse_doctype(iter(lambda content=content: content.read(_PIECE), b""))  # type: ignore[misc]
        except FileRefused:
            raise
        except Exception as error:
            if one.filename.lower().endswith(_XML):
                raise FileRefused("The archive is damaged.") from error


def _refuse_doctype(pieces: Iterable[bytes]) -> None:
    """Raise FileRefused for a DOCTYPE before the first element (XML 1.0, 2.8), in any encoding, behind any comment."""
    parser = expat.ParserCreate()
    seen: list[bool] = []
    parser.StartDoctypeDeclHandler = lambda *_: seen.append(True)
    parser.StartElementHandler = lambda *_: seen.append(False)
    for piece in pieces:
        try:
            parser.Parse(piece)
        except _ODD:
            break  # behind a DOCTYPE, too
        if seen:
            break
    if seen and seen[0]:
        raise FileRefused("The document declares entities (a DOCTYPE), which can make a small file enormous.")


def xml(archive: zipfile.ZipFile, name: str) -> ET.Element | None:
    """Return the XML of an entry, None if it is missing or empty. Raises FileRefused."""
    data = member(archive, name)
    if not data:
        return None
    _refuse_doctype([data])
    try:
        return ET.fromstring(data)  # noqa: S314 - in a child with limits; entities are refused before
    except (ET.ParseError, *_ODD) as error:
        raise FileRefused(f"The part {name} of the document is damaged.") from error


def relations(archive: zipfile.ZipFile, part: str) -> list[ET.Element]:
    """Return the relationships of a part, or of the document itself (""). Raises FileRefused."""
    folder, name = posixpath.split(part)
    found = xml(archive, f"{folder}/_rels/{name}.rels".lstrip("/"))
    return [] if found is None else list(found)


def kind_of_relation(relation: ET.Element) -> str:
    """Return the last word of the type of a relationship, such as "styles"."""
    return relation.get("Type", "").rpartition("/")[2]


def related(archive: zipfile.ZipFile, part: str) -> dict[str, tuple[str, str]]:
    """Return {id: (kind, place)} of the parts that a part, or the document itself (""), names. Raises FileRefused."""
    folder = posixpath.dirname(part)
    return {
        one.get("Id", ""): (
            kind_of_relation(one),
            posixpath.normpath(posixpath.join(folder, one.get("Target", ""))).lstrip("/"),
        )
        for one in relations(archive, part)
        if one.get("TargetMode") != "External"
    }
