"""A table as it is read, row by row: the first rows for the answer, and all of a large one for a file."""

from __future__ import annotations

import datetime as dt
import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice, pairwise, zip_longest
from types import MappingProxyType
from typing import Any, TypeAlias

import orjson

from engine.sandbox.readers.source import FileRefused

INLINE_BYTES_MOST = 4_000_000
"""How large the rows in the answer may be, as JSON."""
COLUMNS_MOST = 16_384
_SAMPLE = 200
_MOST_ABOVE = 10
"""Lines above the head of a report without rows; more are a list."""
_VALUES = (r"\d{1,4}([-./])\d{1,2}\1\d{1,4}([T ].*)?", r"[^\s@]+@[^\s@]+\.[^\s@]+")
"""A date, a mail address: never the name of a column whose cells all have this form, too."""
_SHEETS_MOST = 1000
"""Names of sheets in the answer."""
_WRITTEN_AT_ONCE = 1 << 20
EXACT_MOST = 2**53
"""Whole numbers beyond it lose digits in programs that keep numbers as floats: they are texts."""


class TableBuilder:
    """Takes the head and the rows of one table."""

    def __init__(self, limit: int, out: int | None) -> None:
        self._limit, self._out = limit, out
        self.columns: list[str] = []
        self.preamble: list[str] = []
        """What stands above the table, line by line."""
        self.sheets: list[str] = []
        """The sheets, or tables, that the file has."""
        self.empty_formulas = 0
        """Formulas of a workbook without a stored value: their cells are null."""
        self.notes: list[str] = []
        """What a person should know of how it was read, in sentences."""
        self._rows: list[dict[str, Any]] = []
        self._count = self._inline_bytes = 0
        self._is_cut = self._is_partial = False
        self._buffer = bytearray()

    def head(self, cells: Iterable[Any]) -> None:
        """Take the names of the columns. Raises FileRefused if there are too many."""
        self.columns = []
        self.more_columns(cells)
        self.columns = column_names(self.columns)

    def more_columns(self, names: Iterable[Any]) -> None:
        """Take more columns, whose names stay as they are. Raises FileRefused if there are too many."""
        self.columns += islice(names, COLUMNS_MOST + 1)
        if len(self.columns) > COLUMNS_MOST:
            raise FileRefused(f"The table has more than {COLUMNS_MOST:,} columns.")

    def add(self, cells: Sequence[Any]) -> None:
        """Take a row: its cells are plain values, in the order of the columns; missing ones are null."""
        if len(cells) > len(self.columns):
            self._widen(len(cells))
        self.put(dict(zip(self.columns, chain(cells, _nothing()), strict=False)))

    def put(self, row: dict[str, Any]) -> None:
        """Take a row as an object."""
        self._count += 1
        line = orjson.dumps(row, option=orjson.OPT_NON_STR_KEYS)
        if not self._is_cut and len(self._rows) < self._limit and self._inline_bytes + len(line) <= INLINE_BYTES_MOST:
            self._rows.append(row)
            self._inline_bytes += len(line)
        else:
            self._cut()
            self._write(line)

    def leave_out(self, note: str) -> None:
        """Note that some of the source is not read, so that there may be more rows."""
        self.notes.append(note)
        self._is_partial = True

    def document(self) -> dict[str, Any]:
        """Return {columns, rows, row_count, truncated, preamble, sheets, empty_formulas, notes}.

        The file has all rows that were read if it is truncated.
        """
        if self._is_partial:
            self._cut()
        self._complete()
        self._flush()
        return {
            "columns": self.columns,
            "rows": self._rows,
            "row_count": self._count,
            "truncated": self._is_cut,
            "preamble": self.preamble,
            "sheets": self.sheets[:_SHEETS_MOST],
            "empty_formulas": self.empty_formulas,
            "notes": [*self.notes, *self._shortened()],
        }

    def _shortened(self) -> Iterator[str]:
        if len(self.sheets) > _SHEETS_MOST:
            yield f"The file has {len(self.sheets):,} sheets; the first {_SHEETS_MOST:,} are in `sheets`."

    def _cut(self) -> None:
        """Put the rows so far into the file as well, unless it has them."""
        if not self._is_cut:
            self._is_cut = True
            for earlier in self._rows:
                self._write(orjson.dumps(earlier, option=orjson.OPT_NON_STR_KEYS))

    def _complete(self) -> None:
        """Give rows null for columns that came after them; those for which there is no room then are in the file."""
        size = 0
        for at, row in enumerate(self._rows):
            whole = row if len(row) == len(self.columns) else {name: row.get(name) for name in self.columns}
            size += len(orjson.dumps(whole, option=orjson.OPT_NON_STR_KEYS))
            if size > INLINE_BYTES_MOST:
                self._cut()
                del self._rows[at:]
                return
            self._rows[at] = whole

    def _widen(self, width: int) -> None:
        self.head([*self.columns, *[None] * (width - len(self.columns))])

    def _write(self, line: bytes) -> None:
        if self._out is None:
            return
        self._buffer += line + b"\n"
        if len(self._buffer) > _WRITTEN_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        left = memoryview(bytes(self._buffer))
        self._buffer.clear()
        try:
            while left and self._out is not None:
                left = left[os.write(self._out, left) :]
        except OSError as error:
            raise FileRefused(f"The table is too large to be kept as a file: {error.strerror}.") from error


