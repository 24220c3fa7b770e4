"""What a sheet of Excel has stored that a quick reader does not tell: it is looked up in the XML of the sheet."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

from msgspec import Struct, field

from engine.sandbox.readers.documents.drawn import cell_comments
from engine.sandbox.readers.source import FileRefused
from engine.sandbox.readers.tables import EXACT_MOST
from engine.sandbox.readers.workbooks.merged import Range
from engine.sandbox.readers.workbooks.odd_cells import OddCells
from engine.sandbox.readers.zips import opened_zip, related, xml

_M = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_PIECE = 1 << 20
_FORMULA = rb"<(?:\w+:)?f(?:\s[^<>]*?)?(?:/>|>[^<]*</(?:\w+:)?f>)\s*"
_WITHOUT_VALUE = re.compile(
    rb'<(?:\w+:)?c(?![^<>]*\st="str")(?:\s[^<>]*)?>\s*'
    + _FORMULA
    + rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?"
    rb"\s*</(?:\w+:)?c>"
)
"""A cell with a formula that was never calculated (ECMA-376, part 1, 18.3.1.4); an empty text is of the type `str`."""
_ERROR = re.compile(
    rb'<(?:\w+:)?c(?=[^<>]*\st="e")([^<>]*)>\s*(?:' + _FORMULA + rb")?<(?:\w+:)?v>\s*([^<]{1,40}?)\s*</(?:\w+:)?v>"
)
_NEGATIVE = re.compile(rb'<(?:\w+:)?c(?=[^<>]*\ss="([0-9]{1,6})")[^<>]*>\s*(?:' + _FORMULA + rb")?<(?:\w+:)?v>\s*-")
_LONG = re.compile(rb"<(?:\w+:)?v>\s*-?([0-9]{16,400})\s*</(?:\w+:)?v>")
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^<>]*?\bref="([A-Z]{1,3}[0-9]{1,7}):([A-Z]{1,3}[0-9]{1,7})"')
_PLACE = re.compile(rb'\sr="([A-Z]{1,3}[0-9]{1,7})"')


class Stored(Struct):
    """What a sheet has stored."""

    empty_formulas: int = 0
    """Formulas without a value."""
    odd: OddCells = field(default_factory=OddCells)
    """Its errors."""
    has_early_dates: bool = False
    """Whether it has negative numbers in the form of dates."""
    has_long_numbers: bool = False
    """Whether it has whole numbers that no float keeps."""
    merged: list[Range] = []
    """Its merged cells."""
    comments: dict[str, str] = {}
    """{cell: what is said about it}."""


def stored(content: BinaryIO, sheet: str) -> Stored:
    """Return what a sheet has stored; nothing for other workbooks than Excel's."""
    found, negative = Stored(), set[int]()
    try:
        with opened_zip(content) as archive:
            place = _place(archive, sheet)
            for piece in _pieces(archive, place) if place in archive.namelist() else ():
                found.empty_formulas += len(_WITHOUT_VALUE.findall(piece))
                for told, error in _ERROR.findall(piece):
                    found.odd.add_error(error.decode(errors="replace"), _name(told))
                found.has_long_numbers |= any(int(digits) > EXACT_MOST for digits in _LONG.findall(piece))
                negative.update(map(int, _NEGATIVE.findall(piece)))
                found.merged += [(_at(first), _at(last)) for first, last in _MERGED.findall(piece)]
            found.comments = _comments(archive, place)
            found.has_early_dates = bool(negative) and any(_is_date(one) for one in _formats(archive, negative))
    except FileRefused:
        return Stored()
    return found


def _place(archive: zipfile.ZipFile, sheet: str) -> str:
    book = xml(archive, "xl/workbook.xml")
    parts = related(archive, "xl/workbook.xml")
    sheets = () if book is None else book.iter(f"{_M}sheet")
    found = next((one.get(f"{_R}id", "") for one in sheets if one.get("name") == sheet), "")
    return parts.get(found, ("", ""))[1]


def _comments(archive: zipfile.ZipFile, place: str) -> dict[str, str]:
    """Return the comments of a sheet; for older programs, the newer form is also written in the old one."""
    found: dict[str, str] = {}
    for kind, part in sorted(related(archive, place).values()):  # "comments" before "threadedComment"
        if kind in ("comments", "threadedComment"):
            with suppress(FileRefused):  # the cells can be read
                comments = xml(archive, part)
                found |= {} if comments is None else cell_comments(comments)
    return found


def _pieces(archive: zipfile.ZipFile, place: str) -> Iterator[bytes]:
    rest = b""
    with archive.open(place) as content:
        while piece := content.read(_PIECE):
            whole, _, rest = (rest[-_PIECE:] + piece).rpartition(b"<row")
            yield whole
    yield rest


def _name(attributes: bytes) -> str:
    found = _PLACE.search(attributes)
    return found[1].decode() if found else ""


def _at(place: bytes) -> tuple[int, int]:
    """Return (row, column), from 0, of a place such as B2."""
    letters = place.rstrip(b"0123456789")
    column = 0
    for letter in letters:
        column = column * 26 + letter - ord("A") + 1
    return int(place[len(letters) :]) - 1, column - 1


def _formats(archive: zipfile.ZipFile, styles: set[int]) -> Iterator[str]:
    """Yield the formats of these styles (ECMA-376, part 1, 18.8.10)."""
    from openpyxl.styles.numbers import BUILTIN_FORMATS

    sheet = xml(archive, "xl/styles.xml")
    if sheet is None:
        return
    own = {one.get("numFmtId"): one.get("formatCode", "") for one in sheet.iter(f"{_M}numFmt")}
    for number, one in enumerate(form for forms in sheet.iter(f"{_M}cellXfs") for form in forms.iter(f"{_M}xf")):
        if number in styles:
            known = one.get("numFmtId", "0")
            yield own.get(known) or (BUILTIN_FORMATS.get(int(known), "") if known.isdecimal() else "")


def _is_date(form: str) -> bool:
    """Return whether a format is of dates or times of a day; of durations, negative ones are read rightly."""
    from openpyxl.styles.numbers import is_date_format, is_timedelta_format

    return bool(is_date_format(form)) and not is_timedelta_format(form)
