"""The parts of a mail in Gmail's form, which a mail from anywhere is brought into: headers, files, charsets."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from email.errors import HeaderParseError
from email.header import decode_header
from typing import Any

from clients.mail.html import tidy

Part = Mapping[str, Any]
"""Gmail's MessagePart: {partId, mimeType, filename, headers [{name, value}], body {size, data | attachmentId}, parts}.

Of a mail that was read from its bytes, `body` has `content` (bytes) in place of `data`.
"""
Load = Callable[[str], str]
"""Fetches a part that Gmail left out because of its size, by its `attachmentId`, as base64url."""

_HEADER_MOST = 60_000
"""Characters of a header that people are shown: two thousand addresses."""
_PARAMETERS_MOST = 4000
_NAME_MOST = 1000
DEEPEST = 40
"""Levels of parts inside parts that are looked at."""
# What senders really write under these names (WHATWG Encoding Standard, 4.2).
_REALLY = {
    "iso-8859-1": "cp1252",
    "latin-1": "cp1252",
    "us-ascii": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
}
_STATEFUL = ("iso-2022", "hz", "utf-7", "utf-16", "utf-32", "utf7", "utf16", "utf32")


def nothing_left_out(attachment: str) -> str:
    """Load nothing: for mails that are there as a whole."""
    raise LookupError(f"the part {attachment!r} is not here")


def header(part: Part, name: str) -> str:
    """Give the first header of this name as it was written, "" for none."""
    return next(iter(headers(part, name)), "")


def headers(part: Part, name: str) -> list[str]:
    """Give every header of this name, in order; names are compared without case (RFC 5322 1.2.2)."""
    given = part.get("headers") or []
    return [str(entry.get("value", "")) for entry in given if str(entry.get("name", "")).lower() == name.lower()]


def shown(value: str) -> str:
    """Give a header as a person reads it: encoded words (RFC 2047) decoded, on one line, whatever they hold."""
    value = value[:_HEADER_MOST]
    if "=?" in value:
        value = _decoded_words(value)
    return " ".join(tidy(value).split())


def _decoded_words(value: str) -> str:
    try:
        pieces = decode_header(value)
    except (HeaderParseError, binascii.Error, ValueError):
        return value
    return "".join(piece if isinstance(piece, str) else decoded(piece, charset or "utf-8") for piece, charset in pieces)


def media_type(part: Part) -> str:
    """Give the kind of a part in lower case, "" for none."""
    return str(part.get("mimeType") or "").strip().lower()


def is_attachment(part: Part) -> bool:
    """Say whether a part is a file and not the mail's words: it has a name, says so, or is a mail itself."""
    if part.get("filename"):
        return True
    disposition = header(part, "Content-Disposition").strip().lower()
    return disposition.startswith("attachment") or media_type(part).startswith("message/")


def attachment_parts(payload: Part) -> Iterator[Part]:
    """Walk over the parts that are files, in their order, not into attached mails."""
    waiting = [(payload, 0)]
    while waiting:
        part, depth = waiting.pop(0)
        if is_attachment(part):
            yield part
        elif depth < DEEPEST:
            waiting[:0] = [(child, depth + 1) for child in part.get("parts") or []]


def attachment(part: Part) -> dict[str, Any]:
    """Give what is told of a file: {id, name, media_type, bytes}."""
    body = part.get("body") or {}
    return {
        "id": attachment_id(part),
        "name": shown(str(part.get("filename") or "")[:_NAME_MOST]) or "unnamed",
        "media_type": media_type(part) or "application/octet-stream",
        "bytes": int(body.get("size") or 0),
    }


def attachment_id(part: Part) -> str:
    """Give the id that stays: Gmail's `attachmentId` is another one at each reading, the part's number is not."""
    return str(part.get("partId") or (part.get("body") or {}).get("attachmentId") or "0")


def body_bytes(part: Part, load: Load) -> bytes:
    """Give a part's content; Gmail writes it as base64url, mostly without the padding."""
    body = part.get("body") or {}
    if "content" in body:
        content: bytes = body["content"]
        return content
    data = body.get("data")
    if data is None and body.get("attachmentId"):
        data = load(str(body["attachmentId"]))
    return from_base64url(str(data or ""))


def from_base64url(data: str) -> bytes:
    """Decode base64url with or without padding; what is not base64 is passed over."""
    letters = data.replace("+", "-").replace("/", "_").rstrip("=")
    try:
        return base64.urlsafe_b64decode(letters + "=" * (-len(letters) % 4))
    except (binascii.Error, ValueError):
        return b""


def charset(part: Part) -> str:
    """Give the charset that a part names, utf-8 where it names none."""
    from email.message import Message

    carrier = Message()
    try:
        carrier["Content-Type"] = " ".join(header(part, "Content-Type")[:_PARAMETERS_MOST].split()) or "text/plain"
        return str(carrier.get_content_charset() or "utf-8")
    except (LookupError, ValueError):
        return "utf-8"


def decoded(data: bytes, charset: str) -> str:
    """Decode bytes without ever failing.

    Gmail gives bodies as UTF-8 while the header still names the sender's charset, so UTF-8 is tried first (but for
    charsets that are plain ASCII bytes with another meaning); an unknown charset is read as Windows' Latin-1.
    """
    charset = _REALLY.get(charset.lower(), charset.lower())
    first = [charset, "utf-8"] if charset.startswith(_STATEFUL) else ["utf-8", charset]
    for name in first:
        try:
            return data.decode(name)
        except (LookupError, UnicodeError, ValueError):
            continue
    return data.decode(_known(charset), errors="replace")


def _known(charset: str) -> str:
    import codecs

    try:
        found = codecs.lookup(charset)
    except (LookupError, ValueError):
        return "cp1252"
    # A codec such as `hex` is no charset, and UTF-8 itself has just failed.
    return found.name if found._is_text_encoding and found.name != "utf-8" else "cp1252"  # noqa: SLF001
