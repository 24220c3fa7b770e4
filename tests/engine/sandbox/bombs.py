"""Files that break or fill a program that reads them, each made from a seed in a few lines."""

from __future__ import annotations

import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from tests.engine.sandbox import documents
from tests.engine.sandbox.documents import FILES, SHOW, zipped

MB = 1024 * 1024
LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {chr(98 + at)} "{f"&{chr(97 + at)};" * 10}">' for at in range(12)
) + "]>"  # fmt: skip
QUADRATIC = f'<!DOCTYPE x [<!ENTITY a "{"a" * 100_000}">]>'
FOREIGN = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
_SHEET_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_SHEET_TYPES = (
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_SHEET_KIND}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_SHEET_KIND}.worksheet+xml"/>'
)
Bomb = Callable[[], bytes]


def bombs() -> Mapping[str, Bomb]:
    """Every bomb by its file name; the first word says what it is."""
    made: dict[str, Bomb] = {**dict(_zips()), **dict(_sheets()), **dict(_offices()), **dict(_pdfs())}
    made |= {**dict(_pictures()), **dict(_texts())}
    made |= {f"damaged {seed} {name}": _damaged(seed, name) for seed, name in enumerate(sorted(FILES))}
    return made


def _zips() -> Iterator[tuple[str, Bomb]]:
    yield "sum of entries.zip", lambda: zipped({f"{at}": bytes(10 * MB) for at in range(21)})
    yield "ratio.zip", lambda: zipped({"zeros": bytes(100 * MB)})
    yield "entries.zip", lambda: zipped({str(at): "" for at in range(2500)})
    yield "entries that lead out.zip", lambda: zipped({"../../out": "x", "/etc/x": "x", "a/../../b": "x", "C:\\x": "x"})
    yield "links.zip", _linked
    yield "size that lies.zip", lambda: _lying(zipped({"a": bytes(50 * MB)}))
    yield "password.zip", lambda: _flagged(zipped({"a": "x" * 100}))
    yield "cut.zip", lambda: zipped({"a": "x" * 5000})[:-30]
    yield "archive in itself.zip", lambda: zipped({"a.zip": zipped({"b.zip": zipped({"c": bytes(20 * MB)})})})


def _sheets() -> Iterator[tuple[str, Bomb]]:
    far = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
    yield "cell far away.xlsx", lambda: _sheet(far)
    yield "many rows.xlsx", lambda: _sheet("<row><c><v>1</v></c><c><v>2</v></c></row>" * 600_000)
    yield "wide row.xlsx", lambda: _sheet(f"<row>{'<c><v>1</v></c>' * 1_000_000}</row>")
    yield "entities.xlsx", lambda: _sheet("<row><c><v>&l;</v></c></row>", LAUGHS)
    yield "foreign entity.xlsx", lambda: _sheet("<row><c><v>&a;</v></c></row>", FOREIGN)
    yield "no end.xlsx", lambda: _sheet("<row><c><v>1")
    yield "strings.xlsx", lambda: _sheet("", strings="<si><t>a</t></si>" * 3_000_000)
    yield "many sheets.xlsx", lambda: _sheet("", sheets=50_000)


