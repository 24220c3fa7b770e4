"""The cells of an HTML table on a grid: a merged cell takes all of its places, so that each value has its column."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from clients.mail.html import tidy
from engine.sandbox.readers.source import FileRefused
from engine.sandbox.readers.tables import COLUMNS_MOST

CELLS = ("td", "th")
_ON_A_LINE_OF_ITS_OWN = ("br", "hr", "p", "div", "li", "dt", "dd", "pre", "blockquote", "table", "tr", *CELLS)
_SPAN = re.compile(r"\s*\+?(\d{1,6})")
_ROWS_MOST = 1_000_000
"""What `rowspan="0"` means: up to the last row (HTML standard, 4.9.12: table model)."""
_HEAD_MOST = 200
"""Rows among which a head is."""
_ADDED_MOST = 5_000_000
"""Cells and their characters that merged cells may add: a tag of 30 bytes may claim 16,384 columns."""


def text_rows(table: Any) -> Iterator[list[str]]:
    """Yield the rows of a table as texts. The text of a merged cell is in its first column, and in each of its rows."""
    for _, line in placed(table):
        if line:
            yield [one if isinstance(one, str) else cell_text(one) for one in line]


def across(table: Any) -> dict[int, list[tuple[int, int]]]:
    """Return {row, as `text_rows` counts them: (first, last column) of its cells that are merged across columns}."""
    lines = (line for _, line in placed(table) if line)
    spans = (
        [(at, at + _span(one, "colspan") - 1) for at, one in enumerate(line) if not isinstance(one, str)]
        for line in islice(lines, _HEAD_MOST)
    )
    return {row: wide for row, found in enumerate(spans) if (wide := [one for one in found if one[1] > one[0]])}


def spread(table: Any, tree: Any) -> None:
    """Give each row of a table, which is in a tree, a cell for each place, and take rows without a cell out."""
    for row, line in list(placed(table)):
        if not line:
            row.extract()
            continue
        cells = []
        for one in line:
            cell = tree.new_tag("td", string=one) if isinstance(one, str) else one
            cell.attrs = {}
            cells.append(cell)
        row.clear()
        row.extend(cells)


def cell_text(cell: Any) -> str:
    """Return the text of a cell on one line: `<b>1</b>,200` is one number, what is on two lines are two words."""
    return " ".join(tidy("".join(_pieces(cell))).split())


def _pieces(cell: Any) -> Iterator[str]:
    """Yield the texts in a cell, with blanks around what is on a line of its own: each once, at any depth."""
    from bs4.element import CData, NavigableString, Tag

    left: list[Any] = list(reversed(cell.contents))
    while left:
        one = left.pop()
        if isinstance(one, Tag):
            around = [" "] if one.name in _ON_A_LINE_OF_ITS_OWN else []
            left += [*around, *reversed(one.contents), *around]
        elif type(one) in (str, NavigableString, CData):  # comments are not text
            yield one


def require_few(added: int) -> None:
    """Raise FileRefused if the merged cells of a table add more cells and characters than this."""
    if added > _ADDED_MOST:
        raise FileRefused(f"The merged cells of a table would fill more than {_ADDED_MOST:,} characters.")


def placed(table: Any) -> Iterator[tuple[Any, list[Any]]]:
    """Yield (row, what is at each of its places): a cell of the row, or the text that a merged one has there.

    A row without a cell of its own has none. Raises FileRefused.
    """
    hanging: dict[int, tuple[int, str]] = {}
    group, added = None, 0
    for row in own(table, ("tr",)):
        if row.parent is not group:  # merged cells end with their part of the table
            group, hanging = row.parent, {}
        cells = list(own(row, CELLS))
        line, hanging = _laid_out(cells, hanging)
        added += sum(1 + len(one) for one in line if isinstance(one, str))
        require_few(added)
        yield row, line if cells else []


def _laid_out(cells: list[Any], hanging: dict[int, tuple[int, str]]) -> tuple[list[Any], dict[int, tuple[int, str]]]:
    """Return (what is at each place of a row, {place: (rows, text)} of what hangs down into the rows below)."""
    line: list[Any] = []
    below = {place: (rows - 1, text) for place, (rows, text) in hanging.items() if rows > 1}
    for cell in cells:
        while len(line) in hanging:
            line.append(hanging[len(line)][1])
        across = max(1, min(_span(cell, "colspan"), COLUMNS_MOST - len(line)))
        down = _span(cell, "rowspan") or _ROWS_MOST
        if down > 1:
            below[len(line)] = (down - 1, cell_text(cell))
            below.update((place, (down - 1, "")) for place in range(len(line) + 1, len(line) + across))
        line += [cell, *[""] * (across - 1)]
    for place in range(len(line), max(hanging, default=-1) + 1):
        line.append(hanging[place][1] if place in hanging else "")
    return line, below


def _span(cell: Any, name: str) -> int:
    found = _SPAN.match(str(cell.get(name, "")))
    return int(found[1]) if found else 1


def own(element: Any, names: tuple[str, ...]) -> Iterator[Any]:
    """Yield the elements of these names inside, without those in one another and in a table inside."""
    left = [element]
    while left:
        one = left.pop()
        if one is not element and one.name in names:
            yield one
        elif one is element or one.name != "table":
            left += reversed(_elements(one))


def _elements(parent: Any) -> list[Any]:
    """Return the elements that an element consists of; what Beautiful Soup finds takes it ten times as long."""
    return [one for one in parent.contents if one.name is not None]
