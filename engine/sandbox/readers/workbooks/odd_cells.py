"""Cells of a workbook that have no plain value: errors, infinite numbers, dates before the first one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from clients.wording import counted

_TOLD = 5


class OddCells:
    """Counts odd cells of a sheet, with the names of the first ones."""

    def __init__(self) -> None:
        self._found: dict[str, list[str]] = {}
        self._counts: dict[str, int] = {}

    def add_error(self, error: str, place: str) -> None:
        """Count a cell with an error such as `#N/A`, which becomes null."""
        self._add("an error in place of a value", f"{error} in {place}" if place else error)

    def add_date(self, place: str) -> None:
        """Count a date before the first that the workbook can show, which becomes the number that is stored."""
        self._add("a date before the first one of Excel", place)

    def finite(self, rows: Iterator[Sequence[Any]], first_column: int) -> Iterator[Sequence[Any]]:
        """Yield rows, from the first of the sheet on, with null in place of what is not a number, such as infinity.

        `first_column`: where they begin, from 0.
        """
        for number, row in enumerate(rows, 1):
            if any(type(cell) is float and not math.isfinite(cell) for cell in row):
                yield [self._finite(cell, number, column) for column, cell in enumerate(row, first_column)]
            else:
                yield row

    def notes(self) -> Iterator[str]:
        """Yield what is odd, in sentences."""
        for what, places in self._found.items():
            count = self._counts[what]
            have, are = ("has", "it is") if count == 1 else ("have", "they are")
            more = f" and {count - len(places):,} more" if count > len(places) else ""
            instead = "the number that is stored" if "date" in what else "null"
            yield f"{counted(count, 'cell')} {have} {what} ({', '.join(places)}{more}): {are} {instead}."

    def _finite(self, cell: Any, row: int, column: int) -> Any:
        if type(cell) is not float or math.isfinite(cell):
            return cell
        self._add("a number that is not valid, or too large", f"{letters(column)}{row}")
        return None

    def _add(self, what: str, place: str) -> None:
        self._counts[what] = self._counts.get(what, 0) + 1
        places = self._found.setdefault(what, [])
        if len(places) < _TOLD:
            places.append(place)


def letters(column: int) -> str:
    """Return the name of a column by its place, from 0: A, Z, AA."""
    more, last = divmod(column, 26)
    return (letters(more - 1) if more else "") + chr(ord("A") + last)