def _offices() -> Iterator[tuple[str, Bomb]]:
    yield "entities.docx", lambda: _docx("<w:p><w:r><w:t>&l;</w:t></w:r></w:p>", LAUGHS)
    yield "quadratic.docx", lambda: _docx(f"<w:p><w:r><w:t>{'&a;' * 20_000}</w:t></w:r></w:p>", QUADRATIC)
    comment = f"<!--{'x' * 70_000}-->"
    yield "behind a comment.docx", lambda: _docx("<w:p><w:r><w:t>&l;</w:t></w:r></w:p>", comment + LAUGHS)
    wide = f'<?xml version="1.0" encoding="utf-16"?>{LAUGHS}<x>&l;</x>'.encode("utf-16")
    yield "other name.docx", lambda: documents.docx(**{"word/styles.dat": f"{LAUGHS}<x>&l;</x>"})
    yield "wide.docx", lambda: _changed(documents.docx(), {"word/document.xml": wide})
    yield "wide.pptx", lambda: _pptx({"ppt/presentation.xml": wide})
    nested = "<w:tbl><w:tr><w:tc>" * 20_000 + "</w:tc></w:tr></w:tbl>" * 20_000
    yield "nested tables.docx", lambda: documents.docx(nested)
    yield "many runs.docx", lambda: documents.docx("<w:p>" + "<w:r><w:t>a</w:t></w:r>" * 2_000_000 + "</w:p>")
    yield "no document.docx", lambda: zipped({"[Content_Types].xml": "<x/>", "word/x": ""})
    yield "entities.pptx", lambda: _pptx({"ppt/presentation.xml": f"{LAUGHS}<x>&l;</x>"})
    shown = '<p:sldId id="1" r:id="r1"/>' * 200_000
    again = f'<p:x xmlns:p="{SHOW}" xmlns:r="{documents.OFFICE}">{shown}</p:x>'
    yield "slide again and again.pptx", lambda: _pptx({"ppt/presentation.xml": again})
    deep = "<a>" * 200_000 + "</a>" * 200_000
    yield "nested shapes.pptx", lambda: _pptx({"ppt/slides/slide1.xml": deep, "ppt/slides/slide2.xml": deep})


def _pdfs() -> Iterator[tuple[str, Bomb]]:
    yield "stream.pdf", lambda: _with_stream(zlib.compress(bytes(400 * MB), 1))
    text = "BT /F1 12 Tf (" + "a" * 60 + ") Tj ET "
    yield "much text.pdf", lambda: _with_stream(zlib.compress((text * 300_000).encode(), 1))
    page = b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2000000 >>"
    yield "pages in a circle.pdf", lambda: documents.assembled([b"<< /Type /Catalog /Pages 2 0 R >>", page])
    many = b"<< /Type /Pages /Kids [3 0 R] /Count 2147483647 >>"
    yield "count that lies.pdf", lambda: documents.assembled([b"<< /Type /Catalog /Pages 2 0 R >>", many, b"<<>>"])
    deep = b"[" * 500_000 + b"]" * 500_000
    yield "nested.pdf", lambda: documents.assembled([b"<< /Type /Catalog /Pages 2 0 R >>", deep])
    large = documents.pdf(documents.written("x")).replace(b"[0 0 595 842]", b"[0 0 9e9 9e9]")
    yield "large page.pdf", partial(bytes, large)
    yield "xref in a circle.pdf", lambda: documents.pdf("").replace(b"/Root 1 0 R", b"/Prev 9 /Root 1 0 R")
    yield "many pages.pdf", lambda: documents.pdf(*[documents.written("x")] * 3000)


def _pictures() -> Iterator[tuple[str, Bomb]]:
    yield "large.png", lambda: documents.png_of(100_000, 100_000)
    yield "text.png", lambda: _png_with(b"zTXt", b"a\0\0" + zlib.compress(bytes(150 * MB), 1))
    yield "no end.png", lambda: documents.picture("PNG")[:60]
    yield "large.gif", lambda: b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0) + b"," + bytes(20)
    yield "large.bmp", lambda: b"BM" + struct.pack("<IIIIiiHHIIiiII", 99, 0, 54, 40, 10**6, 10**6, 1, 24, *[0] * 6)
    yield "many parts.tif", lambda: b"II*\0\x08\0\0\0\xff\xff" + random.Random(1).randbytes(100_000)


