"""What does not fit in a table of text: rows that are too short or too long, and quotes that end in the wrong place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from clients.wording import counted
from engine.sandbox.readers.encodings import LineNumbers
from engine.sandbox.readers.tables import usual_width

_FIRST = 200
"""Rows whose shapes are kept one by one: the table begins among them."""


class RowShapes:
    """Takes the rows of a file as they are read, and says afterwards which did not fit. It keeps counts, no rows."""

    def __init__(self) -> None:
        self.line = 1
        """The line in which the next row begins."""
        self.is_open = False
        """Whether the last row has a quote that is not closed."""
        self.has_text = False
        """Whether a cell has more than spaces."""
        self._first: list[tuple[int, int, int]] = []
        self._later: dict[tuple[int, int], LineNumbers] = {}
        self._quotes, self._joined = LineNumbers(), LineNumbers()
        self._begun = 1

    def add(self, row: Sequence[str], lines: int) -> None:
        """Take the next row, which stands in so many lines."""
        self.has_text = self.has_text or any(map(str.strip, row))
        full = len(row)
        while full and not row[full - 1]:
            full -= 1
        if len(self._first) < _FIRST:
            self._first.append((self.line, len(row), full))
        elif row:
            self._later.setdefault((len(row), full), LineNumbers()).add(self.line)
        self._begun = self.line
        self.line += lines

    def add_odd_quote(self) -> None:
        """Note that the row that begins here has text after a closing quote."""
        self._quotes.add(self.line)

    def add_joined_lines(self) -> None:
        """Note that the row that begins here has lines in a quoted cell that look like rows."""
        self._joined.add(self.line)

    def usual(self) -> tuple[int, int]:
        """Return (the place of the first row that is as wide as most, that width)."""
        width = usual_width([full if full > 1 else int(full == 1 == cells) for _, cells, full in self._first])
        return next((at for at, one in enumerate(self._first) if one[2] == width), 0), width

    def notes(self, first: int, width: int, columns: Sequence[str] = ()) -> Iterator[str]:
        """Yield what did not fit from the row at `first` on in a table of this width, in sentences.

        `columns`: the names of all columns; those beyond the width were made for long rows.
        """
        short, long = self._misfits(first, width)
        cells = counted(width, "cell")
        if short.count:
            rows = "row has" if short.count == 1 else "rows have"
            yield f"{short.count:,} {rows} fewer than {cells} ({short.told()}): the missing ones are empty."
        if long.count:
            rows = "row has" if long.count == 1 else "rows have"
            where = _where(columns[width:])
            yield f"{long.count:,} {rows} more than {cells} ({long.told()}): the others are kept{where}."
        if self._quotes.count:
            rows = "row has" if self._quotes.count == 1 else "rows have"
            yield (
                f"{self._quotes.count:,} {rows} text after a closing quote ({self._quotes.told()}): it is kept in the"
                " same cell. A quote that was not closed may have joined several lines."
            )
        if self._joined.count:
            rows = "row has" if self._joined.count == 1 else "rows have"
            yield (
                f"{self._joined.count:,} {rows} lines in a quoted cell that look like rows ({self._joined.told()}): a"
                " quote may not be closed."
            )
        if self.is_open:
            yield f"A quote in line {self._begun:,} is not closed: the rest of the file is in one cell."

    def _misfits(self, first: int, width: int) -> tuple[LineNumbers, LineNumbers]:
        short, long = LineNumbers(), LineNumbers()
        for line, wide, full in self._first[first:]:
            if full > width:
                long.add(line)
            elif full > 0 and wide < width:
                short.add(line)
        for (wide, full), lines in self._later.items():
            if full > width:
                long.take(lines.count, lines.first)
            elif full > 0 and wide < width:
                short.take(lines.count, lines.first)
        return short, long


def _where(names: Sequence[str]) -> str:
    if not names:
        return ""
    if len(names) == 1:
        return f" in the column {names[0]}"
    return f" in the columns {names[0]} to {names[-1]}"
