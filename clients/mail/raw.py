"""The bytes of a mail as they lie on a server (RFC 5322, MIME), taken apart into parts, however broken they are."""

from __future__ import annotations

import binascii
import quopri
import re
from bisect import bisect_left
from collections.abc import Iterator
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import compat32
from itertools import islice
from typing import Any

from clients.mail.parts import DEEPEST

_BLANK_LINE = re.compile(rb"\n[ \t]*\r?\n")
_FIELD = re.compile(rb"(?:[\r\n]*)[!-9;-~]+[ \t]*:|From ")
_LINE_END = re.compile(rb"(--)?[ \t]*(\r?\n|\Z)")
_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
_HEADERS_MOST = 1_000_000
_FIELD_MOST = 4000
"""Characters of a header that says what a part is: the reader of its parameters takes time by the square of them."""
_PARTS_MOST = 1000
_LINES_MOST = 50_000
"""Lines that look like a boundary, of one mail."""


def payload_of(content: bytes) -> dict[str, Any]:
    """Give the mail as Gmail's MessagePart, its bodies decoded: {partId, mimeType, filename, headers, body, parts}.

    Takes any bytes. What lies deeper than 40 levels, or is beyond the thousandth part, is left out.
    """
    return _Splitting(content).part(0, len(content), "", 0)


def headers_of(content: bytes) -> dict[str, Any]:
    """Give {headers: [{name, value}]} of a mail, or of its beginning, each value on one line as it was written."""
    head, _ = _split(content, 0, len(content))
    return {"headers": _listed(_parsed(head))}


class _Splitting:
    """Works on places in the bytes of one mail, so that parts within parts copy nothing; and counts the parts."""

    def __init__(self, content: bytes) -> None:
        self._content, self._parts = content, 0
        self._lines = list(islice(_dashed_lines(content), _LINES_MOST))

    def part(self, begin: int, end: int, number: str, depth: int) -> dict[str, Any]:
        """Give the part that lies there."""
        self._parts += 1
        head, begin = _split(self._content, begin, end)
        fields = _parsed(head)
        kind = fields.get_content_type()
        found: dict[str, Any] = {
            "partId": number,
            "mimeType": kind,
            "filename": _file_name(fields),
            "headers": _listed(fields),
        }
        boundary = _boundary(fields) if kind.startswith("multipart/") else b""
        places = list(islice(self._pieces(begin, end, boundary), _PARTS_MOST)) if boundary else []
        if places:
            children = self._children(places, number, depth) if depth < DEEPEST else ()
            return {**found, "body": {"size": 0}, "parts": list(children)}
        if kind.startswith("multipart/"):  # it says so, and has no parts: its words are the next best thing
            found["mimeType"] = "text/plain"
        data = _decoded_body(self._content[begin:end], str(fields.get("Content-Transfer-Encoding", "")))
        return {**found, "body": {"size": len(data), "content": data}}

    def _children(self, places: list[tuple[int, int]], number: str, depth: int) -> Iterator[dict[str, Any]]:
        for index, (begin, end) in enumerate(places):
            if self._parts >= _PARTS_MOST:
                return
            yield self.part(begin, end, f"{number}.{index}" if number else str(index), depth + 1)

    def _pieces(self, begin: int, end: int, boundary: bytes) -> Iterator[tuple[int, int]]:
        """Cut a body at its boundary (RFC 2046 5.1.1) and give each part's place; the last may lack its end."""
        content, opened = self._content, -1
        for place in islice(self._lines, bisect_left(self._lines, begin), bisect_left(self._lines, end)):
            line = None
            if content.startswith(boundary, place + 2, end):
                line = _LINE_END.match(content, place + 2 + len(boundary), end)
            if line is None:
                continue
            if opened >= 0:
                yield opened, _line_end_before(content, opened, place)
            if line[1]:
                return
            opened = line.end()
        if opened >= 0:
            yield opened, end


def _split(content: bytes, begin: int, end: int) -> tuple[bytes, int]:
    """Give the bytes of the headers, and where the body begins; what begins with no header is all body."""
    if content.startswith((b"\n", b"\r\n"), begin, end):
        return b"", begin + (1 if content[begin] == 10 else 2)
    limit = min(end, begin + _HEADERS_MOST)
    if not _FIELD.match(content, begin, limit):
        return b"", begin
    found = _BLANK_LINE.search(content, begin, limit)
    return (content[begin:limit], end) if found is None else (content[begin : found.start() + 1], found.end())


def _parsed(head: bytes) -> Message:
    try:
        fields: Message = BytesHeaderParser(policy=compat32).parsebytes(head)
    except (ValueError, LookupError, RecursionError):
        return Message()
    for name in ("Content-Type", "Content-Disposition"):
        if len(fields.get(name, "")) > _FIELD_MOST:
            fields.replace_header(name, str(fields[name])[:_FIELD_MOST])
    return fields


def _listed(fields: Message) -> list[dict[str, str]]:
    return [{"name": name, "value": _value(value)} for name, value in fields.raw_items()]


def _value(value: object) -> str:
    """Give a header on one line. Many are plain UTF-8, though they should be encoded (RFC 6532 allows it)."""
    data = " ".join(str(value).split()).encode("utf-8", "surrogateescape")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _file_name(fields: Message) -> str:
    try:
        return _value(fields.get_filename() or "")
    except (ValueError, LookupError, TypeError):
        return "unnamed"


def _boundary(fields: Message) -> bytes:
    try:
        return (fields.get_boundary() or "").encode("utf-8", "surrogateescape")
    except (ValueError, LookupError, TypeError):
        return b""


def _dashed_lines(content: bytes) -> Iterator[int]:
    """Give the places of the lines that begin with two hyphens: found once, not again in each part within a part."""
    if content.startswith(b"--"):
        yield 0
    place = content.find(b"\n--")
    while place >= 0:
        yield place + 1
        place = content.find(b"\n--", place + 3)


def _line_end_before(content: bytes, begin: int, place: int) -> int:
    """The line end before a boundary belongs to the boundary."""
    place -= 1
    return max(begin, place - 1 if content[place - 1 : place] == b"\r" else place)


def _decoded_body(body: bytes, encoding: str) -> bytes:
    name = encoding.strip().lower()
    if name == "base64":
        return _from_base64(body)
    if name == "quoted-printable":
        return quopri.decodestring(body)
    return body


def _from_base64(body: bytes) -> bytes:
    """Decode base64; what is no letter of it is passed over (RFC 2045 6.8), and a torn end given as far as it goes."""
    try:
        return binascii.a2b_base64(body)
    except binascii.Error:
        letters = _NO_BASE64.sub(b"", body)
        letters = letters[: len(letters) - (len(letters) % 4 == 1)]
        return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))