def column_names(cells: Iterable[Any]) -> list[str]:
    """Return names for columns, each once: an empty one is called by its number, from 1."""
    found: dict[str, None] = {}
    following: dict[str, int] = {}
    for number, cell in enumerate(cells, 1):
        name = ("" if cell is None else " ".join(str(cell).split())[:200]) or f"column_{number}"
        again, other = following.get(name, 2), name
        while other in found:
            other, again = f"{name}_{again}", again + 1
        found[other], following[name] = None, again
    return list(found)


def table_number(sheet: str | int | None) -> int:
    """Return the number of the table that was asked for, from 1. Raises FileRefused for a name."""
    if sheet is not None and not str(sheet).isdecimal():
        raise FileRefused("The tables of this file have no names: give `sheet` a number, from 1.")
    return int(sheet or 1)


def chosen(names: Sequence[str], wanted: str | int | None, what: str) -> str:
    """Return the name that was asked for: a number is a place, from 1, a text a name, or else a place.

    Without either, it is the first. Raises FileRefused if no name fits.
    """
    if isinstance(wanted, str) and wanted in names:
        return wanted
    place = int(wanted) if wanted is not None and str(wanted).isdecimal() else 1 if wanted is None else 0
    if 0 < place <= len(names):
        return names[place - 1]
    seen = "1" if wanted is None else repr(wanted)
    raise FileRefused(f"There is no {what} {seen}; the {what}s are {', '.join(map(repr, names[:20])) or 'none'}.")


Through = Callable[[Iterator[list[Any]]], Iterable[Sequence[Any]]]
"""What makes rows of the rows of a table, without its head and what stands above it."""


Spans: TypeAlias = Sequence[tuple[int, int]]
"""(first, last column) of wide cells of a row."""
Across = Mapping[int, Spans]
"""{place of a row, from 0: its cells that are merged across columns}."""


def fill(
    table: TableBuilder,
    rows: Iterator[Sequence[Any]],
    *,
    has_header: bool | None,
    through: Through = iter,
    across: Across = MappingProxyType({}),
) -> tuple[int, int]:
    """Take rows from the top of a sheet: what stands above the table, its head, and its rows.

    A head over two rows, whose upper one has merged cells, is one. Without a head, columns are called by their numbers.
    Return (the place of the first row of the table, its width).
    """
    blank, rows = _begun(rows)
    sample = list(islice(rows, _SAMPLE))
    first = [trimmed(row) for row in sample]
    whole = [len(row) for row in sample]
    usual = usual_width(
        [len(row) if _filled(row) > 1 else int(len(row) == 1 == width) for row, width in zip(first, whole, strict=True)]
    )
    at = 0 if has_header else _head_at(list(zip(whole, first, strict=True)), usual)
    if at == len(first) - 1:  # a head at the end would leave no rows: it is a longer row of the table
        at = next((place for place, row in enumerate(first) if _filled(row) > 1), at)
    if has_header is not False and (two := _upper_of_two(first, at, blank, across)) is not None:
        at, merged = two
        first[at : at + 2] = [_joined(first[at], first[at + 1], merged)]
    table.preamble += [" ".join(str(cell) for cell in row if cell is not None) for row in first[:at] if row]
    body = first[at:]
    width = usual if body else 0
    is_row = has_header is None and _is_row(body)
    if is_row:
        table.notes.append("The first row is data, too: columns have numbers. `header: true` makes names of it.")
    if has_header is False or is_row or not body:
        table.head([None] * width)
    else:
        width = max(len(body[0]), min(usual, whole[at]))
        table.head([*body[0], *[None] * (max(usual, width) - len(body[0]))])
        body = body[1:]
    for row in through(filter(None, chain(body, map(trimmed, rows)))):
        table.add(row)
    return blank + at, width