def _texts() -> Iterator[tuple[str, Bomb]]:
    yield "one line.csv", lambda: b"a" * (60 * MB)
    yield "open quote.csv", lambda: b'a,b\n1,"' + b"x\n" * (15 * MB)
    yield "many columns.csv", lambda: b"," * MB + b"\n" + b"," * MB
    yield "equal names.csv", lambda: (b"a," * 100_000 + b"\n") * 5
    yield "growing rows.csv", lambda: b"".join(b"," * at + b"\n" for at in range(0, 6000, 3))
    yield "binary.csv", lambda: random.Random(2).randbytes(MB)
    yield "nested.json", lambda: b"[" * (2 * MB)
    yield "nested objects.json", lambda: b'{"a":' * 500_000 + b"1" + b"}" * 500_000
    yield "nested and large.json", lambda: b"[" * (11 * MB) + b"]" * (11 * MB)
    yield "digits.json", lambda: b'[{"a": ' + b"9" * (5 * MB) + b"}]"
    yield "line.jsonl", lambda: b'{"a":1}\n{"a":2}\n{"a":"' + b"x" * (30 * MB) + b'"}\n'
    yield "names.json", lambda: json.dumps([{f"{at}-{no}": 1 for no in range(9)} for at in range(30_000)]).encode()
    yield "entities.xml", f'<?xml version="1.0"?>{LAUGHS}<x>&l;</x>'.encode
    yield "nested.html", lambda: b"<html>" + b"<div>" * 60_000 + b"x"
    yield "tables.html", lambda: b"<html>" + b"<table><tr><td>" * 15_000
    yield "nested.eml", partial(_nested_mail, 3000)


def _damaged(seed: int, name: str) -> Bomb:
    """The file of a format, with bytes exchanged here and there."""

    def made() -> bytes:
        random_ones, content = random.Random(seed), bytearray(FILES[name]())
        for _ in range(1 + len(content) // 40):
            content[random_ones.randrange(4, len(content))] = random_ones.randrange(256)
        return bytes(content)

    return made


def _sheet(rows: str, head: str = "", strings: str = "", sheets: int = 1) -> bytes:
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    named = "".join(f'<sheet name="s{at}" sheetId="{at}" r:id="r1"/>' for at in range(1, sheets + 1))
    related = (
        f'<Relationship Id="r1" Type="{documents.OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="r2" Type="{documents.OFFICE}/sharedStrings" Target="sharedStrings.xml"/>'
    )
    return zipped(
        {
            "[Content_Types].xml": f'<Types xmlns="{documents.CONTENT_TYPES}">{_SHEET_TYPES}</Types>',
            "_rels/.rels": f'<Relationships xmlns="{documents.RELATED}"><Relationship Id="r1" '
            f'Type="{documents.OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{documents.OFFICE}"><sheets>{named}</sheets>'
            "</workbook>",
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{documents.RELATED}">{related}</Relationships>',
            "xl/worksheets/sheet1.xml": f'{head}<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>',
            "xl/sharedStrings.xml": f'<sst xmlns="{main}">{strings}</sst>',
        }
    )


def _docx(body: str, head: str) -> bytes:
    document = f'{head}<w:document xmlns:w="{documents.WORDS}"><w:body>{body}</w:body></w:document>'
    return documents.docx(**{"word/document.xml": document})


def _pptx(other: Mapping[str, str | bytes]) -> bytes:
    return _changed(documents.pptx(), other)


def _changed(made: bytes, other: Mapping[str, str | bytes]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        return zipped({**{name: archive.read(name) for name in archive.namelist()}, **other})


def _with_stream(compressed: bytes) -> bytes:
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>"
    stream = b"<< /Length %d /Filter /FlateDecode >>\nstream\n%b\nendstream" % (len(compressed), compressed)
    pages, font = (
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    return documents.assembled([b"<< /Type /Catalog /Pages 2 0 R >>", pages, page, stream, font])


def _png_with(kind: bytes, data: bytes) -> bytes:
    plain = documents.picture("PNG")
    part = struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return plain[:33] + part + plain[33:]


def _linked() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return made.getvalue()


def _lying(archive: bytes) -> bytes:
    """The archive with other sizes in its list of entries (APPNOTE 4.3.12)."""
    at = archive.index(b"PK\x01\x02") + 24
    return archive[:at] + struct.pack("<I", 10) + archive[at + 4 :]


def _flagged(archive: bytes) -> bytes:
    """The archive with entries that say they are encrypted."""
    at = archive.index(b"PK\x01\x02") + 8
    return archive[:6] + b"\x01" + archive[7:at] + b"\x01" + archive[at + 1 :]


def _nested_mail(depth: int) -> bytes:
    parts = "".join(f'Content-Type: multipart/mixed; boundary="{at}"\r\n\r\n--{at}\r\n' for at in range(depth))
    return f"From: a@example.org\r\nDate: now\r\nMessage-ID: <1>\r\n{parts}\r\nx".encode()
