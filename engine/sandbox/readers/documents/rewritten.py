"""A Word document as the library that reads it (mammoth) wants it: it leaves out elements that it does not know."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

from msgspec import Struct, field

from engine.sandbox.readers.documents.alternatives import keep_one_form
from engine.sandbox.readers.documents.formulas import linear, local_name
from engine.sandbox.readers.documents.hidden import IGNORED, W, hidden_styles, hide
from engine.sandbox.readers.zips import kind_of_relation, related, relations, xml

_STRICT = "{http://purl.oclc.org/ooxml/wordprocessingml/main}"
"""The other namespace of the same elements (ECMA-376, part 1, A.1): the library knows both."""
_USUAL = ("styles", "numbering", "footnotes", "endnotes", "comments")
"""Parts that the library finds by their usual names, if nothing refers to them."""
_RELATIONS = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationships"
_READ = f"{W}ins"
"""The name of an element whose content the library reads."""
_KNOWN: Mapping[str, str] = {
    **dict.fromkeys(("fldSimple", "bdo", "dir", "ruby", "rubyBase"), _READ),
    **dict.fromkeys(("rt", "rubyPr", "fldData"), IGNORED),
    "cr": f"{W}br",
    "ptab": f"{W}tab",
    "tblHeader": f"{W}cantSplit",  # a merged cell may go on below the head, which in HTML it may not
}
"""{an element: what the library knows} (ECMA-376, part 1, 17)."""
_SPAN_MOST = 1000  # as `colspan` in HTML (4.9.11), into which the library converts


class Rewritten(Struct):
    """A document for the library."""

    main: str
    """The name of its main part."""
    parts: dict[str, Element] = field(default_factory=dict)
    """The parts that the library reads, by their usual names, as it gets them."""
    hidden: int = 0
    """How many characters of hidden text were left out."""

    def file(self) -> io.BytesIO:
        """Return the document, without pictures and all else that the library does not read."""
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as written:
            for name, part in self.parts.items():
                written.writestr(name, ET.tostring(part))
        made.seek(0)
        return made


def rewritten(archive: zipfile.ZipFile) -> Rewritten:
    """Return a document in elements that the library knows. Raises FileRefused."""
    begun = [place for kind, place in related(archive, "").values() if kind == "officeDocument"]
    found = Rewritten(begun[0] if begun and begun[0] in archive.namelist() else "word/document.xml")
    others = dict(related(archive, found.main).values())
    styles: Mapping[str, bool] = {}
    for kind in ("styles", "numbering", "document", "footnotes", "endnotes"):
        place = found.main if kind == "document" else others.get(kind, f"word/{kind}.xml")
        part = xml(archive, place)
        if part is None:
            continue
        _make_transitional(part)
        if kind == "styles":
            styles = hidden_styles(part)
        elif kind != "numbering":
            keep_one_form(part)
            found.hidden += hide(part, styles)
            _rewrite(part)
            links = ET.Element(_RELATIONS)
            links.extend(one for one in relations(archive, place) if kind_of_relation(one) not in _USUAL)
            found.parts[f"word/_rels/{kind}.xml.rels"] = links
        found.parts[f"word/{kind}.xml"] = part
    return found


def _rewrite(part: Element) -> None:
    for one in list(part.iter()):
        name = local_name(one)
        if one.tag == W + name and name in _KNOWN:
            one.tag = _KNOWN[name]
        elif name == "oMathPara":
            one.tag = _READ
        elif name == "oMath":
            _put_text(one, linear(one))
        elif name == "drawing":
            _keep_boxes(one)
        elif name == "tr":
            _fill_row(one)
        elif name in ("body", "tc", "txbxContent", "footnote", "endnote"):
            _end_paragraphs(one)


def _make_transitional(part: Element) -> None:
    for one in part.iter():
        if one.tag.startswith(_STRICT):
            one.tag = W + local_name(one)
        for name in [name for name in one.attrib if name.startswith(_STRICT)]:
            one.set(W + name.removeprefix(_STRICT), one.attrib.pop(name))


def _put_text(formula: Element, text: str) -> None:
    formula.clear()
    formula.tag = f"{W}r"
    ET.SubElement(formula, f"{W}t").text = text


def _keep_boxes(drawing: Element) -> None:
    """Keep only the text boxes of a drawing that has some, as in a picture of the old kind."""
    boxes = list(drawing.iter(f"{W}txbxContent"))
    if boxes:
        drawing.tag = f"{W}pict"
        drawing[:] = boxes


def _fill_row(row: Element) -> None:
    """Give a row cells for the columns that it leaves out at its sides (ECMA-376, part 1, 17.4.14 and 17.4.15)."""
    for properties in row.findall(f"{W}trPr"):
        for name in ("gridAfter", "gridBefore"):
            found = properties.find(W + name)
            count = "" if found is None else found.get(f"{W}val", "")
            if count.isdecimal() and 0 < int(count[:6]) <= _SPAN_MOST:
                cell = Element(f"{W}tc")
                ET.SubElement(ET.SubElement(cell, f"{W}tcPr"), f"{W}gridSpan", {f"{W}val": count})
                row.insert(list(row).index(properties) + 1 if name == "gridBefore" else len(row), cell)


def _end_paragraphs(block: Element) -> None:
    """Let a paragraph whose end is deleted end all the same if no other follows: the library would lose it."""
    children = list(block)
    for one, following in zip(children, [*children[1:], None], strict=True):
        if one.tag == f"{W}p" and (following is None or following.tag != one.tag):
            for mark in one.findall(f"{W}pPr/{W}rPr/{W}del"):
                mark.tag = f"{W}noProof"  # which the library does not read
