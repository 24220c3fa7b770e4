"""Sheets of Excel as they are stored in XML (2007 and later; ECMA-376, part 1, 18.3)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from typing import Any
from xml.etree import ElementTree as ET

from msgspec import Struct, field

from engine.sandbox.readers.documents.drawn import cell_comments
from engine.sandbox.readers.documents.formulas import local_name
from engine.sandbox.readers.source import FileRefused, SourceFile
from engine.sandbox.readers.workbooks.merged import Range
from engine.sandbox.readers.workbooks.odd_cells import OddCells
from engine.sandbox.readers.zips import opened_zip, refuse_entities, related, xml

_ROWS_MOST, _COLUMNS_MOST = 1_048_576, 16_384
_FORMS = {str(number): "d" for number in (*range(14, 23), *range(27, 37), 45, 47, *range(50, 59))} | {"46": "[h]"}
"""Formats of dates and durations that have numbers only (18.8.30)."""
# Parts of a format that are not its letters: quoted or escaped text, colours, conditions; [h] and such are letters.
_LITERAL = re.compile(r'"[^"]*"|[\\_*].|\[(?!(?:h+|m+|s+)\])[^\]]*\]', re.IGNORECASE)
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
"""A character that XML does not allow (22.9.2.19)."""
_DAY_MILLISECONDS = 86_400_000
_LAST_DAY = 2_958_466
"""The first day of the year 10000: larger numbers are no dates."""


class StoredSheet(Struct):
    """The cells of a sheet, and what else it says of them."""

    rows: Iterator[Sequence[Any]]
    """All rows, from the first one of the sheet on."""
    first_column: int = 0
    """The column where rows begin, from 0: the first that has a value."""
    merged: Sequence[Range] = ()
    comments: dict[str, str] = {}
    """{cell: what is said about it}."""
    odd: OddCells = field(default_factory=OddCells)
    empty_formulas: int = 0
    """Formulas without a stored value."""


class ExcelWorkbook:
    """A workbook, whose sheets are read one at a time. All of it raises FileRefused for what is damaged."""

    def __init__(self, source: SourceFile) -> None:
        self._archive = opened_zip(source.content)
        refuse_entities(self._archive)
        self._entries = {name.lower(): name for name in self._archive.namelist()}  # links may have other letters
        at = _first(related(self._archive, ""), "officeDocument")
        book = xml(self._archive, at)
        if book is None:
            raise FileRefused("The workbook is damaged.")
        self._parts = related(self._archive, at)
        sheets = {one.get("name", ""): one for one in _named(book, "sheet")}
        self.names = [name for name, one in sheets.items() if one.get("state", "visible") == "visible"]
        self.hidden = [name for name in sheets if name not in self.names]
        self._places = {name: self._parts.get(_link(one), ("", ""))[1] for name, one in sheets.items()}
        is_from_1904 = any(one.get("date1904") in ("1", "true") for one in _named(book, "workbookPr"))
        self._epoch = dt.datetime(1904, 1, 1) if is_from_1904 else dt.datetime(1899, 12, 30)  # noqa: DTZ001 - no zone
        self._forms = self._read_forms()
        texts = _first(self._parts, "sharedStrings")
        self._texts = [_text(one) for one in self._elements(texts, "The workbook", "}si")] if texts else []

    def sheet(self, name: str) -> StoredSheet:
        """Return a sheet."""
        place = self._places[name]
        reading = _Reading(self._texts, self._forms, self._epoch)
        try:
            for one in self._elements(place, f"The sheet {name!r}", "}row", "}mergeCell"):
                reading.take(one)
        except (ValueError, IndexError) as error:
            raise FileRefused(f"The sheet {name!r} is damaged.") from error
        return reading.sheet(self._comments(place))

    def _elements(self, place: str, what: str, *tags: str) -> Iterator[ET.Element]:
        """Yield the elements of a part whose tags have these ends."""
        try:
            with self._archive.open(self._entries.get(place.lower(), place)) as content:
                for _, one in ET.iterparse(content):  # noqa: S314 - in a child with limits; entities are refused before
                    if one.tag.endswith(tags):
                        yield one
                        one.clear()
        except (MemoryError, RecursionError, FileRefused):
            raise
        except Exception as error:
            raise FileRefused(f"{what} is damaged.") from error

    def _read_forms(self) -> dict[str, str]:
        """Return {style of cells: "date" or "duration"}; styles of other numbers are left out."""
        styles = xml(self._archive, self._entries.get(_first(self._parts, "styles").lower(), ""))
        if styles is None:
            return {}
        codes = _FORMS | {one.get("numFmtId", ""): one.get("formatCode", "") for one in _named(styles, "numFmt")}
        used = [one.get("numFmtId", "") for forms in _named(styles, "cellXfs") for one in _named(forms, "xf")]
        forms = {str(at): _form(codes.get(number, "")) for at, number in enumerate(used)}
        return {style: form for style, form in forms.items() if form}

    def _comments(self, place: str) -> dict[str, str]:
        """Return the comments of a sheet; for older programs, the newer form is also written in the old one."""
        found: dict[str, str] = {}
        for kind, part in sorted(related(self._archive, place).values()):  # "comments" before "threadedComment"
            if kind in ("comments", "threadedComment"):
                with suppress(FileRefused):  # the cells can be read
                    comments = xml(self._archive, part)
                    found |= {} if comments is None else cell_comments(comments)
        return found


class _Reading:
    """Takes the elements of a sheet as they end. Raises ValueError or IndexError for those that are damaged."""

    def __init__(self, texts: Sequence[str], forms: Mapping[str, str], epoch: dt.datetime) -> None:
        self._texts, self._forms, self._epoch = texts, forms, epoch
        self._rows: list[tuple[int, int, list[Any]]] = []
        """(number from 0, first column that has a value, cells from there on)."""
        self._merged: list[Range] = []
        self._odd, self._empty_formulas = OddCells(), 0
        self._last = -1

    def take(self, one: ET.Element) -> None:
        """Take the next row or merged cell."""
        if one.tag.endswith("}row"):
            self._take_row(one, one.tag[:-3])
            return
        first, _, last = one.get("ref", "").partition(":")
        if last:
            self._merged.append((_at(first), _at(last)))

    def sheet(self, comments: dict[str, str]) -> StoredSheet:
        """Return what was taken."""
        first = min((column for _, column, _ in self._rows), default=0)
        return StoredSheet(_from(first, self._rows), first, self._merged, comments, self._odd, self._empty_formulas)

    def _take_row(self, row: ET.Element, space: str) -> None:
        number = int(row.get("r", self._last + 2)) - 1
        if not self._last < number < _ROWS_MOST:
            raise ValueError(number)
        self._last = number
        cells: list[Any] = []
        begin, column, value_of = 0, -1, self._value
        for cell in row:
            place = cell.get("r")
            column = _column(place.rstrip("0123456789")) if place else column + 1
            value = value_of(cell, place or "", space)
            if value is None or value == "":
                continue
            if not cells:
                begin = column
            gap = column - begin - len(cells)
            if gap < 0 or column >= _COLUMNS_MOST:
                raise ValueError(place)
            if gap:
                cells += [None] * gap
            cells.append(value)
        if cells:
            self._rows.append((number, begin, cells))

    def _value(self, cell: ET.Element, place: str, space: str) -> Any:
        kind, stored = cell.get("t", "n"), cell.findtext(f"{space}v")
        if kind == "inlineStr":
            return _text(cell)
        if not stored or stored.isspace():
            self._empty_formulas += kind != "str" and cell.find(f"{space}f") is not None
            return stored if kind == "str" else None
        if kind == "n":
            form = self._forms.get(cell.get("s", ""))
            return _number(stored) if form is None else self._moment(_number(stored), form, place)
        if kind == "s":
            return self._texts[int(stored)]
        if kind == "e":
            self._odd.add_error(stored.strip(), place)
            return None
        return stored.strip() in ("1", "true") if kind == "b" else _unescaped(stored)

    def _moment(self, number: float, form: str, place: str) -> Any:
        """Return a number as the date or duration that its form says."""
        if form == "duration":
            try:
                return dt.timedelta(milliseconds=round(number * _DAY_MILLISECONDS))
            except (OverflowError, ValueError):
                self._odd.add_error("#VALUE!", place)
                return None
        if number < 0:
            self._odd.add_date(place)
        return self._date(number) if 0 <= number < _LAST_DAY else number

    def _date(self, number: float) -> dt.datetime | dt.time:
        is_early = self._epoch.year < 1900 and 1 <= number < 60  # to Excel, 1900 has a 29 February
        found = self._epoch + dt.timedelta(milliseconds=round((number + is_early) * _DAY_MILLISECONDS))
        return found.time() if number < 1 else found


def _link(sheet: ET.Element) -> str:
    return next((value for name, value in sheet.items() if name.endswith("}id")), "")


def _first(parts: Mapping[str, tuple[str, str]], kind: str) -> str:
    return next((place for one, place in parts.values() if one == kind), "")


def _from(first: int, rows: Sequence[tuple[int, int, list[Any]]]) -> Iterator[Sequence[Any]]:
    following = 0
    for number, begin, cells in rows:
        for _ in range(following, number):
            yield ()
        yield [*[None] * (begin - first), *cells] if begin > first else cells
        following = number + 1


def _at(place: str) -> tuple[int, int]:
    """Return (row, column), from 0, of a place such as B2."""
    letters = place.rstrip("0123456789")
    return int(place[len(letters) :]) - 1, _column(letters)


@cache
def _column(letters: str) -> int:
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - ord("A") + 1
    return column - 1


def _number(stored: str) -> float:
    """Return a number, a whole one with all its digits."""
    try:
        return int(stored)
    except ValueError:
        return float(stored)


def _form(code: str) -> str:
    plain = _LITERAL.sub("", code).partition(";")[0].lower()
    if re.search(r"\[[hms]", plain):
        return "duration"
    return "date" if re.search("[dmhys]", plain) else ""


def _text(part: ET.Element) -> str:
    """Return the text of a cell, without how it is pronounced."""
    return _unescaped("".join(_said(part)))


def _said(part: ET.Element) -> Iterator[str]:
    for one in part:
        if one.tag.endswith("}t"):
            yield one.text or ""
        elif not one.tag.endswith("}rPh"):
            yield from _said(one)


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def _named(part: ET.Element, name: str) -> Iterator[ET.Element]:
    return (one for one in part.iter() if local_name(one) == name)
