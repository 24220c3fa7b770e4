"""Documents of our own in each format, of one page and long: the same sentences and figures in all of them."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Iterator, Mapping

_WORDS = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_RELATED = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_WORD_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_HEAD = ("Number", "Customer", "Product", "Amount", "Price", "Date")
_LINES_A_PAGE = 40
LONG_PAGES = 30
LONG_ROWS = 5_000


def pdf(pages: int) -> bytes:
    """Return a PDF with lines of text on each page (PDF 32000-1, 7.5)."""
    kids = " ".join(f"{4 + 2 * at} 0 R" for at in range(pages))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {pages} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for page in range(pages):
        lines = " ".join(f"({line}) Tj 0 -18 Td" for line in _lines(page))
        stream = f"BT /F1 10 Tf 60 790 Td {lines} ET"
        objects += [
            (
                f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {5 + 2 * page} 0 R"
                " /Resources << /Font << /F1 3 0 R >> >> >>"
            ),
            f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
        ]
    return _assembled([one.encode("ascii") for one in objects])


def word(pages: int) -> bytes:
    """Return a Word document with a heading, paragraphs and a table for each page."""
    body = "".join(_word_page(page) for page in range(pages))
    related = f'<Relationship Id="r1" Type="{_OFFICE}/officeDocument" Target="word/document.xml"/>'
    kinds = (
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/word/document.xml" ContentType="{_WORD_TYPE}"/>'
    )
    entries = {
        "[Content_Types].xml": f'<Types xmlns="{_TYPES}">{kinds}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{_RELATED}">{related}</Relationships>',
        "word/document.xml": f'<w:document xmlns:w="{_WORDS}"><w:body>{body}</w:body></w:document>',
    }
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in entries.items():
            archive.writestr(name, f'<?xml version="1.0"?>{text}')
    return made.getvalue()


def excel(rows: int) -> bytes:
    """Return a workbook with one sheet."""
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet("Orders")
    for row in (_HEAD, *_rows(rows)):
        sheet.append(list(row))
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def separated(rows: int) -> bytes:
    """Return a table of text."""
    made = io.StringIO()
    csv.writer(made).writerows([_HEAD, *_rows(rows)])
    return made.getvalue().encode()


def html(pages: int) -> bytes:
    """Return a web page with a heading, paragraphs and a table for each page."""
    parts = []
    for page in range(pages):
        cells = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in _rows(10))
        parts.append(f"<h2>Part {page}</h2>{''.join(f'<p>{line}</p>' for line in _lines(page))}<table>{cells}</table>")
    return f"<html><body>{''.join(parts)}</body></html>".encode()


FILES: Mapping[str, Callable[[], bytes]] = {
    "one-page.pdf": lambda: pdf(1),
    "long.pdf": lambda: pdf(LONG_PAGES),
    "one-page.docx": lambda: word(1),
    "long.docx": lambda: word(LONG_PAGES),
    "one-page.xlsx": lambda: excel(_LINES_A_PAGE),
    "long.xlsx": lambda: excel(LONG_ROWS),
    "one-page.csv": lambda: separated(_LINES_A_PAGE),
    "long.csv": lambda: separated(LONG_ROWS),
    "one-page.html": lambda: html(1),
    "long.html": lambda: html(LONG_PAGES),
}
"""Each document by its name."""


def _lines(page: int) -> list[str]:
    return [
        f"{page}.{line} The order of customer {page * 7 + line} is due within thirty days of its receipt."
        for line in range(_LINES_A_PAGE)
    ]


def _rows(count: int) -> Iterator[tuple[int, str, str, int, float, str]]:
    for at in range(count):
        yield at, f"Customer {at % 97}", f"Product {at % 31}", at % 13, at % 1009 / 4, f"2026-{at % 12 + 1:02}-05"


def _word_page(page: int) -> str:
    rows = "".join(f"<w:tr>{''.join(f'<w:tc>{_paragraph(cell)}</w:tc>' for cell in row)}</w:tr>" for row in _rows(10))
    return f"{_paragraph(f'Part {page}')}{''.join(map(_paragraph, _lines(page)))}<w:tbl>{rows}</w:tbl>"


def _paragraph(text: object) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def _assembled(objects: list[bytes]) -> bytes:
    made, places = bytearray(b"%PDF-1.7\n"), []
    for number, one in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj\n%b\nendobj\n" % (number, one)
    start = len(made)
    made += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    made += b"".join(b"%010d 00000 n \n" % place for place in places)
    made += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, start)
    return bytes(made)
