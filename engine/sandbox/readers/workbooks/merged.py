"""Merged cells of Excel: the value of one is in each of its rows, as in HTML (engine/sandbox/readers/grid.py)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

Range: TypeAlias = tuple[tuple[int, int], tuple[int, int]]
"""The first and the last place of a merged cell: (row, column), from 0."""


def spread(rows: Iterator[Sequence[Any]], merged: Sequence[Range], first_column: int) -> Iterator[Sequence[Any]]:
    """Yield rows, from the first of the sheet on, with the value of each merged cell in its first column.

    A row without a value of its own stays empty, and values that a merged cell hides stay as they are. `first_column`:
    where rows begin, from 0; a merged cell to the left of it is empty.
    """
    below: dict[int, list[tuple[int, int]]] = {}
    for (first, column), (last, _) in merged:
        if last > first and column >= first_column:
            below.setdefault(first, []).append((column - first_column, last))
    return _filled(rows, below) if below else rows


def across(merged: Sequence[Range], first_column: int) -> dict[int, list[tuple[int, int]]]:
    """Return {row: (first, last column) of its cells that are merged across columns}; columns as in `spread`."""
    found: dict[int, list[tuple[int, int]]] = {}
    for (row, column), (_, last) in merged:
        if last > column >= first_column:
            found.setdefault(row, []).append((column - first_column, last - first_column))
    return found


def _filled(rows: Iterator[Sequence[Any]], below: dict[int, list[tuple[int, int]]]) -> Iterator[Sequence[Any]]:
    """`below`: {row: (column, last row) of the merged cells that begin there}."""
    hanging: dict[int, tuple[int, Any]] = {}
    for number, row in enumerate(rows):
        hanging = {column: (last, value) for column, (last, value) in hanging.items() if last >= number}
        yield _with(hanging, row) if hanging and not all(map(_is_empty, row)) else row
        for column, last in below.get(number, ()):
            if column < len(row) and not _is_empty(row[column]):
                hanging[column] = (last, row[column])


def _with(hanging: dict[int, tuple[int, Any]], row: Sequence[Any]) -> list[Any]:
    cells = [*row, *[None] * (max(hanging) + 1 - len(row))]
    for column, (_, value) in hanging.items():
        if _is_empty(cells[column]):
            cells[column] = value
    return cells


def _is_empty(cell: Any) -> bool:
    return cell is None or cell == ""
