"""What an Office document has besides the text that was read, in words."""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from xml.etree.ElementTree import Element

from clients.wording import counted
from engine.sandbox.readers.documents.alternatives import has_text
from engine.sandbox.readers.documents.drawn import WRITTEN
from engine.sandbox.readers.documents.formulas import local_name
from engine.sandbox.readers.documents.rewritten import Rewritten
from engine.sandbox.readers.source import FileRefused
from engine.sandbox.readers.zips import related, xml

_PARTS: Mapping[str, str] = {
    "header": "header",
    "footer": "footer",
    "comments": "comment",
    "chart": "chart",
    "chartEx": "chart",
    "image": "picture",
    "diagramData": "diagram",
    "aFChunk": "embedded document",
    "package": "embedded object",
    "oleObject": "embedded object",
}
"""{the kind of a relationship: what is in such a part}."""
_WITH_TEXT = ("header", "footer", "comment")
_MANIFEST = "META-INF/manifest.xml"
_M = "{urn:oasis:names:tc:opendocument:xmlns:manifest:1.0}"
_COMMENT, _PIECE = b"</office:annotation>", 1 << 20
_UNKNOWN = "An unrecognised element was ignored: "
_SYMBOL = "A w:sym element"


def unread(archive: zipfile.ZipFile, document: Rewritten, messages: Iterable[str]) -> str:
    """Return a sentence that says what was not read, "" if all was. `messages`: what the library said."""
    left = Counter(_others(archive, document))
    told = _counted(left)
    said = list(messages)
    names = {one.removeprefix(_UNKNOWN).replace("}", ":").rpartition(":")[2] for one in said if _UNKNOWN in one}
    if any(local_name(one) in names and has_text(one) for part in document.parts.values() for one in part.iter()):
        told.append("text in unknown elements")
    if any(one.startswith(_SYMBOL) for one in said):
        told.append("symbols of special fonts")
    return _told(told)


def unread_below(archive: zipfile.ZipFile, folder: str) -> str:
    """Return the same for what parts in a folder refer to, such as the charts of a workbook, except comments."""
    try:
        return not_read(Counter(_named_below(archive, folder)))
    except FileRefused:  # a part that is not read anyway is damaged
        return ""


def unread_of_opendocument(archive: zipfile.ZipFile) -> str:
    """Return the same for a file of OpenDocument, by its manifest (OASIS OpenDocument 1.3, part 2, 3.2)."""
    try:
        manifest = xml(archive, _MANIFEST)
        entries = () if manifest is None else manifest
        left = Counter(filter(None, map(_kind_of_entry, entries)))
    except FileRefused:
        return ""
    left["comment"] = _comments(archive)
    return not_read(+left)


def _comments(archive: zipfile.ZipFile) -> int:
    """Count the comments in a file, which may be too large for a tree."""
    count, rest = 0, b""
    with archive.open("content.xml") as content:
        while piece := content.read(_PIECE):
            count += (rest + piece).count(_COMMENT)
            rest = piece[1 - len(_COMMENT) :]  # a tag may lie across two pieces
    return count


def _kind_of_entry(entry: Element) -> str:
    path, kind = entry.get(f"{_M}full-path", ""), entry.get(f"{_M}media-type", "")
    if kind.endswith("opendocument.chart"):
        return "chart"
    is_embedded = path.endswith("/") and path != "/" and ".opendocument." in kind
    if is_embedded or kind == "application/vnd.sun.star.oleobject":
        return "embedded object"
    is_shown = kind.startswith("image/") and not path.startswith(("ObjectReplacements/", "Thumbnails/"))
    return "picture" if is_shown else ""


def read_beside(archive: zipfile.ZipFile, part: str, named: Container[str]) -> tuple[list[str], Counter[str]]:
    """Return the texts of the charts, diagrams and comments of a part, and words for what else it has.

    `named`: the ids of the relationships that are shown in it. Raises FileRefused if what the part names is unknown.
    """
    texts: list[str] = []
    left: Counter[str] = Counter()
    for number, (kind, place) in related(archive, part).items():
        if number in named or kind == "comments":
            text = _text_of(archive, kind, place)
            texts += [text] if text else []
            left.update([_PARTS[kind]] if kind in _PARTS and not text else [])
    return texts, left


def _text_of(archive: zipfile.ZipFile, kind: str, place: str) -> str:
    try:
        part = xml(archive, place) if kind in WRITTEN else None
    except FileRefused:  # the rest can be read
        return ""
    return "" if part is None else WRITTEN[kind](part)


def not_read(left: Counter[str]) -> str:
    """Return a sentence that names what was not read, "" if all was."""
    return _told(_counted(left))


def _named_below(archive: zipfile.ZipFile, folder: str) -> Iterator[str]:
    """Yield a word for each thing in other parts. Raises FileRefused."""
    relations = [PurePosixPath(name) for name in archive.namelist() if name.startswith(folder)]
    parts = (str(one.parent.parent / one.stem) for one in relations if one.suffix == ".rels")
    for kind, _ in sorted({one for part in parts for one in related(archive, part).values()}):
        what = _PARTS.get(kind, "")
        if what and what != "comment":
            yield what


def _counted(left: Counter[str]) -> list[str]:
    return [counted(count, what) for what, count in left.items()]


def _told(told: Sequence[str]) -> str:
    return f"Not read: {', '.join(told)}." if told else ""


def _others(archive: zipfile.ZipFile, document: Rewritten) -> Iterator[str]:
    """Yield what there is in other parts, and what in drawings: a word for each."""
    for kind, place in sorted(set(related(archive, document.main).values())):
        what = _PARTS.get(kind, "")
        part = xml(archive, place) if what in _WITH_TEXT else None
        if what == "comment" and part is not None:
            yield from (what for one in part if has_text(one))
        elif what and (what not in _WITH_TEXT or (part is not None and has_text(part))):
            yield what
    for part in document.parts.values():
        yield from ("drawing with text" for one in part.iter() if local_name(one) == "drawing" and has_text(one))