def _upper_of_two(rows: Sequence[Sequence[Any]], at: int, blank: int, across: Across) -> tuple[int, Spans] | None:
    """Return (the place of the upper row of a head over two rows, (first, last column) of its wide cells).

    None if the head is one row, whose place is `at`. Cells of the upper row are merged across columns, and below its
    others are no names but their own.
    """
    for upper in (at, at - 1):
        is_possible = 0 <= upper < len(rows) - 2
        merged = (
            across.get(blank + upper) or _gaps(rows[upper], rows[upper + 1], rows[upper + 2 :]) if is_possible else ()
        )
        if not merged or merged[0] == (0, max(map(len, rows[upper + 1 : upper + 3])) - 1):  # a title
            continue
        names, below, first = ([*row, *[None] * COLUMNS_MOST] for row in rows[upper : upper + 3])
        under = {place for start, end in merged for place in range(start, end + 1)}
        beside = [place for place in range(len(rows[upper + 1])) if place not in under]
        is_apart = any(names[place] is not None for place in beside)
        if all(below[place] in (None, names[place]) for place in beside) and (
            is_apart or (not any(map(_is_number, rows[upper + 1])) and any(map(_is_number, first)))
        ):
            return upper, merged
    return None


def _gaps(upper: Sequence[Any], lower: Sequence[Any], body: Sequence[Sequence[Any]]) -> Spans:
    """Return what was merged where a file has no merged cells, as in CSV: a cell and the empty ones behind it, if names
    are below them, numbers only below these, and nothing is below the other cells.
    """
    names = [*upper, *[None] * (len(lower) - len(upper))]
    starts = [place for place, cell in enumerate(names) if cell is not None]
    spans = [(start, end - 1) for start, end in pairwise([*starts, len(names)]) if end - start > 1]
    under = {place for start, end in spans for place in range(start, end + 1)}
    columns = [
        [row[place] for row in body if len(row) > place and row[place] is not None] for place in range(len(lower))
    ]
    are_groups = all(
        (cell is not None and not _is_amount(cell) and columns[place] != [] and all(map(_is_amount, columns[place])))
        if place in under
        else cell is None
        for place, cell in enumerate(lower)
    )
    return spans if are_groups and 0 < len(under) < len(names) == len(lower) else ()


def _is_amount(cell: Any) -> bool:
    return not isinstance(cell, str) or (_has_digit(cell) and not any(map(str.isalpha, cell)))


def _joined(upper: Sequence[Any], lower: Sequence[Any], merged: Spans) -> list[Any]:
    """Return the names of a head over two rows: `2026 Q1` and `2026 Q2` for Q1 and Q2 below a merged 2026."""
    width = max(len(upper), len(lower))
    names, below = ([*row, *[None] * (width - len(row))] for row in (upper, lower))
    for start, end in merged:
        names[start : end + 1] = [names[start]] * (min(end + 1, width) - start)
    return [
        " ".join(str(one) for one in dict.fromkeys(pair) if one is not None) for pair in zip(names, below, strict=True)
    ]


def _is_row(body: Sequence[Sequence[Any]]) -> bool:
    """Return whether the first row is one of the table, and no head: it has a date or an address, as have all below."""
    columns = list(zip_longest(*body[1:]))
    return any(
        re.fullmatch(form, str(cell)) and all(re.fullmatch(form, str(one)) for one in told)
        for cell, below in zip(body[0] if body else (), columns, strict=False)
        if (told := [one for one in below if one is not None])
        for form in _VALUES
    )


