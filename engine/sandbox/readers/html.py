"""HTML: its visible text as Markdown, without what is hidden, and its tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from clients.mail.html import HTML_MOST, tidy, visible_text, visible_tree
from engine.sandbox.readers.detect import Kind
from engine.sandbox.readers.encodings import Damage, lines
from engine.sandbox.readers.source import Refused, Source
from engine.sandbox.readers.tables import Table, fill, table_number
from engine.sandbox.readers.texts import Text

_ON_A_LINE_OF_ITS_OWN = ("br", "hr", "p", "div", "li", "dt", "dd", "pre", "blockquote", "table", "tr", "td", "th")


def text(source: Source, kind: Kind, options: Mapping[str, Any], into: Text) -> None:
    """Take what a reader of the page sees: hidden text may be meant for a model only."""
    del options
    found = _html(source, kind, into)
    into.add(visible_text(found))


def table(source: Source, kind: Kind, options: Mapping[str, Any], into: Table) -> None:
    """Take the table that was asked for by its number, from 1."""
    tables_of(_html(source, kind, into), options, into)


def tables_of(html: str, options: Mapping[str, Any], into: Table) -> None:
    """Take a table of some HTML, as its reader sees it. Raises Refused if it has none of that number."""
    found = visible_tree(html).find_all("table")
    wanted = table_number(options.get("sheet"))
    if not 0 < wanted <= len(found):
        raise Refused(f"The document has {len(found)} tables; give `sheet` the number of one, from 1.")
    into.sheets += [f"table {number}" for number in range(1, len(found) + 1)]
    fill(into, _rows(found[wanted - 1]), has_header=options.get("header"))


def _rows(table: Any) -> Iterator[list[str]]:
    for row in table.find_all("tr"):
        yield [_cell(cell) for cell in row.find_all(["td", "th"])]


def _cell(cell: Any) -> str:
    """Return the text of a cell on one line: `<b>1</b>,200` is one number, what is on two lines are two words."""
    for part in cell.find_all(_ON_A_LINE_OF_ITS_OWN):
        part.insert_before(" ")
        part.insert_after(" ")
    return " ".join(tidy(cell.get_text()).split())


def _html(source: Source, kind: Kind, into: Text | Table) -> str:
    parts, length, damage = [], 0, Damage()
    for line in lines(source, kind.encoding, damage):
        parts.append(line)
        length += len(line)
        if length > HTML_MOST:
            rest = f"what follows the first {HTML_MOST:,} characters of HTML"
            if isinstance(into, Text):
                into.leave_out(rest)
            else:
                into.notes.append(f"Not read: {rest}.")
            break
    into.notes += damage.notes()
    return "".join(parts)
