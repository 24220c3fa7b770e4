"""What a file is, by its content: its first bytes, the entries of an archive, the form of a text."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from engine.sandbox.readers.encodings import LINE_MOST, encoding_of
from engine.sandbox.readers.source import FileRefused, SourceFile
from engine.sandbox.readers.zips import member, opened_zip


@dataclass(frozen=True)
class FileKind:
    """A kind of file."""

    name: str
    """The name of the module that reads it, or a word for what nothing reads."""
    media_type: str
    words: str
    """What it is, for people."""
    encoding: str = ""
    """How a text is encoded."""


_OFFICE = "application/vnd.openxmlformats-officedocument."
WORD = FileKind("word", f"{_OFFICE}wordprocessingml.document", "Word document")
EXCEL = FileKind("excel", f"{_OFFICE}spreadsheetml.sheet", "Excel workbook")
SLIDES = FileKind("slides", f"{_OFFICE}presentationml.presentation", "PowerPoint presentation")
_SHEETS = FileKind("excel", "application/vnd.oasis.opendocument.spreadsheet", "OpenDocument spreadsheet")
_XLSB = FileKind("excel", "application/vnd.ms-excel.sheet.binary.macroEnabled.12", "Excel workbook")
_XLS = FileKind("excel", "application/vnd.ms-excel", "Excel workbook")
_OLD = FileKind("old", "application/x-ole-storage", "Office document of an old format")
_LOCKED = FileKind("locked", "application/x-ole-storage", "Office document with a password")
LOCKED = (
    "It is locked with a password. Open it in Office, take the password off under File > Info > Protect, and save it."
)
LOCKED_PDF = (
    "The PDF is locked with a password. Open it with the password and print it to a new PDF, or run"
    " `qpdf --decrypt --password=PASSWORD OLD NEW`."
)
_RTF = FileKind("rtf", "application/rtf", "text of the format RTF")
_OPEN = (
    ("opendocument.spreadsheet", _SHEETS),
    ("opendocument.text", FileKind("opendocument", "application/vnd.oasis.opendocument.text", "OpenDocument text")),
    (
        "opendocument.presentation",
        FileKind("opendocument", "application/vnd.oasis.opendocument.presentation", "OpenDocument presentation"),
    ),
)
_MSG = FileKind("msg", "application/vnd.ms-outlook", "mail of Outlook")
MAIL = FileKind("mail", "message/rfc822", "mail")
SEALED = FileKind("smime", "application/pkcs7-mime", "signed or encrypted mail (S/MIME)")
WINMAIL = FileKind("winmail", "application/ms-tnef", "winmail.dat of Outlook")
_CALENDAR = FileKind("calendar", "text/calendar", "calendar")
ARCHIVE = FileKind("archive", "application/zip", "zip archive")
UNKNOWN = FileKind("unknown", "application/octet-stream", "file of an unknown kind")
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", FileKind("picture", "image/png", "picture")),
    (b"\xff\xd8\xff", FileKind("picture", "image/jpeg", "picture")),
    (b"GIF8", FileKind("picture", "image/gif", "picture")),
    (b"BM", FileKind("picture", "image/bmp", "picture")),
    (b"II*\0", FileKind("picture", "image/tiff", "picture")),
    (b"MM\0*", FileKind("picture", "image/tiff", "picture")),
    (b"\x1f\x8b", FileKind("unknown", "application/gzip", "gzip file")),
    (b"PAR1", FileKind("unknown", "application/vnd.apache.parquet", "Parquet file")),
    (b"7z\xbc\xaf\x27\x1c", FileKind("unknown", "application/x-7z-compressed", "7-Zip archive")),
    (b"Rar!", FileKind("unknown", "application/vnd.rar", "RAR archive")),
    (b"{\\rtf", _RTF),
    (b"\x78\x9f\x3e\x22", WINMAIL),
)
_SEALED = re.compile(
    rb"\x30(?:[\x00-\x80]|\x81.|\x82..|\x83...|\x84....)\x06[\x09\x0b]\x2a\x86\x48\x86\xf7\x0d\x01(?:\x07[\x02\x03]|\x09\x10\x01)",
    re.DOTALL,
)  # ContentInfo of RFC 5652, in DER or BER
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HEADER = re.compile(
    rb"(?:[!-9;-~]+:[^\r\n]*(?:\r\n?|\n)(?:[ \t][^\r\n]*(?:\r\n?|\n))*)+"
)  # RFC 5322 2.2: names of printable characters without a colon
_FIELD = re.compile(rb"(?:\A|(?<=[\r\n]))([!-9;-~]+):")
_OF_MAIL = frozenset((b"from", b"received", b"message-id", b"mime-version", b"return-path", b"date"))
_ALSO_OF_MAIL = _OF_MAIL | {b"to", b"cc", b"subject", b"sender", b"reply-to", b"content-type", b"delivered-to"}
_MIME = frozenset((b"content-type", b"content-transfer-encoding"))
_HEADERS_MOST = 256 * 1024
"""How many bytes of headers are searched for the names that mark a mail."""
_BEFORE_MAIL = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\r\n]*(?:From [^\r\n]*(?:\r\n?|\n))?")
RECORD = "\x1e"
"""What begins each record of a sequence of JSON (RFC 7464)."""
_LINE_END = re.compile(r"\r\n?|\n")
_CLOSING = {"{": "}", "[": "]"}
_HTML = re.compile(r"<(!doctype\s+html|html|head|body|table|div|p)\b", re.IGNORECASE)
_TAG = re.compile(r"<[A-Za-z!]")
_ENDINGS = {"csv": "csv", "tsv": "csv", "tab": "csv", "md": "plain", "markdown": "plain", "txt": "plain"}


def kind_of(source: SourceFile) -> FileKind:
    """Return what a file is. Raises FileRefused for an archive that the limits do not allow."""
    head = source.head()
    if b"%PDF-" in head[:1024]:  # programs accept it that late (PDF Reference 1.7, H.3, note 13)
        return FileKind("pdf", "application/pdf", "PDF")
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return _of_zip(source)
    if head.startswith(_OLE):
        return _of_ole(source)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return FileKind("picture", "image/webp", "picture")
    if _SEALED.match(head):
        return SEALED
    found = next((kind for magic, kind in _MAGIC if head.startswith(magic)), None)
    # A text may begin with BM, too; the reserved bytes of a bitmap are zero.
    if found is not None and (found.media_type != "image/bmp" or head[6:10] == b"\0\0\0\0"):
        return found
    return _of_text(source, head)


def _of_zip(source: SourceFile) -> FileKind:
    with opened_zip(source.content) as archive:
        names = archive.namelist()
        if "mimetype" in names:
            said = member(archive, "mimetype")[:100]
            return next((kind for name, kind in _OPEN if name.encode() in said), ARCHIVE)
        for begin, kind in (("word/", WORD), ("xl/", EXCEL), ("ppt/", SLIDES)):
            if any(name.startswith(begin) for name in names) and "[Content_Types].xml" in names:
                return _XLSB if kind is EXCEL and "xl/workbook.bin" in names else kind
    return ARCHIVE


def _of_ole(source: SourceFile) -> FileKind:
    """Tell the formats in the container of old Office files apart by the names in it, which are UTF-16."""
    head = source.head(4 * 1024 * 1024)
    for name, kind in (("EncryptedPackage", _LOCKED), ("Workbook", _XLS), ("Book", _XLS), ("__substg1.0_", _MSG)):
        if name.encode("utf-16-le") in head:
            return kind
    return _OLD


def _of_text(source: SourceFile, head: bytes) -> FileKind:
    try:
        encoding = encoding_of(source)
    except FileRefused:
        return UNKNOWN
    text = head.decode(encoding, "ignore").lstrip("\ufeff \t\r\n")
    ending = source.name.rpartition(".")[2].lower()
    if _is_mail(source.head(_HEADERS_MOST), ending):
        return replace(MAIL, encoding=encoding)
    if text[:15].upper() == "BEGIN:VCALENDAR":
        return replace(_CALENDAR, encoding=encoding)
    if _ENDINGS.get(ending) == "csv":
        return FileKind("csv", "text/csv", "table of text", encoding)
    if text[:1] == RECORD or (text[:1] in _CLOSING and ending not in _ENDINGS):
        return _of_json(source, text, ending, encoding)
    is_html = _TAG.search(text) if ending in ("html", "htm") else text[:1] == "<" and _HTML.search(text[:2000])
    if is_html:
        return FileKind("html", "text/html", "HTML", _told(head, encoding))
    if text.startswith("<?xml"):
        return FileKind("plain", "application/xml", "XML", _told(head, encoding))
    media_type = "text/markdown" if ending in ("md", "markdown") else "text/plain"
    return FileKind("plain", media_type, "text", encoding)


def _told(head: bytes, encoding: str) -> str:
    """Return the encoding that HTML or XML names, or the one that was found if either of them is Unicode."""
    from clients.mail.charsets import codecs_of, named_charset

    named = codecs_of(named_charset(head))[0]
    return encoding if encoding.startswith("utf") or named.startswith("utf") else named


def begin_of_mail(content: bytes) -> int:
    """Return where the headers of a mail begin: behind a byte order mark, empty lines and the line of a mailbox."""
    found = _BEFORE_MAIL.match(content)
    return found.end() if found else 0


def _is_mail(head: bytes, ending: str) -> bool:
    """Return whether a text begins with headers that only mails have, or as a file that is named as a mail should."""
    block = _HEADER.match(head, begin_of_mail(head))
    if block is None:
        return False
    names = set(_FIELD.findall(block[0].lower()))
    if ending == "eml":
        return bool(names & _ALSO_OF_MAIL)
    return len(names & _OF_MAIL) >= 2 or (b"from" in names and bool(names & _MIME))


def _of_json(source: SourceFile, text: str, ending: str, encoding: str) -> FileKind:
    if text[:1] == RECORD:
        return FileKind("json_lines", "application/json-seq", "sequence of JSON", encoding)
    if _LINE_END.search(text) is None:  # its first line may be long
        text = source.head(LINE_MOST).decode(encoding, "ignore").lstrip("\ufeff \t\r\n")
    if ending in ("jsonl", "ndjson") or _is_json_lines(text):
        return FileKind("json_lines", "application/x-ndjson", "JSON lines", encoding)
    return FileKind("json", "application/json", "JSON", encoding)


def _is_json_lines(text: str) -> bool:
    first, *others = (one.strip() for one in _LINE_END.split(text, 20))
    second = next(filter(None, others), "")
    return len(first) > 1 and _CLOSING[first[0]] == first[-1] and second[:1] == first[0]
