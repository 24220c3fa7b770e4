"""PowerPoint presentations: the text of each slide, its tables, charts, diagrams, comments and notes.

The parts of the file are read directly (ECMA-376, part 1, 19.3): the usual library brings 18 MB.
"""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element

from clients.wording import counted, listed
from engine.sandbox.readers.documents.alternatives import has_text, keep_one_form
from engine.sandbox.readers.documents.formulas import linear, local_name
from engine.sandbox.readers.documents.unread import not_read, read_beside
from engine.sandbox.readers.file_kinds import FileKind
from engine.sandbox.readers.grid import require_few
from engine.sandbox.readers.source import FileRefused, SourceFile
from engine.sandbox.readers.texts import TextBuilder, markdown_table, wanted_pages
from engine.sandbox.readers.zips import opened_zip, refuse_entities, related, xml

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_TITLES = ("title", "ctrTitle")
_NO_TEXT = ("sldNum", "dt", "ftr", "hdr", "sldImg")
_OFF = ("0", "false")
"""Values of attributes such as `show`, `hidden` and `vMerge` that mean no."""


def text(source: SourceFile, kind: FileKind, options: Mapping[str, Any], into: TextBuilder) -> None:
    """Take the slides in the order in which they are shown. Raises FileRefused."""
    del kind
    with opened_zip(source.content) as archive:
        refuse_entities(archive)
        slides = list(_slides(archive))
        into.pages = len(slides)
        hidden: list[str] = []
        hidden_shapes, left = 0, Counter[str]()
        for number in wanted_pages(options["pages"], into.pages):
            if into.is_full:
                into.leave_out(f"the slides from {number} on")
                break
            slide = xml(archive, slides[number - 1])
            if slide is None:
                into.add("", number, f"Slide {number}")
            elif slide.get("show") in _OFF:
                hidden.append(str(number))
            else:
                keep_one_form(slide)
                hidden_shapes += _take_hidden_out(slide)
                beside, unread = read_beside(archive, slides[number - 1], _relations(slide))
                left += unread
                beside += _notes(archive, slides[number - 1])
                _add(into, number, *_said(slide, beside, is_markdown=into.is_markdown))
        if hidden:
            into.notes.append(f"Left out: {counted(len(hidden), 'hidden slide')} ({listed(hidden)}).")
        if hidden_shapes:
            into.notes.append(f"Left out: {counted(hidden_shapes, 'hidden shape')}.")
        into.notes += filter(None, [not_read(left)])


def _add(into: TextBuilder, number: int, title: str, body: str) -> None:
    into.add(body if into.is_markdown else f"{title}\n{body}", number, f"Slide {number}: {title}".rstrip(": "))


def _slides(archive: zipfile.ZipFile) -> Iterator[str]:
    presentation = xml(archive, "ppt/presentation.xml")
    if presentation is None:
        raise FileRefused("The presentation is damaged.")
    parts = related(archive, "ppt/presentation.xml")
    for one in presentation.iter(f"{_P}sldId"):
        place = parts.get(one.get(f"{_R}id", ""), ("", ""))[1]
        if place:
            yield place


def _take_hidden_out(slide: Element) -> int:
    """Take out the shapes that are not shown; return how many of them have text."""
    count = 0
    for parent in list(slide.iter()):
        for one in list(parent):
            properties = one.find(f"*/{_P}cNvPr")
            if properties is not None and properties.get("hidden", "0") not in _OFF:
                parent.remove(one)
                count += has_text(one)
    return count


def _relations(slide: Element) -> frozenset[str]:
    """Return the ids of the relationships that a slide names."""
    return frozenset(value for one in slide.iter() for name, value in one.items() if name.startswith(_R))


def _said(slide: Element, beside: Sequence[str], *, is_markdown: bool) -> tuple[str, str]:
    """Return (the title of a slide, what else there is, with what is in parts beside it)."""
    titles: list[str] = []
    body: list[str] = []
    for shape in slide.iter():
        if shape.tag == f"{_P}sp":
            kind = _placeholder(shape)
            if kind not in _NO_TEXT:
                (titles if kind in _TITLES else body).append(_paragraphs(shape))
        elif shape.tag == f"{_A}tbl":
            rows = list(_rows(shape))
            body.append(markdown_table(rows) if is_markdown else "\n".join("\t".join(row) for row in rows))
    shown = "\n\n".join(filter(None, [*body, *beside]))
    return " ".join(" ".join(titles).split()), shown


def _rows(table: Element) -> Iterator[list[str]]:
    """Yield the rows of a table: the text of a merged cell is in its first column, and in each of its rows."""
    above: list[str] = []
    added = 0
    for row in table.iter(f"{_A}tr"):
        line: list[str] = []
        for cell in row.iter(f"{_A}tc"):
            is_below = cell.get("vMerge", "0") not in _OFF and cell.get("hMerge", "0") in _OFF
            line.append(above[len(line)] if is_below and len(line) < len(above) else _paragraphs(cell))
            added += len(line[-1]) if is_below else 0
        require_few(added)
        yield line
        above = line


def _notes(archive: zipfile.ZipFile, slide: str) -> Iterator[str]:
    place = next((place for kind, place in related(archive, slide).values() if kind == "notesSlide"), "")
    notes = xml(archive, place) if place else None
    if notes is None:
        return
    keep_one_form(notes)
    _take_hidden_out(notes)
    shapes = (one for one in notes.iter(f"{_P}sp") if _placeholder(one) not in _NO_TEXT)
    if said := "\n".join(filter(None, map(_paragraphs, shapes))):
        yield f"Notes: {said}"


def _placeholder(shape: Element) -> str:
    found = next(shape.iter(f"{_P}ph"), None)
    return "" if found is None else found.get("type", "body")


def _paragraphs(shape: Element) -> str:
    lines = ("".join(_runs(one)).strip() for one in shape.iter(f"{_A}p"))
    return "\n".join(line for line in lines if line)


def _runs(paragraph: Element) -> Iterator[str]:
    for one in paragraph.iter():
        if one.tag == f"{_A}t":
            yield one.text or ""
        elif one.tag == f"{_A}br":
            yield "\n"
        elif local_name(one) == "oMath":
            yield linear(one)
