"""HTML: its visible text as Markdown, without what is hidden, and its tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clients.mail.html import HTML_MOST, TAGS_MOST, is_longer, visible_tree
from engine.sandbox.readers.encodings import Damage, lines
from engine.sandbox.readers.file_kinds import FileKind
from engine.sandbox.readers.grid import across, text_rows
from engine.sandbox.readers.number_columns import numbers_of
from engine.sandbox.readers.page_tables import page_text
from engine.sandbox.readers.source import FileRefused, SourceFile
from engine.sandbox.readers.tables import TableBuilder, fill, table_number
from engine.sandbox.readers.texts import TextBuilder
from engine.sandbox.readers.xhtml import expanded

_NO_TEXT = "The page has no text that people see."


def text(source: SourceFile, kind: FileKind, options: Mapping[str, Any], into: TextBuilder) -> None:
    """Take what a reader of the page sees: hidden text may be meant for a model only."""
    del options
    found = page_text(_html(source, kind, into), is_markdown=into.is_markdown)
    into.add(found)
    if not found:
        into.notes.append(_NO_TEXT)


def table(source: SourceFile, kind: FileKind, options: Mapping[str, Any], into: TableBuilder) -> None:
    """Take the table that was asked for by its number, from 1."""
    tables_of(visible_tree(_html(source, kind, into)), options, into)


def tables_of(tree: Any, options: Mapping[str, Any], into: TableBuilder) -> None:
    """Take a table from a tree of HTML. Raises FileRefused if there is no table with that number."""
    found = tree.find_all("table")
    wanted = table_number(options.get("sheet"))
    if not 0 < wanted <= len(found):
        raise FileRefused(f"The document has {len(found)} tables; give `sheet` the number of one, from 1.")
    into.sheets += [f"table {number}" for number in range(1, len(found) + 1)]
    one, through = found[wanted - 1], numbers_of(options, into)
    fill(into, text_rows(one), has_header=options.get("header"), through=through, across=across(one))


def _html(source: SourceFile, kind: FileKind, into: TextBuilder | TableBuilder) -> str:
    parts, length, tags, damage = [], 0, 0, Damage()
    rest = ""
    for line in lines(source, kind.encoding, damage):
        parts.append(line)
        length += len(line)
        tags += line.count("<")
        if length > HTML_MOST or tags > TAGS_MOST:
            tags = "".join(parts)[:HTML_MOST].count("<")
            first = f"{TAGS_MOST:,} tags" if tags > TAGS_MOST else f"{HTML_MOST:,} characters"
            rest = f"what follows the first {first} of HTML"
            break
    html = expanded("".join(parts))
    if not rest and is_longer(html):
        rest = f"the end of the HTML, which has more than {TAGS_MOST:,} tags"
    if rest and isinstance(into, TextBuilder):
        into.leave_out(rest)
    elif rest:
        into.leave_out(f"Not read: {rest}.")
    into.notes += damage.notes()
    return html
