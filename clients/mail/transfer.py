"""Decodes transfer encodings (RFC 2045 6): base64, quoted-printable and uuencode, including malformed ones."""

from __future__ import annotations

import binascii
import quopri
import re
from collections.abc import Iterator

from msgspec import Struct

from clients.mail.charsets import decoded

_ENCODING = re.compile(r"[\"'\s]*([\w-]+)")
_NO_LETTER = re.compile(rb"[^A-Za-z0-9+/=]")
_CHUNK = re.compile(rb"[A-Za-z0-9+/]+")
_BASE64_LINE = re.compile(rb"\s*+[A-Za-z0-9+/_=-]*+\s*+")
_LONG_LINE = re.compile(rb"\s*+[A-Za-z0-9+/_=-]{30,}+[^A-Za-z0-9+/_=-]?\s*+")
"""Certainly base64, even with one stray character."""
_PADDED_LINE = re.compile(rb"(?:[A-Za-z0-9+/_-]{4}){7,}[A-Za-z0-9+/_-]{2}(?:==|[A-Za-z0-9+/_-]=)")
"""Certainly the end of a piece of base64."""
_RULE = re.compile(rb"[\s_-]*+")
"""A separator line above a footer, although its characters are also base64 letters."""
_SHORT = 200
"""Up to this many base64 letters may be words by chance."""
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x7f]")
_SOFT_BREAK = re.compile(rb"=[ \t]*+(?:\r*+\n|\r|\Z)")
_UU_BEGIN = re.compile(rb"^begin [0-7]{3,4} [^\n]*\n", re.MULTILINE)
_UU_LINE = re.compile(rb"[ -`]{1,90}")
_UU_LINE_MOST = 100
_UU_NAME_MOST = 255
_UU_TEXT_MOST = 4 * 1024 * 1024
_UU_BLANK_MOST = 2
"""Lines without data in a row: a file has only one, the last."""


class UuencodedFile(Struct, frozen=True):
    """A file that stands in a text, and where: from `begins` to before `ends`."""

    begins: int
    ends: int
    name: str
    content: bytes


def uuencoded_files(text: bytes) -> Iterator[UuencodedFile]:
    """Yield the files in the first 4 MB of a text that mail programs before MIME wrote there, whole ones, in order."""
    text, place = text[:_UU_TEXT_MOST], 0
    while found := _UU_BEGIN.search(text, place):
        name = found[0].split(b" ", 2)[2].strip()
        content, place = _uu_content(text, found.end())
        if content is not None and 0 < len(name) <= _UU_NAME_MOST:
            yield UuencodedFile(found.start(), place, decoded(name, "utf-8"), content)


def _uu_content(text: bytes, place: int) -> tuple[bytes | None, int]:
    """Return the content whose lines begin there, None if it is broken or has no end; and where the lines end."""
    data, blank = bytearray(), 0
    while place < len(text):
        line_end = text.find(b"\n", place) + 1 or len(text)
        line = text[place : min(line_end, place + _UU_LINE_MOST)].rstrip()
        if line == b"end":
            return bytes(data), line_end
        blank = blank + 1 if line in {b"", b"`"} else 0
        if blank > _UU_BLANK_MOST or (line and not _UU_LINE.fullmatch(line)):
            return None, place
        place = line_end
        data += _uu_line(line) if line else b""
    return None, place


def decoded_body(body: bytes, encoding: str) -> bytes:
    """Decode a body by its `Content-Transfer-Encoding`; return it unchanged if the encoding is unknown."""
    found = _ENCODING.match(encoding.lower())
    name = found[1] if found else ""
    if name == "base64":
        return _from_base64(body)
    if name == "quoted-printable":
        usual_ones_gone = body.replace(b"=\r\n", b"").replace(b"=\n", b"")  # there may be millions
        return quopri.decodestring(_SOFT_BREAK.sub(b"", usual_ones_gone))
    if name in {"x-uuencode", "uuencode", "x-uue", "uue"}:
        return _from_uuencode(body)
    return body


def from_base64_letters(data: bytes) -> bytes:
    """Decode base64 or base64url in chunks, each with or without padding; other characters are skipped.

    A truncated end is decoded as far as possible.
    """
    letters = _NO_LETTER.sub(b"", data.replace(b"-", b"+").replace(b"_", b"/"))
    return b"".join(map(_chunk, _CHUNK.findall(letters)))


def _chunk(letters: bytes) -> bytes:
    letters = letters[: len(letters) - (len(letters) % 4 == 1)]
    return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))


def _from_base64(body: bytes) -> bytes:
    """Decode base64 (RFC 2045 6.8); text mislabelled as base64 stays unchanged, also below base64 (a list's footer).

    Lines of base64 have no blanks between letters.
    """
    try:
        return binascii.a2b_base64(body.translate(None, b"\r\n"), strict_mode=True)
    except binascii.Error:
        pass
    lines = body.splitlines(keepends=True)
    last = max((place for place, line in enumerate(lines) if _LONG_LINE.fullmatch(line)), default=-1)
    below = range(last + 1, len(lines))
    end = next((place for place in below if not _BASE64_LINE.fullmatch(lines[place])), len(lines))
    while end and end < len(lines) and _RULE.fullmatch(lines[end - 1]):
        end -= 1
    encoded, text = b"".join(lines[:end]), b"".join(lines[end:])
    if not _is_base64(encoded, is_all=not text):
        return body
    return from_base64_letters(encoded) + (b"\n\n" + text if text else b"")


def _is_base64(data: bytes, *, is_all: bool) -> bool:
    """Return whether ambiguous letters are base64; a few without padding are, if they decode to text."""
    letters = b"".join(data.split())
    if len(letters) > _SHORT or (letters and not len(letters) % 4 and letters.endswith(b"=")):
        return True
    if any(map(_PADDED_LINE.fullmatch, data.split())):  # its pieces may be of a charset with control characters
        return True
    try:
        return is_all and not _CONTROL.search(from_base64_letters(data).decode())
    except UnicodeDecodeError:
        return is_all and len(letters) % 4 == 0


def _from_uuencode(body: bytes) -> bytes:
    """Decode the data between `begin 644 name` and `end`; text mislabelled as uuencode stays unchanged."""
    found = _UU_BEGIN.search(body)
    if found is None:
        return body
    data = bytearray()
    for line in body[found.end() :].splitlines():
        if line.strip() in {b"", b"end", b"`"}:
            continue
        data += _uu_line(line)
    return bytes(data)


def _uu_line(line: bytes) -> bytes:
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:  # some encoders write more letters than the line's length says
        return _uu_cut(line)


def _uu_cut(line: bytes) -> bytes:
    try:
        return binascii.a2b_uu(line[: 1 + (((line[0] - 32) & 63) + 2) // 3 * 4])
    except binascii.Error:
        return b""
