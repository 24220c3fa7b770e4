"""The text of PDF files, page by page in reading order, and what they say about themselves."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from itertools import islice
from typing import Any

from clients.wording import counted, listed
from engine.sandbox.readers.file_kinds import LOCKED_PDF, FileKind
from engine.sandbox.readers.source import FileRefused, SourceFile
from engine.sandbox.readers.texts import TextBuilder, wanted_pages

_DATE = re.compile(r"D:(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(Z|[+-]\d\d'?\d\d)?")  # ISO 32000-1, 7.9.4
_LETTERS_FEWEST = 3
_HYPHEN = "\ufffe"
"""What PDFium gives for a hyphen at the end of a line, within a word."""
_IMAGE, _PATH = 3, 2
"""FPDF_PAGEOBJ_IMAGE and FPDF_PAGEOBJ_PATH."""
_STROKES_FEWEST = 100
_PICTURE_LEAST = 0.01
"""The share of a page's area from which a picture counts."""
_HIDDEN = 2 | 32
"""The flags Hidden and NoView of an annotation (ISO 32000-1, 12.5.3)."""


def text(source: SourceFile, kind: FileKind, options: Mapping[str, Any], into: TextBuilder) -> None:
    """Take the text of the pages that were asked for; one with a picture and no text needs OCR. Raises FileRefused."""
    del kind
    with closing(opened(source)) as document:
        document.init_forms()
        into.pages = len(document)
        pictures = Counter[int]()
        wanted = wanted_pages(options["pages"], into.pages)
        if not wanted:
            raise FileRefused(f"The PDF has {counted(into.pages, 'page')}: none of those that were asked for.")
        for at, number in enumerate(wanted):
            if into.is_full:
                into.leave_out(f"{len(wanted) - at} more of {len(wanted)} pages (from page {number})")
                break
            beside = list(_beside(document, document[number - 1]))
            page = _filled_in(document, number - 1)
            found = _text_of(page)
            if sum(map(str.isalnum, found)) < _LETTERS_FEWEST:
                into.needs_ocr |= _has_picture(page)
            elif count := _pictures(page):
                pictures[number] = count
            seen = _letters(found)
            added = [said for said, words in beside if _letters(words) not in seen]
            into.add("\n".join([found, *added]), number, f"Page {number}" if len(wanted) > 1 else "")
    if pictures:
        into.notes.append(f"Not read: {_counted_on(pictures)}.")


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
    """Open a PDF. Raises FileRefused."""
    import pypdfium2

    try:
        return pypdfium2.PdfDocument(source.content)
    except pypdfium2.PdfiumError as error:
        locked = "assword" in str(error)
        raise FileRefused(LOCKED_PDF if locked else "The PDF is damaged.") from error


def _text_of(page: Any) -> str:
    """Return the text of a page in lines, without what is outside of the page."""
    with closing(page.get_textpage()) as found:
        # What is bounded has all letters, but joins short cells that are far from each other.
        whole = str(found.get_text_range()).replace(_HYPHEN, "")
        inside = str(found.get_text_bounded()).replace(_HYPHEN, "")
        return whole if _letters(whole) == _letters(inside) else "".join(_inside(page, found)).replace(_HYPHEN, "")


def _letters(text: str) -> str:
    return "".join(text.split())


def _inside(page: Any, found: Any) -> Iterator[str]:
    """Yield the letters of a page whose middle is on it, and the blanks and line ends between them."""
    from pypdfium2 import raw

    left, bottom, right, top = page.get_cropbox()
    for at in range(found.count_chars()):
        x1, y1, x2, y2 = found.get_charbox(at)
        is_on_it = left <= (x1 + x2) / 2 <= right and bottom <= (y1 + y2) / 2 <= top
        if is_on_it or raw.FPDFText_IsGenerated(found, at):
            yield chr(raw.FPDFText_GetUnicode(found, at))


