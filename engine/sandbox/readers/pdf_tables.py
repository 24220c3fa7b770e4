"""The tables in PDF files: those with lines around their cells."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from engine.sandbox.readers.file_kinds import FileKind
from engine.sandbox.readers.number_columns import numbers_of
from engine.sandbox.readers.pdf import opened
from engine.sandbox.readers.source import FileRefused, SourceFile
from engine.sandbox.readers.tables import TableBuilder, fill, table_number
from engine.sandbox.readers.texts import wanted_pages

_PAGES_MOST = 200


def table(source: SourceFile, kind: FileKind, options: Mapping[str, Any], into: TableBuilder) -> None:
    """Take the table that was asked for by its number, from 1; a table that continues on the next page is two."""
    del kind
    logging.getLogger("pdfminer").setLevel(logging.CRITICAL + 1)  # it reports each oddity
    opened(source).close()  # damaged and locked files are refused with their reason
    import pdfplumber

    wanted, found = table_number(options.get("sheet")), 0
    content: Any = source.content
    with pdfplumber.open(content) as document:
        pages = wanted_pages(options.get("pages", ()), len(document.pages))
        for number in pages[:_PAGES_MOST]:
            page = document.pages[number - 1]
            for rows in page.extract_tables():
                found += 1
                into.sheets.append(f"page {number}")
                if found == wanted:
                    fill(into, iter(rows), has_header=options.get("header"), through=numbers_of(options, into))
            page.close()
        if len(pages) > _PAGES_MOST:
            into.leave_out(f"Only the first {_PAGES_MOST} pages were searched for tables: `pages` picks others.")
    if found < wanted:
        seen = "no table with lines around its cells" if not found else f"{found} tables"
        raise FileRefused(f"The PDF has {seen}; table {wanted} was asked for.")
