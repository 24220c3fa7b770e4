"""One mail as Gmail gives it (`format=full`), turned into the plain shape that workflows see."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.header import decode_header
from typing import Any

from clients.gmail_html import tidy, visible_text

Part = Mapping[str, Any]
"""Gmail's MessagePart: {partId, mimeType, filename, headers, body {size, data | attachmentId}, parts}."""

TEXT_MOST = 200_000
_DEEPEST = 40
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


def read_mail(message: Part, load: Callable[[str], str]) -> dict[str, Any]:
    """Give {message_id, from, to, cc, subject, date, text, text_truncated, attachments} of a message.

    `load(attachment_id)` fetches a part that Gmail left out because of its size, as base64url. `date` is the time of
    arrival (RFC 3339, UTC). `text` has at most 200,000 characters.
    """
    payload: Part = message.get("payload") or {}
    text = mail_text(payload, load)
    return {
        "message_id": header(payload, "Message-ID").strip(),
        "from": shown(header(payload, "From")),
        "to": shown(header(payload, "To")),
        "cc": shown(header(payload, "Cc")),
        "subject": shown(header(payload, "Subject")),
        "date": _arrived(message),
        "text": text[:TEXT_MOST],
        "text_truncated": len(text) > TEXT_MOST,
        "attachments": [_attachment(part) for part in attachment_parts(payload)],
    }


def header(part: Part, name: str) -> str:
    """Give the first header of this name as Gmail has it, "" for none."""
    return next(iter(headers(part, name)), "")


def headers(part: Part, name: str) -> list[str]:
    """Give every header of this name, in order; names are compared without case (RFC 5322 1.2.2)."""
    given = part.get("headers") or []
    return [str(entry.get("value", "")) for entry in given if str(entry.get("name", "")).lower() == name.lower()]


def shown(value: str) -> str:
    """Give a header as a person reads it: encoded words (RFC 2047) decoded, on one line, whatever they hold."""
    if "=?" in value:
        value = _decoded_words(value)
    return " ".join(tidy(value).split())


def _decoded_words(value: str) -> str:
    try:
        pieces = decode_header(value)
    except (HeaderParseError, binascii.Error, ValueError):
        return value
    return "".join(piece if isinstance(piece, str) else decoded(piece, charset or "utf-8") for piece, charset in pieces)


def _arrived(message: Part) -> str:
    milliseconds = str(message.get("internalDate", "0"))
    # Eleven digits of seconds and more are no date of this age.
    seconds = int(milliseconds) // 1000 if milliseconds.isdigit() and len(milliseconds) < 14 else 0
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def mail_text(payload: Part, load: Callable[[str], str]) -> str:
    """Give the mail's own words: its plain text, else its HTML as text; quoted mails stay, attachments do not."""
    return "\n\n".join(text for text in _texts(payload, load, 0) if text)


def _texts(part: Part, load: Callable[[str], str], depth: int) -> Iterator[str]:
    kind = _media_type(part)
    if depth > _DEEPEST or is_attachment(part):
        return
    if kind == "multipart/alternative":
        yield _best_alternative(part, load, depth)
    elif part.get("parts"):
        for child in part["parts"]:
            yield from _texts(child, load, depth + 1)
    elif kind == "text/html":
        yield visible_text(_decoded_body(part, load))
    elif kind.startswith("text/") or not kind:
        yield tidy(_decoded_body(part, load))


def _best_alternative(part: Part, load: Callable[[str], str], depth: int) -> str:
    """Plain text where it says anything: it has no hidden parts, and senders mean it to say the same."""
    children = sorted(part.get("parts") or [], key=lambda child: _media_type(child) != "text/plain")
    for child in children:
        text = "\n\n".join(found for found in _texts(child, load, depth + 1) if found)
        if text:
            return text
    return ""


def _media_type(part: Part) -> str:
    return str(part.get("mimeType") or "").strip().lower()


def is_attachment(part: Part) -> bool:
    """Say whether a part is a file and not the mail's words: it has a name, says so, or is a mail itself."""
    if part.get("filename"):
        return True
    disposition = header(part, "Content-Disposition").strip().lower()
    return disposition.startswith("attachment") or _media_type(part).startswith("message/")


def attachment_parts(payload: Part) -> Iterator[Part]:
    """Walk over the parts that are files, in their order, not into attached mails."""
    waiting = [(payload, 0)]
    while waiting:
        part, depth = waiting.pop(0)
        if is_attachment(part):
            yield part
        elif depth < _DEEPEST:
            waiting[:0] = [(child, depth + 1) for child in part.get("parts") or []]


def _attachment(part: Part) -> dict[str, Any]:
    body = part.get("body") or {}
    return {
        "id": attachment_id(part),
        "name": shown(str(part.get("filename") or "")) or "unnamed",
        "media_type": _media_type(part) or "application/octet-stream",
        "bytes": int(body.get("size") or 0),
    }


def attachment_id(part: Part) -> str:
    """Give the id that stays: Gmail's `attachmentId` is another one at each reading, the part's number is not."""
    return str(part.get("partId") or (part.get("body") or {}).get("attachmentId") or "0")


def _decoded_body(part: Part, load: Callable[[str], str]) -> str:
    return decoded(body_bytes(part, load), _charset(part))


def body_bytes(part: Part, load: Callable[[str], str]) -> bytes:
    """Give a part's content; Gmail writes it as base64url, mostly without the padding."""
    body = part.get("body") or {}
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


def _charset(part: Part) -> str:
    from email.message import Message

    carrier = Message()
    carrier["Content-Type"] = " ".join(header(part, "Content-Type").split()) or "text/plain"
    try:
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
