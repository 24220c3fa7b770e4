"""Parses the bytes of a mail (RFC 5322, MIME) into parts, however malformed they are."""

from __future__ import annotations

import codecs
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from clients.mail.charsets import can_stand_raw, decoded
from clients.mail.header_block import BYTES_MOST, LINES_MOST, block_of
from clients.mail.parameters import media_type_of, parameters
from clients.mail.parts import DEEPEST, header
from clients.mail.transfer import decoded_body

_LINE_END = re.compile(rb"(--)?[ \t]*(\r*\n|\r*\Z)")
_CHARSET = re.compile(rb"charset\*?=[\"']?([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)
_CHARSET_WITHIN = 65_536
_PARTS_MOST = 1000
_BOUNDARIES_MOST = 50_000
"""Maximum number of lines in a mail that look like a boundary."""


def payload_of(content: bytes, number: str = "") -> dict[str, Any]:
    """Return the mail as Gmail's MessagePart, its bodies decoded: {partId, mimeType, filename, headers, body, parts}.

    `number` is its `partId` if it lies in another mail; its parts continue this number. Accepts any bytes. Parts below
    40 levels, or beyond the thousandth, are left out; the mail then has `left_out`, a list that describes them.
    """
    content = _with_line_feeds(content)
    splitting = _Splitting(content)
    found = splitting.part(0, len(content), number, 0)
    return {**found, "left_out": list(splitting.left_out)} if splitting.left_out else found


def headers_of(content: bytes) -> dict[str, Any]:
    """Return {headers: [{name, value}]} of a mail, or of its beginning, each value on one line as written."""
    content = _with_line_feeds(content)
    return {"headers": _listed(block_of(content, 0, len(content)).fields, _charset_of(content))}


def _with_line_feeds(content: bytes) -> bytes:
    """Remove a byte order mark, and convert line ends that are carriage returns alone to line feeds."""
    content = content.removeprefix(codecs.BOM_UTF8)
    first = content.find(b"\n")
    is_bare = first < 0 or b"\r\r" in content[:first].rstrip(b"\r")  # an empty line without a line feed
    if is_bare:
        return content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return content


class _Splitting:
    """Works with offsets into the bytes of one mail, so that nested parts copy nothing; also counts the parts."""

    def __init__(self, content: bytes) -> None:
        self._content, self._parts, self._header_lines = content, 0, LINES_MOST
        self._lines = list(islice(_dashed_lines(content), _BOUNDARIES_MOST + 1))
        self._charset = _charset_of(content)
        self.left_out: dict[str, None] = {}

    def part(self, begin: int, end: int, number: str, depth: int, within: str = "") -> dict[str, Any]:
        """Return the part at these offsets; `within` is the media type of its parent."""
        self._parts += 1
        block = block_of(self._content, begin, end, self._header_lines)
        if block.is_cut:
            self.left_out[f"only the first {BYTES_MOST:,} bytes and {LINES_MOST:,} lines of its headers were read"] = (
                None
            )
        # All parts of a mail share the limit, but each of them may have a few lines in any case.
        self._header_lines = max(self._header_lines - block.lines, 100)
        found: dict[str, Any] = {"partId": number, "headers": _listed(block.fields, self._charset)}
        of_type, of_disposition = (parameters(header(found, name)) for name in ("Content-Type", "Content-Disposition"))
        if within == "multipart/digest" and not header(found, "Content-Type"):  # by default a mail (RFC 2046 5.1.5)
            data = self._content[begin:end].removeprefix(b"\r").removeprefix(b"\n")
            return {**found, "mimeType": "message/rfc822", "filename": "", "body": {"size": len(data), "content": data}}
        kind = media_type_of(header(found, "Content-Type"))
        found |= {"mimeType": kind, "filename": _file_name(of_disposition, of_type)}
        if kind.startswith("multipart/"):
            boundary = of_type.get("boundary", "").rstrip()
            children = self._parts_of(block.body, end, boundary, number, depth, kind)
            if children is not None:
                return {**found, "body": {"size": 0}, "parts": children}
            found["mimeType"] = "text/plain"  # declared multipart, but without parts: shown as text
        data = decoded_body(self._content[block.body : end], header(found, "Content-Transfer-Encoding"))
        return {**found, "body": {"size": len(data), "content": data}}

    def _parts_of(
        self, begin: int, end: int, boundary: str, number: str, depth: int, kind: str
    ) -> list[dict[str, Any]] | None:
        """Return the child parts, or None."""
        places = list(islice(self._pieces(begin, end, self._written(boundary)), _PARTS_MOST + 1)) if boundary else []
        if not places:
            return None
        if depth >= DEEPEST:
            self.left_out[f"parts nested deeper than {DEEPEST} levels were not read"] = None
            return []
        return list(self._children(places, number, depth, kind))

    def _written(self, boundary: str) -> bytes:
        """Return a boundary as it appears in the mail."""
        written = boundary.encode()
        return written if boundary.isascii() or written in self._content else boundary.encode("cp1252", "replace")

    def _children(self, places: list[tuple[int, int]], number: str, depth: int, kind: str) -> Iterator[dict[str, Any]]:
        for index, (begin, end) in enumerate(places):
            if self._parts >= _PARTS_MOST:
                self.left_out[f"only the first {_PARTS_MOST:,} of its parts were read"] = None
                return
            yield self.part(begin, end, f"{number}.{index}" if number else str(index), depth + 1, kind)

    def _pieces(self, begin: int, end: int, boundary: bytes) -> Iterator[tuple[int, int]]:
        """Yield the offsets of each part between boundaries (RFC 2046 5.1.1); the last may lack its end."""
        content, opened = self._content, -1
        for place in self._lines_within(begin, end):
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

    def _lines_within(self, begin: int, end: int) -> Iterator[int]:
        for place in islice(self._lines, bisect_left(self._lines, begin), bisect_left(self._lines, end)):
            if len(self._lines) > _BOUNDARIES_MOST and place == self._lines[-1]:
                self.left_out[f"only the first {_BOUNDARIES_MOST:,} of its lines that begin with -- were examined"] = (
                    None
                )
                return
            yield place


def _listed(fields: list[tuple[str, bytes]], charset: str) -> list[dict[str, str]]:
    return [{"name": name, "value": _value(value, charset)} for name, value in fields]


def _value(value: bytes, charset: str) -> str:
    """Return a header on one line. Many contain raw UTF-8, or the mail's charset, instead of encoded words."""
    return " ".join(decoded(value, charset).split())


def _charset_of(content: bytes) -> str:
    """Return the first charset that a mail names: unencoded headers are mostly written in it."""
    found = _CHARSET.search(content, 0, _CHARSET_WITHIN)
    name = found[1].decode("ascii") if found else "utf-8"
    return name if can_stand_raw(name) else "utf-8"


def _file_name(of_disposition: Mapping[str, str], of_type: Mapping[str, str]) -> str:
    return " ".join((of_disposition.get("filename") or of_type.get("name") or "").split())


def _dashed_lines(content: bytes) -> Iterator[int]:
    """Yield the offsets of lines that begin with two hyphens: found once, not again for each nested part."""
    if content.startswith(b"--"):
        yield 0
    place = content.find(b"\n--")
    while place >= 0:
        yield place + 1
        place = content.find(b"\n--", place + 3)


def _line_end_before(content: bytes, begin: int, place: int) -> int:
    """Exclude the line end before a boundary, which belongs to the boundary."""
    place -= 1
    return max(begin, place - 1 if content[place - 1 : place] == b"\r" else place)
