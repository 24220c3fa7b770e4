"""The tables of a page in its text: those with data as tables, and those that only lay the page out as its blocks."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any, TypeAlias

from msgspec import Struct, field

from clients.mail.html import text_of, visible_tree
from engine.sandbox.readers.grid import CELLS, cell_text, own, placed
from engine.sandbox.readers.source import FileRefused
from engine.sandbox.readers.texts import markdown_table

_PARTS = frozenset({*CELLS, "tr", "thead", "tbody", "tfoot", "colgroup", "col"})
_LABELS = frozenset({"th", "thead", "caption"})
_BLOCKS = frozenset("h1 h2 h3 h4 h5 h6 ul ol dl pre blockquote hr article section aside nav header footer".split())
_LINES = ("p", "div", "br", "table", *_BLOCKS)
_PLACES_MOST = 300_000
"""Cells of a table, with the empty ones: merged cells may claim millions."""
_NO_DATA = frozenset({"presentation", "none"})
_Places: TypeAlias = Mapping[int, int | str]
"""{a place of a row: the number of the cell that is there, or the text of a merged one}; nothing of empty places."""


class _Seen(Struct):
    """The tables of a page in their order, and the identities of some."""

    tables: list[Any] = field(default_factory=list)
    labelled: set[int] = field(default_factory=set)
    """Tables that name their columns, or themselves."""
    blocky: set[int] = field(default_factory=set)
    """Tables with more than words in a cell, such as lists or tables."""


def page_text(html: str, *, is_markdown: bool) -> str:
    """Return what a reader of a page sees, as Markdown; without `is_markdown`, with tabs between the cells of tables.

    A table without names of columns, but with headings, lists or tables in its cells, only lays the page out (HTML
    standard, 4.9.1): its cells are written one below the other. In the others, the text of a merged cell is in the
    first of its columns, and in each of its rows.
    """
    tree = visible_tree(html)
    seen = _looked_through(tree)
    places: dict[int, list[_Places]] = {}
    inside: set[int] = set()
    for table in seen.tables:
        if id(table) in inside:
            continue
        if id(table) in seen.blocky and id(table) not in seen.labelled:
            _make_blocks(table)
        else:
            inside.update(map(id, table.find_all("table")))
            _make_plain(table, tree)
            places[id(table)] = _places_of(table)

    def written(table: Any, rows: Sequence[Sequence[str]]) -> str:
        lines = _laid_out(rows, places.get(id(table), ()))
        is_data = table.get("role") not in _NO_DATA and (id(table) in seen.labelled or _is_grid(lines))
        if not is_data or len(lines) * max(map(len, lines), default=0) > _PLACES_MOST:
            return "\n".join(" ".join(filter(None, line)) for line in lines)
        return markdown_table(lines) if is_markdown else "\n".join("\t".join(line) for line in lines)

    return text_of(tree, written)


def _looked_through(tree: Any) -> _Seen:
    seen = _Seen()
    around: dict[int, Any] = {id(tree): None}
    for one in tree.descendants:
        if one.name is None:
            continue
        table = around[id(one)] = around[id(one.parent)]
        if one.name == "table":
            seen.tables.append(one)
            around[id(one)] = one
        if table is not None and one.name in _LABELS:
            seen.labelled.add(id(table))
        if table is not None and (one.name == "table" or one.name in _BLOCKS):
            seen.blocky.add(id(table))
    return seen


def _make_blocks(table: Any) -> None:
    """Let a table and its rows be blocks, and its cells, too, unless all of a row are on one line."""
    for row in list(own(table, ("tr",))):
        cells = list(own(row, CELLS))
        is_line = all(next(own(cell, _LINES), None) is None for cell in cells)
        for cell in cells:
            cell.name = "span" if is_line else "div"
            cell.insert(0, " ")
        row.name = "div"
    table.name = "div"


def _make_plain(table: Any, tree: Any) -> None:
    """Leave words only in the cells of a table; what is in none of them comes before it."""
    for inner in list(own(table, ("table",))):
        inner.replace_with(f" {cell_text(inner)} ")
    strangers = list(_strangers(table))
    if strangers:
        above = tree.new_tag("div")
        table.insert_before(above)
        above.extend(strangers)


def _places_of(table: Any) -> list[_Places]:
    """Return what is at the places of each row; nothing if merged cells claim too many."""
    found: list[_Places] = []
    try:
        for _, line in placed(table):
            number = count()
            here = ((place, one if isinstance(one, str) else next(number)) for place, one in enumerate(line))
            found.append({place: one for place, one in here if one != ""})
    except FileRefused:
        return []
    return found


def _laid_out(rows: Sequence[Sequence[str]], places: Sequence[_Places]) -> list[list[str]]:
    """Return the rows and the columns that have a text somewhere, with each cell on one line."""
    if len(places) != len(rows) or any(len(row) != _own_cells(one) for row, one in zip(rows, places, strict=True)):
        places = [dict(enumerate(range(len(row)))) for row in rows]
    cells = [
        {
            place: text
            for place, one in here.items()
            if (text := " ".join((one if isinstance(one, str) else row[one]).split()))
        }
        for row, here in zip(rows, places, strict=True)
    ]
    columns = sorted(set().union(*cells))
    return [[row.get(place, "") for place in columns[: bisect_right(columns, max(row))]] for row in cells if row]


def _own_cells(places: _Places) -> int:
    return sum(isinstance(one, int) for one in places.values())


def _strangers(table: Any) -> Iterator[Any]:
    """Yield what is in a table and in no cell, in the order of the page: a browser shows it above the table."""
    holding: set[int] = set()
    for part in table.find_all(_PARTS):
        above = part
        while above is not table and id(above) not in holding:
            holding.add(id(above))
            above = above.parent
    left = list(reversed(table.contents))
    while left:
        one = left.pop()
        if one.name in CELLS:
            continue
        if id(one) in holding:
            left += reversed(one.contents)
        elif one.name == "caption":
            one.name = "p"
            yield one
        elif one.name is not None or one.strip():
            yield one


def _is_grid(rows: Sequence[Sequence[str]]) -> bool:
    return len(rows) > 1 and max(map(len, rows)) > 1
