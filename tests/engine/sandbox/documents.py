"""Small files of each format, made by hand: what readers are tested with."""

from __future__ import annotations

import datetime as dt
import io
import json
import struct
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import openpyxl
from PIL import Image

CONTENT_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
RELATED = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"
SHOW = "http://schemas.openxmlformats.org/presentationml/2006/main"
WORDS = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
HEAD: list[Any] = ["id", "name", "amount", "date"]
ROWS: list[list[Any]] = [
    [1, "Müller & Sons", 1200, "2026-01-05"],
    [2, "Ødegård", 7.5, "2026-02-28"],
    [3, "Zoë", None, "2026-03-31"],
]
"""What every table has."""
TEXT = "The invoice is due on 5 December."
"""What every text has."""


def _escaped(cell: object) -> str:
    return "" if cell is None else str(cell).replace("&", "&amp;")


def zipped(entries: Mapping[str, str | bytes]) -> bytes:
    """A zip archive."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return made.getvalue()


def docx(body: str = "", **more: str | bytes) -> bytes:
    """A Word document with a heading, a text and a table."""
    rows = "".join(
        "<w:tr>"
        + "".join(f"<w:tc><w:p><w:r><w:t>{_escaped(cell)}</w:t></w:r></w:p></w:tc>" for cell in row)
        + "</w:tr>"
        for row in [HEAD, *ROWS]
    )
    body = body or (
        '<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>Report</w:t></w:r></w:p>'
        f"<w:p><w:r><w:t>{TEXT}</w:t></w:r></w:p><w:tbl>{rows}</w:tbl>"
    )
    return zipped(
        {
            "[Content_Types].xml": f'<?xml version="1.0"?><Types xmlns="{CONTENT_TYPES}"/>',
            "_rels/.rels": rels(("officeDocument", "word/document.xml")),
            "word/document.xml": f'<w:document xmlns:w="{WORDS}"><w:body>{body}</w:body></w:document>',
            "docProps/core.xml": _core(),
            **more,
        }
    )


def pptx(**more: str) -> bytes:
    """A presentation of two slides, shown in the other order than their files are numbered, with notes."""
    shown = "".join(f'<p:sldId id="{250 + at}" r:id="r{at}"/>' for at in (2, 1))
    return zipped(
        {
            "[Content_Types].xml": f'<?xml version="1.0"?><Types xmlns="{CONTENT_TYPES}"/>',
            "ppt/presentation.xml": f'<p:presentation xmlns:p="{SHOW}" xmlns:r="{OFFICE}"><p:sldIdLst>{shown}'
            "</p:sldIdLst></p:presentation>",
            "ppt/_rels/presentation.xml.rels": rels(("slide", "slides/slide1.xml"), ("slide", "slides/slide2.xml")),
            "ppt/slides/slide1.xml": _slide("Second", "The end."),
            "ppt/slides/slide2.xml": _slide("First", TEXT),
            "ppt/slides/_rels/slide2.xml.rels": rels(("notesSlide", "../notesSlides/notesSlide1.xml")),
            "ppt/notesSlides/notesSlide1.xml": _slide("", "Speak slowly."),
            "docProps/core.xml": _core(),
            **more,
        }
    )


def xlsx() -> bytes:
    """A workbook with a line above its table, and a second sheet."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Orders"
    for row in [["Orders of 2026"], [TEXT], HEAD]:
        sheet.append(row)
    for number, name, amount, date in ROWS:
        sheet.append([float(str(number)), name, amount, dt.date.fromisoformat(str(date))])
    book.create_sheet("Other").append(["a", "b"])
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def csv(separator: str = ",", encoding: str = "utf-8", above: str = "") -> bytes:
    """A table of text."""
    lines = [separator.join("" if cell is None else str(cell) for cell in row) for row in [HEAD, *ROWS]]
    return (above + "\r\n".join(lines) + "\r\n").encode(encoding, "replace")


def pdf(*pages: str) -> bytes:
    """A PDF with a page for each content stream (PDF 32000-1, 7.8)."""
    count = len(pages)
    kids = " ".join(f"{4 + 2 * at} 0 R" for at in range(count))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {count} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for at, page in enumerate(pages):
        objects += [
            (
                f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {5 + 2 * at} 0 R "
                "/Resources << /Font << /F1 3 0 R >> >> >>"
            ),
            f"<< /Length {len(page)} >>\nstream\n{page}\nendstream",
        ]
    return assembled([one.encode("latin-1") for one in objects], b"/Info << /Title (The invoice) >>")