def usual_width(cells: Sequence[int]) -> int:
    """Return how many cells most rows have.

    `cells`: the number of each row; 0 for an empty row, or one with a single value in several cells.
    Rows of one cell are not counted, since they may stand above the table. But where the first row has one cell, and
    two thirds of all do, also below the first that has more, it is a list with a separator in some of its texts.
    """
    wide = [each for each in cells if each > 1]
    if not wide:
        return 1
    first = next(at for at, each in enumerate(cells) if each > 1)
    above, below = cells[:first].count(1), cells[first:].count(1)
    is_list = above + below >= 2 * len(wide) and (below >= len(wide) or (wide == [2] and above > _MOST_ABOVE))
    if above and is_list:
        return 1
    return max(set(wide), key=lambda width: (wide.count(width), width))


def _begun(rows: Iterator[Sequence[Any]]) -> tuple[int, Iterator[Sequence[Any]]]:
    """Return (how many empty rows there are before the first other one, the rows from that one on)."""
    for blank, row in enumerate(rows):
        if any(cell not in (None, "") for cell in row):
            return blank, chain([row], rows)
    return 0, iter(())


def _head_at(rows: Sequence[tuple[int, Sequence[Any]]], usual: int) -> int:
    """Return the place of the head among rows (width with empty cells, cells): the first as wide as most rows.

    More than half of its cells have names; half of them do if the row below is the first one, and has numbers. The
    first row of all is the head, too, if it is narrower than the rows, and the one below looks like they do.
    """
    wide = [_filled(cells) * 2 if width >= usual else 0 for width, cells in rows]
    at = next((i for i, twice in enumerate(wide) if twice > usual), 0)
    is_above = at > 0 and wide[at - 1] == usual > 2 and any(map(_is_number, rows[at][1]))
    if is_above or (at == 1 and rows[0][0] < usual and _is_short_head(*(cells for _, cells in rows))):
        return at - 1
    return at


def _is_short_head(head: Sequence[Any], first: Sequence[Any], *others: Sequence[Any]) -> bool:
    """Return whether a row that is narrower than those below it is their head, and no line above the table.

    One name may be a title, but not above numbers only. Two or more are a head unless the next row is one: where
    all cells below it have digits, such as amounts and dates, a head has none.
    """
    if None in head or any(map(_is_number, head)):
        return False
    if len(head) == 1:
        return all(map(_is_number, first))
    for place, cell in enumerate(first):
        below = [row[place] for row in others if len(row) > place and row[place] is not None]
        if cell is not None and not _has_digit(cell) and below and all(map(_has_digit, below)):
            return False
    return True


def _has_digit(cell: Any) -> bool:
    return any(map(str.isdigit, str(cell)))


def _is_number(cell: Any) -> bool:
    return isinstance(cell, int | float) or (isinstance(cell, str) and cell.isdecimal())


def _filled(row: Sequence[Any]) -> int:
    return sum(cell is not None for cell in row)


def trimmed(row: Sequence[Any]) -> list[Any]:
    """Return the cells of a row as plain values, without the empty ones at its end."""
    cells = [plain_cell(cell) for cell in row]
    while cells and cells[-1] is None:
        cells.pop()
    return cells


def plain_cell(value: Any) -> Any:
    """Return a cell as JSON: whole numbers without a fraction, nothing for an empty one, dates as in ISO 8601.

    Durations are in hours, and whole numbers that a float would round are texts.
    """
    if value is None or value == "":
        return None
    if type(value) is str:  # nearly all of them
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return int(value) if value.is_integer() and abs(value) < EXACT_MOST else value
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat()
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return _duration(value)
    if isinstance(value, int):
        return value if abs(value) <= EXACT_MOST else str(value)
    return str(value)


def _duration(value: dt.timedelta) -> str:
    """Return hours, minutes and seconds, as Excel shows them: 26:30:00, -12:00:00."""
    minutes, rest = divmod(abs(value), dt.timedelta(minutes=1))
    fraction = f".{rest.microseconds:06}" if rest.microseconds else ""
    sign = "-" if value < dt.timedelta() else ""
    return f"{sign}{minutes // 60:02}:{minutes % 60:02}:{rest.seconds:02}{fraction}"


def _nothing() -> Iterator[None]:
    while True:
        yield None
