"""Word documents: headings, lists and tables as Markdown, or as plain text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, BinaryIO

from clients.wording import counted
from engine.sandbox.readers.documents.rewritten import rewritten
from engine.sandbox.readers.documents.unread import unread
from engine.sandbox.readers.file_kinds import FileKind
from engine.sandbox.readers.grid import cell_text, own, spread, text_rows
from engine.sandbox.readers.html import tables_of
from engine.sandbox.readers.source import FileRefused, SourceFile
from engine.sandbox.readers.tables import TableBuilder
from engine.sandbox.readers.texts import TextBuilder
from engine.sandbox.readers.zips import opened_zip, refuse_entities

_BLOCKS = ("p", "li", "h1", "h2", "h3", "h4", "h5", "h6")
_CELLS = ("td", "th")
_IN_CELLS = re.compile(r"\|")
_MERGING = "cell merging may be incorrect"
"""Said by the library of a table with other elements than rows and cells."""


def text(source: SourceFile, kind: FileKind, options: Mapping[str, Any], into: TextBuilder) -> None:
    """Take the text of the document, without pictures. Raises FileRefused."""
    del kind, options
    tree = _tree(source, into)
    for one in tree.find_all("table"):
        spread(one, tree)
    into.add(_markdown(tree) if into.is_markdown else _plain(tree))


def table(source: SourceFile, kind: FileKind, options: Mapping[str, Any], into: TableBuilder) -> None:
    """Take the table that was asked for by its number, from 1. Raises FileRefused."""
    del kind
    tables_of(_tree(source, into), options, into)


def _tree(source: SourceFile, into: TextBuilder | TableBuilder) -> Any:
    """Return the document as a tree of HTML, and note what it leaves out. Raises FileRefused."""
    from bs4 import BeautifulSoup

    with opened_zip(source.content) as archive:
        refuse_entities(archive)
        document = rewritten(archive)
        html, messages = _converted(document.file())
        rest = unread(archive, document, messages)
    if rest and isinstance(into, TextBuilder):
        into.notes.append(rest)
    if document.hidden:
        into.notes.append(f"Hidden text is left out: {counted(document.hidden, 'character')}.")
    if any(_MERGING in one for one in messages):
        into.notes.append("Merged cells of a table may be in the wrong columns.")
    return BeautifulSoup(html, "html.parser")


def _converted(document: BinaryIO) -> tuple[str, list[str]]:
    """Return (HTML, what the library says about it). Raises FileRefused."""
    import mammoth

    try:
        converted = mammoth.convert_to_html(document, convert_image=mammoth.images.img_element(_no_picture))
    except (MemoryError, RecursionError):
        raise
    except Exception as error:
        raise FileRefused("The Word document is damaged.") from error
    return str(converted.value), [str(one.message) for one in converted.messages]


def _no_picture(_image: Any) -> dict[str, str]:
    return {}


def _markdown(tree: Any) -> str:
    from markdownify import MarkdownConverter

    for cell in tree.find_all(_CELLS):
        for inner in cell.find_all("table"):  # Markdown has no tables in cells
            inner.replace_with(cell_text(inner))
        for part in cell.find_all(string=_IN_CELLS.search):
            part.replace_with(_IN_CELLS.sub(r"\\|", str(part)))
    plain: Any = {"escape_asterisks": False, "escape_underscores": False, "escape_misc": False}
    converter = MarkdownConverter(heading_style="ATX", bullets="-", table_infer_header=True, **plain)
    return str(converter.convert_soup(tree))


def _plain(tree: Any) -> str:
    for table in own(tree, ("table",)):
        lines = "\n".join("\t".join(row) for row in text_rows(table))
        table.replace_with(f"\n{lines}\n\n")
    for block in tree.find_all([*_BLOCKS, "br"]):
        block.append("\n")
    return str(tree.get_text())