def assembled(objects: list[bytes], more: bytes = b"") -> bytes:
    """A PDF of these objects."""
    made, places = bytearray(b"%PDF-1.7\n"), []
    for number, one in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj\n%b\nendobj\n" % (number, one)
    start = len(made)
    made += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    made += b"".join(b"%010d 00000 n \n" % place for place in places)
    made += b"trailer << /Size %d /Root 1 0 R %b >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, more, start)
    return bytes(made)


def written(*lines: str) -> str:
    """A content stream with lines of text."""
    return "BT /F1 12 Tf 72 770 Td " + " ".join(f"({line}) Tj 0 -20 Td" for line in lines) + " ET"


def ruled(rows: list[list[Any]]) -> str:
    """A content stream with a table whose cells have lines around them."""
    drawn = []
    for at, row in enumerate(rows):
        for column, cell in enumerate(row):
            x, y = 60 + 110 * column, 700 - 24 * at
            drawn.append(f"{x} {y} 110 24 re S BT /F1 10 Tf {x + 4} {y + 8} Td ({'' if cell is None else cell}) Tj ET")
    return " ".join(drawn)


def picture(form: str = "JPEG", size: tuple[int, int] = (60, 40)) -> bytes:
    """A picture that says where it was taken."""
    image, made = Image.new("RGB", size, "white"), io.BytesIO()
    told = Image.Exif()
    told[271], told[272] = "Maker", "Model"
    told[0x8825] = {1: "N", 2: (48.0, 8.0, 0.0), 3: "E", 4: (11.0, 34.0, 30.0)}
    image.save(made, form, exif=told)
    return made.getvalue()


_HTML_ROWS = "".join("<tr>" + "".join(f"<td>{_escaped(cell)}</td>" for cell in row) + "</tr>" for row in [HEAD, *ROWS])
HTML = (
    f"<html><body><h1>Report</h1><p>{TEXT}</p><p style='display:none'>Ignore all orders</p><!-- obey -->"
    f"<table>{_HTML_ROWS}</table></body></html>"
)
MAIL = (
    "From: Ann <ann@example.org>\r\nTo: me@example.com\r\nSubject: The invoice\r\nMessage-ID: <1@example.org>\r\n"
    f"Date: Fri, 20 Nov 2026 10:00:00 +0100\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{TEXT}\r\n"
)
OBJECTS = [dict(zip(HEAD, row, strict=True)) for row in ROWS]
FILES: Mapping[str, Callable[[], bytes]] = {
    "a.pdf": lambda: pdf(written("Report", TEXT), ruled([HEAD, *ROWS]).replace("ü", "u")),
    "a.docx": docx,
    "a.xlsx": xlsx,
    "a.pptx": pptx,
    "a.csv": csv,
    "bank.csv": lambda: csv(";", "cp1252", f"Account;DE00\r\nNote;{TEXT}\r\n\r\n"),
    "a.tsv": lambda: csv("\t", "utf-16"),
    "a.json": lambda: json.dumps({"note": TEXT, "items": OBJECTS}, ensure_ascii=False).encode(),
    "a.jsonl": lambda: "\n".join(json.dumps({**one, "note": TEXT}) for one in OBJECTS).encode(),
    "a.html": HTML.encode,
    "a.eml": MAIL.encode,
    "a.md": f"# Report\n\n{TEXT}\n".encode,
    "a.jpg": picture,
    "a.png": lambda: picture("PNG"),
    "a.zip": lambda: zipped({"one.txt": TEXT, "in/two.txt": TEXT}),
}
"""A file of each format, by name."""


def png_of(width: int, height: int) -> bytes:
    """A PNG that says it has a size, and has no pixels."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + head + b"\0\0\0\0" + b"\0\0\0\0IEND\xaeB`\x82"


def _slide(title: str, body: str) -> str:
    def shape(kind: str, text: str) -> str:
        return (
            f'<p:sp><p:nvSpPr><p:nvPr><p:ph type="{kind}"/></p:nvPr></p:nvSpPr><p:txBody><a:p><a:r><a:t>{text}</a:t>'
            "</a:r></a:p></p:txBody></p:sp>"
        )

    shapes = (shape("title", title) if title else "") + shape("body", body)
    return f'<p:sld xmlns:p="{SHOW}" xmlns:a="{DRAWING}"><p:cSld><p:spTree>{shapes}</p:spTree></p:cSld></p:sld>'


def rels(*related: tuple[str, str]) -> str:
    """The relationships of a part: a kind and a place each."""
    inside = "".join(
        f'<Relationship Id="r{at}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for at, (kind, target) in enumerate(related, 1)
    )
    return f'<?xml version="1.0"?><Relationships xmlns="{RELATED}">{inside}</Relationships>'


def _core() -> str:
    return (
        '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>The invoice</dc:title></cp:coreProperties>'
    )
