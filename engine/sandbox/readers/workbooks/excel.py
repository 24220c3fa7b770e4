"""Workbooks of Excel and OpenDocument: sheets as tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from clients.wording import counted, listed
from engine.sandbox.readers.documents.unread import unread_below, unread_of_opendocument
from engine.sandbox.readers.file_kinds import EXCEL, LOCKED, FileKind
from engine.sandbox.readers.number_columns import numbers_of
from engine.sandbox.readers.source import FileRefused, SourceFile
from engine.sandbox.readers.tables import TableBuilder, chosen, fill, trimmed
from engine.sandbox.readers.texts import TextBuilder, markdown_table, wanted_pages
from engine.sandbox.readers.workbooks.merged import across, spread
from engine.sandbox.readers.workbooks.sheets import ExcelWorkbook, StoredSheet
from engine.sandbox.readers.zips import opened_zip, refuse_entities

_ROWS_SHOWN = 500
"""How many rows of each sheet are shown in a text."""
_CALCULATE = "Open the workbook in Excel or LibreOffice and save it to have them calculated."
_ZIP = b"PK"
_NAME_MOST = 31
"""Characters of the name of a sheet in Excel."""


def table(source: SourceFile, kind: FileKind, options: Mapping[str, Any], into: TableBuilder) -> None:
    """Take a sheet by its name, or its number from 1; hidden sheets have no number. Raises FileRefused, StaysText."""
    book = _opened(source, kind)
    into.sheets += book.names
    wanted = options.get("sheet")
    name = str(wanted) if wanted in book.hidden else chosen(book.names, wanted, "sheet")
    if name != wanted:
        into.notes += _left_out(book.hidden)
    sheet = book.sheet(name)
    wide = across(sheet.merged, sheet.first_column)
    fill(into, _rows(sheet), has_header=options.get("header"), through=numbers_of(options, into), across=wide)
    into.empty_formulas = sheet.empty_formulas
    into.notes += sheet.odd.notes()


def text(source: SourceFile, kind: FileKind, options: Mapping[str, Any], into: TextBuilder) -> None:
    """Take the first rows of each sheet that is not hidden as a table of Markdown, or with tabs between the cells."""
    book = _opened(source, kind)
    into.pages = len(book.names)
    into.notes += [*_left_out(book.hidden), *_beside_cells(source, kind)]
    empty: list[str] = []
    for number in wanted_pages(options["pages"], into.pages):
        name = book.names[number - 1]
        if into.is_full:
            into.leave_out(f"the sheets from {name!r} on")
            break
        sheet = book.sheet(name)
        rows = _rows(sheet)
        shown = [row for row in map(trimmed, islice(rows, _ROWS_SHOWN)) if row]
        left = sum(1 for row in rows if any(cell not in (None, "") for cell in row))
        tabs = "\n".join("\t".join("" if cell is None else str(cell) for cell in row) for row in shown)
        said = [f"Comment in {cell}: {words}" for cell, words in sheet.comments.items()]
        cells = markdown_table(shown) if into.is_markdown else tabs
        into.add("\n\n".join(filter(None, [cells, "\n".join(said)])), number, f"Sheet {name}")
        into.notes += (f"Sheet {name}: {note}" for note in sheet.odd.notes())
        if left:
            into.leave_out(f"{counted(left, 'row')} of the sheet {name!r}")
        if sheet.empty_formulas:
            empty.append(f"{sheet.empty_formulas:,} in the sheet {name!r}")
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


class _OtherWorkbook:
    """A workbook of the formats .xls, .xlsb and .ods (python-calamine)."""

    def __init__(self, source: SourceFile) -> None:
        import python_calamine

        self._errors = (python_calamine.CalamineError, OverflowError)
        source.content.seek(0)
        try:
            self._book = python_calamine.CalamineWorkbook.from_filelike(source.content)
        except python_calamine.PasswordError as error:
            raise FileRefused(LOCKED) from error
        except self._errors as error:
            raise FileRefused("The workbook is damaged.") from error
        shown = python_calamine.SheetVisibleEnum.Visible
        sheets = [(str(one.name), one.visible == shown) for one in self._book.sheets_metadata]
        self.names = [name for name, is_shown in sheets if is_shown]
        self.hidden = [name for name, is_shown in sheets if not is_shown]

    def sheet(self, name: str) -> StoredSheet:
        """Return a sheet. Raises FileRefused."""
        try:
            found = self._book.get_sheet_by_name(name)
            first = found.start[1] if found.start else 0
            return StoredSheet(iter(found.iter_rows()), first, found.merged_cell_ranges or ())
        except self._errors as error:
            raise FileRefused(f"The sheet {name!r} is damaged.") from error


def _rows(sheet: StoredSheet) -> Iterator[Sequence[Any]]:
    return spread(sheet.odd.finite(sheet.rows, sheet.first_column), sheet.merged, sheet.first_column)


def _opened(source: SourceFile, kind: FileKind) -> ExcelWorkbook | _OtherWorkbook:
    if kind == EXCEL:
        return ExcelWorkbook(source)
    if "ms-excel" not in kind.media_type or "binary" in kind.media_type:
        with opened_zip(source.content) as archive:
            refuse_entities(archive)
    return _OtherWorkbook(source)
