"""Workbooks of Excel and OpenDocument: sheets as tables."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, BinaryIO

from engine.sandbox.readers.detect import Kind
from engine.sandbox.readers.source import Refused, Source
from engine.sandbox.readers.tables import Table, fill, trimmed
from engine.sandbox.readers.texts import Text, markdown_table, wanted_pages
from engine.sandbox.readers.zips import opened_zip, refuse_entities, related, xml

_ROWS_SHOWN = 500
"""Of each sheet, in a text."""
_M = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_PIECE = 1 << 20
_WITHOUT_VALUE = re.compile(
    rb'<(?:\w+:)?c(?![^<>]*\st="str")(?:\s[^<>]*)?>\s*<(?:\w+:)?f(?:\s[^<>]*?)?(?:/>|>[^<]*</(?:\w+:)?f>)\s*'
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
"""A cell with a formula that was never calculated (ECMA-376, part 1, 18.3.1.4); an empty text is of the type `str`."""


def table(source: Source, kind: Kind, options: Mapping[str, Any], into: Table) -> None:
    """Take a sheet by its name, or its number from 1. Raises Refused."""
    book = _Careful(source) if options.get("is_careful") else _opened(source, kind)
    into.sheets += book.names
    name = _named(book.names, options.get("sheet"))
    fill(into, book.rows(name), has_header=options.get("header"))
    into.empty_formulas = _without_value(source.content, name)


def text(source: Source, kind: Kind, options: Mapping[str, Any], into: Text) -> None:
    """Take the first rows of each sheet as a table of Markdown, or with tabs between the cells."""
    book = _opened(source, kind)
    into.pages = len(book.names)
    for number in wanted_pages(options["pages"], into.pages):
        name = book.names[number - 1]
        if into.is_full:
            into.leave_out(f"the sheets from {name!r} on")
            return
        rows = book.rows(name)
        shown = [row for row in map(trimmed, islice(rows, _ROWS_SHOWN)) if row]
        left = sum(1 for row in rows if any(cell not in (None, "") for cell in row))
        tabs = "\n".join("\t".join("" if cell is None else str(cell) for cell in row) for row in shown)
        into.add(markdown_table(shown) if into.is_markdown else tabs, number, f"Sheet {name}")
        if left:
            into.leave_out(f"{left:,} rows of the sheet {name!r}")


def _named(names: Sequence[str], wanted: str | None) -> str:
    """Return a sheet by its name, else by its number."""
    wanted = wanted or "1"
    if wanted in names:
        return wanted
    if wanted.isdecimal() and 0 < int(wanted) <= len(names):
        return names[int(wanted) - 1]
    raise Refused(f"There is no sheet {wanted!r}; the sheets are {', '.join(map(repr, names[:20]))}.")


class _Quick:
    """Reads a sheet as a whole (python-calamine); ends this process where cells are named very far away."""

    def __init__(self, source: Source) -> None:
        import python_calamine

        source.content.seek(0)
        try:
            self._book = python_calamine.CalamineWorkbook.from_filelike(source.content)
        except python_calamine.PasswordError as error:
            raise Refused("The workbook is locked with a password.") from error
        except python_calamine.CalamineError as error:
            raise Refused("The workbook is damaged.") from error
        self._error: type[Exception] = python_calamine.CalamineError
        self.names = [str(name) for name in self._book.sheet_names]

    def rows(self, name: str) -> Iterator[Sequence[Any]]:
        try:
            return iter(self._book.get_sheet_by_name(name).iter_rows())
        except self._error as error:
            raise Refused(f"The sheet {name!r} is damaged.") from error


class _Careful:
    """Reads the cells of a sheet that are there, one after another (openpyxl): slower, but in little memory."""

    def __init__(self, source: Source) -> None:
        import openpyxl

        source.content.seek(0)
        try:
            self._book = openpyxl.load_workbook(source.content, read_only=True, data_only=True)
        except (MemoryError, RecursionError):
            raise
        except Exception as error:
            raise Refused("The workbook is damaged.") from error
        self.names = list(self._book.sheetnames)

    def rows(self, name: str) -> Iterator[Sequence[Any]]:
        try:
            yield from self._book[name].iter_rows(values_only=True)
        except (MemoryError, RecursionError):
            raise
        except Exception as error:
            raise Refused(f"The sheet {name!r} is damaged.") from error


def _opened(source: Source, kind: Kind) -> _Quick:
    if "ms-excel" not in kind.media_type or "binary" in kind.media_type:
        with opened_zip(source.content) as archive:
            refuse_entities(archive)
    return _Quick(source)


def _without_value(content: BinaryIO, sheet: str) -> int:
    """Return how many formulas of a sheet have no stored value; 0 for other workbooks than Excel's."""
    try:
        with opened_zip(content) as archive:
            place = _place(archive, sheet)
            return _count(archive, place) if place in archive.namelist() else 0
    except Refused:
        return 0


def _place(archive: zipfile.ZipFile, sheet: str) -> str:
    book = xml(archive, "xl/workbook.xml")
    parts = related(archive, "xl/workbook.xml")
    sheets = () if book is None else book.iter(f"{_M}sheet")
    found = next((one.get(f"{_R}id", "") for one in sheets if one.get("name") == sheet), "")
    return parts.get(found, ("", ""))[1]


def _count(archive: zipfile.ZipFile, place: str) -> int:
    count, rest = 0, b""
    with archive.open(place) as content:
        while piece := content.read(_PIECE):
            whole, _, rest = (rest[-_PIECE:] + piece).rpartition(b"<row")
            count += len(_WITHOUT_VALUE.findall(whole))
    return count + len(_WITHOUT_VALUE.findall(rest))
