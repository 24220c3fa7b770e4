"""The text of PDF files, page by page in reading order, and what they say about themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from engine.sandbox.readers.detect import FileKind
from engine.sandbox.readers.source import FileRefused, SourceFile
from engine.sandbox.readers.texts import TextTaker, wanted_pages

_DATE = re.compile(r"D:(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(Z|[+-]\d\d'?\d\d)?")  # ISO 32000-1, 7.9.4
_LETTERS_FEWEST = 3
_IMAGE = 3  # FPDF_PAGEOBJ_IMAGE


def text(source: SourceFile, kind: FileKind, options: Mapping[str, Any], into: TextTaker) -> None:
    """Take the text of the pages that were asked for; a page with a picture and no text needs OCR. Raises Refused."""
    del kind
    with closing(opened(source)) as document:
        into.pages = len(document)
        wanted = wanted_pages(options["pages"], into.pages)
        if not wanted:
            raise FileRefused(f"The PDF has {into.pages} pages: none of those that were asked for.")
        for at, number in enumerate(wanted):
            if into.is_full:
                into.leave_out(f"{len(wanted) - at} more of {len(wanted)} pages (from page {number})")
                return
            found = _text_of(document[number - 1])
            into.needs_ocr |= sum(map(str.isalnum, found)) < _LETTERS_FEWEST and _has_picture(document[number - 1])
            into.add(found, number, f"Page {number}" if len(wanted) > 1 else "")


def facts(source: SourceFile, kind: FileKind) -> dict[str, Any]:
    """Return what a PDF says about itself."""
    del kind
    with closing(opened(source)) as document:
        told = document.get_metadata_dict(skip_empty=True)
        named = {"title": "Title", "author": "Author", "subject": "Subject", "program": "Creator"}
        dates = {"created_at": "CreationDate", "modified_at": "ModDate"}
        return {
            "pages": len(document),
            **{name: told[key] for name, key in named.items() if key in told},
            **{name: _date(told[key]) for name, key in dates.items() if key in told},
        }


def opened(source: SourceFile) -> Any:
    """Open a PDF. Raises Refused."""
    import pypdfium2

    try:
        return pypdfium2.PdfDocument(source.content)
    except pypdfium2.PdfiumError as error:
        locked = "assword" in str(error)
        raise FileRefused("The PDF is locked with a password." if locked else "The PDF is damaged.") from error


def _text_of(page: Any) -> str:
    with closing(page.get_textpage()) as found:
        return str(found.get_text_bounded())


def _has_picture(page: Any) -> bool:
    return next(iter(page.get_objects(filter=[_IMAGE], max_depth=3)), None) is not None


def _date(told: str) -> str:
    found = _DATE.match(told)
    if found is None:
        return told
    year, month, day, hour, minute, second, zone = found.groups()
    date = f"{year}-{month or '01'}-{day or '01'}"
    shown = (zone or "").replace("'", "")
    offset = shown if shown in ("", "Z") else f"{shown[:3]}:{shown[3:]}"
    return f"{date}T{hour}:{minute or '00'}:{second or '00'}{offset}" if hour else date
