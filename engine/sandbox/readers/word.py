"""Word documents: headings, lists and tables as Markdown, or as plain text."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from engine.sandbox.readers.detect import Kind
from engine.sandbox.readers.html import tables_of
from engine.sandbox.readers.source import Refused, Source
from engine.sandbox.readers.tables import Table
from engine.sandbox.readers.texts import Text
from engine.sandbox.readers.zips import opened_zip, refuse_entities

_BLOCKS = ("p", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6")


def text(source: Source, kind: Kind, options: Mapping[str, Any], into: Text) -> None:
    """Take the text of the document, without pictures. Raises Refused."""
    del kind, options
    html = _html(source)
    if into.is_markdown:
        from markdownify import markdownify

        plain: Any = {"escape_asterisks": False, "escape_underscores": False, "escape_misc": False}
        into.add(str(markdownify(html, heading_style="ATX", bullets="-", table_infer_header=True, **plain)))
    else:
        into.add(_plain(html))


def table(source: Source, kind: Kind, options: Mapping[str, Any], into: Table) -> None:
    """Take the table that was asked for by its number, from 1. Raises Refused."""
    del kind
    tables_of(_html(source), options, into)


def _html(source: Source) -> str:
    import mammoth

    with opened_zip(source.content) as archive:
        refuse_entities(archive)
    document = io.BytesIO(source.whole())  # the library wants the name of an open file, which a descriptor lacks
    try:
        converted = mammoth.convert_to_html(document, convert_image=mammoth.images.img_element(_no_picture))
    except (MemoryError, RecursionError):
        raise
    except Exception as error:
        raise Refused("The Word document is damaged.") from error
    return str(converted.value)


def _no_picture(_image: Any) -> dict[str, str]:
    return {}


def _plain(html: str) -> str:
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(html, "html.parser")
    for cell in soup.find_all(["td", "th"]):
        cell.append("\t")
    for block in soup.find_all([*_BLOCKS, "br"]):
        block.append("\n")
    return soup.get_text()
