"""A Word document as the library that reads it (mammoth) wants it: it leaves out elements that it does not know."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

from engine.sandbox.readers.documents.formulas import linear, local_name
from engine.sandbox.readers.source import Refused
from engine.sandbox.readers.zips import member, related, xml

_WITH_TEXT = ("footnotes", "endnotes")
_NOT_NEEDED = ("/media/", "/embeddings/", "/fonts/")
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_READ, _IGNORED = "ins", "del"
"""The names of elements of which the library reads what is inside, and of which it reads nothing."""
_KNOWN: Mapping[str, str] = {
    **dict.fromkeys(("fldSimple", "bdo", "dir", "ruby", "rubyBase"), _READ),
    **dict.fromkeys(("rt", "rubyPr", "fldData"), _IGNORED),
    "cr": "br",
    "ptab": "tab",
    "tblHeader": "cantSplit",  # a merged cell may go on below the head, which in HTML it may not
}
"""{an element: what the library knows} (ECMA-376, part 1, 17)."""
_SPAN_MOST = 1000


@dataclass
class Rewritten:
    """A document for the library."""

    main: str
    """The name of its main part."""
    parts: dict[str, Element] = field(default_factory=dict)
    """The parts with its text, by name, as the library gets them."""

    def file(self, archive: zipfile.ZipFile) -> io.BytesIO:
        """Return the document, without pictures."""
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as written:
            for name in dict.fromkeys(archive.namelist()):
                if name in self.parts:
                    written.writestr(name, ET.tostring(self.parts[name]))
                elif not any(one in name for one in _NOT_NEEDED):
                    written.writestr(name, member(archive, name))
        made.seek(0)
        return made


def rewritten(archive: zipfile.ZipFile) -> Rewritten:
    """Return a document in elements that the library knows. Raises Refused."""
    begun = [place for kind, place in related(archive, "").values() if kind == "officeDocument"]
    found = Rewritten(begun[0] if begun else "word/document.xml")
    others = [place for kind, place in related(archive, found.main).values() if kind in _WITH_TEXT]
    for name in (found.main, *others):
        part = xml(archive, name)
        if part is not None:
            _rewrite(part)
            found.parts[name] = part
    if found.main not in found.parts:
        raise Refused("The Word document is damaged.")
    return found


def has_text(element: Element) -> bool:
    """Return whether there is text in an element, of whatever namespace."""
    return any(local_name(one) == "t" and (one.text or "").strip() for one in element.iter())


def _rewrite(part: Element) -> None:
    words = part.tag.rpartition("}")[0] + "}"
    for one in list(part.iter(f"{_MC}AlternateContent")):
        _keep_one(one)
    for one in list(part.iter()):
        name = local_name(one)
        if one.tag == words + name and name in _KNOWN:
            one.tag = words + _KNOWN[name]
        elif name == "oMathPara":
            one.tag = words + _READ
        elif name == "oMath":
            _put_text(one, words, linear(one))
        elif name == "drawing":
            _keep_boxes(one, words)
        elif name == "tr":
            _fill_row(one, words)
        elif name in ("body", "tc", "txbxContent", "footnote", "endnote"):
            _end_paragraphs(one, words)


def _keep_one(alternatives: Element) -> None:
    """Keep one of the alternatives, as the one that the library reads: the last one, if it has text."""
    fallback = alternatives.find(f"{_MC}Fallback")
    kept = fallback if fallback is not None and has_text(fallback) else next(filter(has_text, alternatives), fallback)
    alternatives[:] = [] if kept is None else [kept]
    for one in alternatives:
        one.tag = f"{_MC}Fallback"


def _put_text(formula: Element, words: str, text: str) -> None:
    formula.clear()
    formula.tag = f"{words}r"
    ET.SubElement(formula, f"{words}t").text = text


def _keep_boxes(drawing: Element, words: str) -> None:
    """Keep only the text boxes of a drawing that has some, as in a picture of the old kind."""
    boxes = list(drawing.iter(f"{words}txbxContent"))
    if boxes:
        drawing.tag = f"{words}pict"
        drawing[:] = boxes


def _fill_row(row: Element, words: str) -> None:
    """Give a row cells for the columns that it leaves out at its sides (ECMA-376, part 1, 17.4.14 and 17.4.15)."""
    for properties in row.findall(f"{words}trPr"):
        for name in ("gridAfter", "gridBefore"):
            found = properties.find(words + name)
            count = "" if found is None else found.get(f"{words}val", "")
            if count.isdecimal() and 0 < int(count[:6]) <= _SPAN_MOST:
                cell = Element(f"{words}tc")
                ET.SubElement(ET.SubElement(cell, f"{words}tcPr"), f"{words}gridSpan", {f"{words}val": count})
                row.insert(list(row).index(properties) + 1 if name == "gridBefore" else len(row), cell)


def _end_paragraphs(block: Element, words: str) -> None:
    """Let a paragraph whose end is deleted end all the same if no other follows: the library would lose it."""
    children = list(block)
    for one, following in zip(children, [*children[1:], None], strict=True):
        if one.tag == f"{words}p" and (following is None or following.tag != one.tag):
            for mark in one.findall(f"{words}pPr/{words}rPr/{words}del"):
                mark.tag = f"{words}noProof"
