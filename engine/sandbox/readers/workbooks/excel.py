"""Workbooks of Excel and OpenDocument: sheets as tables."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from clients.wording import counted, listed
from engine.sandbox.readers.detect import EXCEL, LOCKED, FileKind
from engine.sandbox.readers.documents.unread import unread_below, unread_of_opendocument
from engine.sandbox.readers.number_columns import numbers_of
from engine.sandbox.readers.source import FileRefused, NeedsCare, SourceFile
from engine.sandbox.readers.tables import TableBuilder, chosen, fill, trimmed
from engine.sandbox.readers.texts import TextBuilder, markdown_table, wanted_pages
from engine.sandbox.readers.workbooks.merged import Range, across, spread
from engine.sandbox.readers.workbooks.odd_cells import OddCells
from engine.sandbox.readers.workbooks.stored import Stored, stored
from engine.sandbox.readers.zips import opened_zip, refuse_entities

_ROWS_SHOWN = 500
"""Of each sheet, in a text."""
_CALCULATE = "Open the workbook in Excel or LibreOffice and save it to have them calculated."
_ZIP = b"PK"
_NAME_MOST = 31
"""Characters of the name of a sheet in Excel."""


def table(source: SourceFile, kind: FileKind, options: Mapping[str, Any], into: TableBuilder) -> None:
    """Take a sheet by its name, or its number from 1, which hidden ones have not. Raises FileRefused, NeedsCare."""
    book = _opened(source, kind, options)
    into.sheets += book.names
    wanted = options.get("sheet")
    name = str(wanted) if wanted in book.hidden else chosen(book.names, wanted, "sheet")
    if name != wanted:
        into.notes += _left_out(book.hidden)
    known = stored(source.content, name)
    odd = book.odd_cells(known)
    wide = across(book.merged(name, known), book.first_column(name))
    through = numbers_of(options, into)
    fill(into, _rows(book, name, known, odd), has_header=options.get("header"), through=through, across=wide)
    into.empty_formulas = known.empty_formulas
    into.notes += odd.notes()


def text(source: SourceFile, kind: FileKind, options: Mapping[str, Any], into: TextBuilder) -> None:
    """Take the first rows of each sheet that is not hidden as a table of Markdown, or with tabs between the cells."""
    book = _opened(source, kind, options)
    into.pages = len(book.names)
    into.notes += [*_left_out(book.hidden), *_beside_cells(source, kind)]
    empty: list[str] = []
    for number in wanted_pages(options["pages"], into.pages):
        name = book.names[number - 1]
        if into.is_full:
            into.leave_out(f"the sheets from {name!r} on")
            break
        known = stored(source.content, name)
        odd = book.odd_cells(known)
        rows = _rows(book, name, known, odd)
        shown = [row for row in map(trimmed, islice(rows, _ROWS_SHOWN)) if row]
        left = sum(1 for row in rows if any(cell not in (None, "") for cell in row))
        tabs = "\n".join("\t".join("" if cell is None else str(cell) for cell in row) for row in shown)
        said = [f"Comment in {cell}: {words}" for cell, words in known.comments.items()]
        cells = markdown_table(shown) if into.is_markdown else tabs
        into.add("\n\n".join(filter(None, [cells, "\n".join(said)])), number, f"Sheet {name}")
        into.notes += (f"Sheet {name}: {note}" for note in odd.notes())
        if left:
            into.leave_out(f"{counted(left, 'row')} of the sheet {name!r}")
        if known.empty_formulas:
            empty.append(f"{known.empty_formulas:,} in the sheet {name!r}")
    if empty:
        into.notes.append(f"Formulas without a stored value, whose cells are empty: {listed(empty)}. {_CALCULATE}")


def _left_out(hidden: Sequence[str]) -> Iterator[str]:
    if hidden:
        names = listed([repr(name[:_NAME_MOST]) for name in hidden])
        yield f"Left out: {counted(len(hidden), 'hidden sheet')} ({names}). `file.table` reads one by its name."


def _beside_cells(source: SourceFile, kind: FileKind) -> Iterator[str]:
    """Yield a sentence about charts, pictures and the like; files that are no zip archives hide theirs."""
    if source.head()[:2] == _ZIP:
        with opened_zip(source.content) as archive:
            refuse_entities(archive)
            is_open = "OpenDocument" in kind.words
            yield from filter(None, [unread_of_opendocument(archive) if is_open else unread_below(archive, "xl/")])


class _Quick:
    """Reads a sheet as a whole (python-calamine); ends this process where cells are named very far away.

    `can_be_careful`: whether there is another way to read the workbook, if this one does not do.
    """

    def __init__(self, source: SourceFile, *, can_be_careful: bool) -> None:
        import python_calamine

        self._can_be_careful = can_be_careful
        self._last: tuple[str, Any] | None = None
        self._errors = (python_calamine.CalamineError, OverflowError)
        source.content.seek(0)
        try:
            self._book = python_calamine.CalamineWorkbook.from_filelike(source.content)
        except python_calamine.PasswordError as error:
            raise FileRefused(LOCKED) from error
        except self._errors as error:
            raise self._failed("The workbook is damaged.") from error
        shown = python_calamine.SheetVisibleEnum.Visible
        sheets = [(str(one.name), one.visible == shown) for one in self._book.sheets_metadata]
        self.names = [name for name, is_shown in sheets if is_shown]
        self.hidden = [name for name, is_shown in sheets if not is_shown]

    def odd_cells(self, known: Stored) -> OddCells:
        """Return the odd cells of a sheet that are known before it is read. Raises NeedsCare."""
        if known.has_early_dates or known.has_long_numbers:
            raise NeedsCare
        return known.odd

    def first_column(self, name: str) -> int:
        """Return the first column that is not empty, from 0: rows begin there. Raises FileRefused, NeedsCare."""
        start = self._sheet(name).start
        return start[1] if start else 0

    def merged(self, name: str, _known: Stored) -> Sequence[Range]:
        """Return the merged cells of a sheet. Raises FileRefused, NeedsCare."""
        return self._sheet(name).merged_cell_ranges or ()

    def rows(self, name: str, _odd: OddCells) -> Iterator[Sequence[Any]]:
        """Yield the rows of a sheet from the first on. Raises FileRefused, NeedsCare."""
        try:
            yield from self._sheet(name).iter_rows()
        except self._errors as error:
            raise self._failed(f"The sheet {name!r} is damaged.") from error

    def _sheet(self, name: str) -> Any:
        if self._last is None or self._last[0] != name:
            self._last = None
            try:
                self._last = (name, self._book.get_sheet_by_name(name))
            except self._errors as error:
                raise self._failed(f"The sheet {name!r} is damaged.") from error
        return self._last[1]

    def _failed(self, said: str) -> Exception:
        return NeedsCare() if self._can_be_careful else FileRefused(said)


class _Careful:
    """Reads the cells of a sheet that are there, one after another (openpyxl): slower, but in little memory."""

    def __init__(self, source: SourceFile) -> None:
        import openpyxl

        warnings.filterwarnings("ignore", module="openpyxl")  # what it warns of is told in other words
        source.content.seek(0)
        try:
            self._book = openpyxl.load_workbook(source.content, read_only=True, data_only=True)
        except (MemoryError, RecursionError):
            raise
        except Exception as error:
            raise FileRefused("The workbook is damaged.") from error
        sheets = [(name, self._book[name].sheet_state == "visible") for name in self._book.sheetnames]
        self.names = [name for name, is_shown in sheets if is_shown]
        self.hidden = [name for name, is_shown in sheets if not is_shown]

    def odd_cells(self, _known: Stored) -> OddCells:
        """Return where odd cells are counted as they are read."""
        return OddCells()

    def first_column(self, _name: str) -> int:
        """Return the column where rows begin."""
        return 0

    def merged(self, _name: str, known: Stored) -> Sequence[Range]:
        """Return the merged cells of a sheet."""
        return known.merged

    def rows(self, name: str, odd: OddCells) -> Iterator[Sequence[Any]]:
        """Yield the rows of a sheet from the first on, and count its odd cells. Raises FileRefused."""
        try:
            sheet = self._book[name]
            sheet.reset_dimensions()  # what a file says of its size may be much more than it has
            for row in sheet.iter_rows():
                yield [self._value(cell, odd) for cell in row]
        except (MemoryError, RecursionError):
            raise
        except Exception as error:
            raise FileRefused(f"The sheet {name!r} is damaged.") from error

    def _value(self, cell: Any, odd: OddCells) -> Any:
        value = cell.value
        if cell.data_type == "e" and value is not None:
            odd.add_error(str(value), cell.coordinate)
            return None
        if isinstance(value, dt.datetime) and value < self._book.epoch:
            odd.add_date(cell.coordinate)
            return (value - self._book.epoch) / dt.timedelta(days=1)
        return value


def _rows(book: _Quick | _Careful, name: str, known: Stored, odd: OddCells) -> Iterator[Sequence[Any]]:
    first = book.first_column(name)
    return spread(odd.finite(book.rows(name, odd), first), book.merged(name, known), first)


def _opened(source: SourceFile, kind: FileKind, options: Mapping[str, Any]) -> _Quick | _Careful:
    if "ms-excel" not in kind.media_type or "binary" in kind.media_type:
        with opened_zip(source.content) as archive:
            refuse_entities(archive)
    return _Careful(source) if options.get("is_careful") else _Quick(source, can_be_careful=kind == EXCEL)