def _filled_in(document: Any, index: int) -> Any:
    """Return a page on which what was typed into its fields, and written beside its text, is text of the page."""
    from pypdfium2 import raw

    page = document[index]
    if raw.FPDFPage_GetAnnotCount(page) > 0:
        raw.FPDFPage_Flatten(page, raw.FLAT_NORMALDISPLAY)
        page = document[index]  # the one before does not change
    return page


def _beside(document: Any, page: Any) -> Iterator[tuple[str, str]]:
    """Yield what annotations of a page say that is not drawn on it: (words, those that may be drawn all the same).

    These are comments and the boxes that are ticked (ISO 32000-1, 12.5.6 and 12.7.4.2), without hidden ones.
    """
    from pypdfium2 import raw

    for one in _annotations(page):
        kind = raw.FPDFAnnot_GetSubtype(one)
        if kind == raw.FPDF_ANNOT_WIDGET:
            if document.formenv and raw.FPDFAnnot_IsChecked(document.formenv, one):
                name = _words(raw.FPDFAnnot_GetFormFieldName, document.formenv, one)
                value = _words(raw.FPDFAnnot_GetFormFieldExportValue, document.formenv, one)
                yield f"{name}: {value}", f"{name}: {value}"
        elif kind not in (raw.FPDF_ANNOT_LINK, raw.FPDF_ANNOT_POPUP):
            words = _words(raw.FPDFAnnot_GetStringValue, one, b"Contents")
            if words:
                yield f"Comment: {words}", words


def _annotations(page: Any) -> Iterator[Any]:
    """Yield the annotations of a page that are not hidden, each until the next one is asked for."""
    from pypdfium2 import raw

    for at in range(raw.FPDFPage_GetAnnotCount(page)):
        one = raw.FPDFPage_GetAnnot(page, at)
        if one:
            if not raw.FPDFAnnot_GetFlags(one) & _HIDDEN:
                yield one
            raw.FPDFPage_CloseAnnot(one)


def _words(read: Callable[..., int], *given: Any) -> str:
    """Return a text that PDFium writes to a buffer in UTF-16; the size that it wants has the bytes of a final zero."""
    from pypdfium2 import raw

    size = read(*given, None, 0)
    buffer = (raw.FPDF_WCHAR * (size // 2 + 1))()
    read(*given, buffer, size)
    return " ".join(bytes(buffer).decode("utf-16-le", "replace").partition("\0")[0].split())


def _pictures(page: Any) -> int:
    """Return how many pictures a page has, without those that are smaller than a stamp, such as lines and signs."""
    from pypdfium2 import PdfiumError

    least, count = page.get_width() * page.get_height() * _PICTURE_LEAST, 0
    for one in page.get_objects(filter=[_IMAGE], max_depth=3):
        with suppress(PdfiumError):  # one without a place is not seen
            left, bottom, right, top = one.get_bounds()
            count += (right - left) * (top - bottom) >= least
    return count


def _counted_on(pictures: Counter[int]) -> str:
    pages = listed([str(number) for number in pictures])
    return (
        f"{counted(pictures.total(), 'picture')} beside the text of {'page' if len(pictures) == 1 else 'pages'} {pages}"
    )


def _has_picture(page: Any) -> bool:
    """Return whether a page has a picture, or so many strokes that letters may be among them."""
    pictures = page.get_objects(filter=[_IMAGE], max_depth=3)
    strokes = page.get_objects(filter=[_PATH], max_depth=3)
    return any(True for _ in pictures) or sum(1 for _ in islice(strokes, _STROKES_FEWEST)) == _STROKES_FEWEST


def _date(told: str) -> str:
    found = _DATE.match(told)
    if found is None:
        return told
    year, month, day, hour, minute, second, zone = found.groups()
    date = f"{year}-{month or '01'}-{day or '01'}"
    shown = (zone or "").replace("'", "")
    offset = shown if shown in ("", "Z") else f"{shown[:3]}:{shown[3:]}"
    return f"{date}T{hour}:{minute or '00'}:{second or '00'}{offset}" if hour else date
