"""The parts of a mail in Gmail's form, to which every mail is converted: headers, files, charsets."""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from clients.mail.charsets import decoded
from clients.mail.html import tidy
from clients.mail.length import cut_note, cut_to_line
from clients.mail.parameters import first_word, parameters
from clients.mail.transfer import from_base64_letters

Part = Mapping[str, Any]
"""Gmail's MessagePart: {partId, mimeType, filename, headers [{name, value}], body {size, data | attachmentId}, parts}.

If the mail was parsed from bytes, `body` has `content` (bytes) instead of `data`.
"""
Load = Callable[[str], str]
"""Fetches a part that Gmail left out because of its size, by its `attachmentId`, as base64url."""

_HEADER_MOST = 60_000
"""Characters of a header that are shown: two thousand addresses."""
_NAME_MOST = 1000
_TEXT_FILES = frozenset(
    "text/calendar text/x-vcalendar text/vcard text/x-vcard text/directory text/css text/csv text/rtf".split()
)
DEEPEST = 40
"""Maximum nesting of parts that is read."""
WORD = re.compile(r"=\?([^?\s]{1,80})\?([bBqQ])\?(.{0,4000}?)\?=")
"""An encoded word (RFC 2047), including malformed ones that are too long or contain blanks."""


def nothing_left_out(attachment: str) -> str:
    """Load nothing: for mails that are complete."""
    raise LookupError(f"the part {attachment!r} is missing")


def header(part: Part, name: str) -> str:
    """Return the first header of this name as written, or ""."""
    return next(iter(headers(part, name)), "")


def headers(part: Part, name: str) -> list[str]:
    """Return all headers of this name, in order; case-insensitive (RFC 5322 1.2.2)."""
    given = part.get("headers") or []
    return [str(entry.get("value", "")) for entry in given if str(entry.get("name", "")).lower() == name.lower()]


def shown(value: str) -> str:
    """Return a header for display: encoded words (RFC 2047) decoded, on one line.

    Over 60,000 characters it is cut, with a note.
    """
    read = value[:_HEADER_MOST]
    if "=?" in read:
        read = _decoded_words(read)
    told = " ".join(tidy(read).split())
    return told if len(value) <= _HEADER_MOST else f"{told} {cut_note(_HEADER_MOST, len(value))}"


def _decoded_words(value: str) -> str:
    """Decode encoded words one by one; a letter may be split across adjacent words."""
    kept, place = [""], 0
    run, charset = b"", ""
    for found in WORD.finditer(value):
        between, name = value[place : found.start()], found[1].partition("*")[0]
        if between.strip() or name.lower() != charset.lower() or not place:
            kept.append(decoded(run, charset))
            kept.append("" if place and not between.strip() else between)
            run = b""
        run += _word_bytes(found[2], found[3])
        place, charset = found.end(), name
    return "".join([*kept, decoded(run, charset), value[place:]])


def _word_bytes(encoding: str, text: str) -> bytes:
    if encoding in "qQ":
        return binascii.a2b_qp(text.encode(), header=True)
    return from_base64_letters(text.encode())


def media_type(part: Part) -> str:
    """Return a part's media type in lower case, or ""."""
    return str(part.get("mimeType") or "").strip().lower()


def is_attachment(part: Part) -> bool:
    """Return whether a part is a file, not the mail's text: by its file name, disposition or media type."""
    if part.get("filename") or says_attached(part) or is_text_file(part):
        return True
    kind = media_type(part)
    return bool(kind) and not kind.startswith(("text/", "multipart/"))


def says_attached(part: Part) -> bool:
    """Return whether a part's disposition is `attachment`."""
    return first_word(header(part, "Content-Disposition")) == "attachment"


def is_text_file(part: Part) -> bool:
    """Return whether a part is text for programs: an invitation, a contact card, a style sheet."""
    return media_type(part) in _TEXT_FILES


def attachment_parts(payload: Part) -> Iterator[Part]:
    """Yield the parts that are files, in order, without descending into attached mails."""
    waiting = [(payload, 0)]
    while waiting:
        part, depth = waiting.pop(0)
        if is_attachment(part):
            yield part
        elif depth < DEEPEST:
            waiting[:0] = [(child, depth + 1) for child in part.get("parts") or []]


def attachment(part: Part) -> dict[str, Any]:
    """Describe a file: {id, name, media_type, bytes}."""
    body = part.get("body") or {}
    return {
        "id": attachment_id(part),
        "name": cut_to_line(shown(str(part.get("filename") or "")), _NAME_MOST) or "unnamed",
        "media_type": media_type(part) or "application/octet-stream",
        "bytes": int(body.get("size") or 0),
    }


def attachment_id(part: Part) -> str:
    """Return a stable id: Gmail's `attachmentId` changes with each read, the part number does not."""
    return str(part.get("partId") or (part.get("body") or {}).get("attachmentId") or "0")


def body_bytes(part: Part, load: Load) -> bytes:
    """Return a part's content; Gmail encodes it as base64url, mostly unpadded."""
    body = part.get("body") or {}
    if "content" in body:
        content: bytes = body["content"]
        return content
    data = body.get("data")
    if data is None and body.get("attachmentId"):
        data = load(str(body["attachmentId"]))
    return from_base64url(str(data or ""))


def from_base64url(data: str) -> bytes:
    """Decode base64url with or without padding; other characters are skipped."""
    return from_base64_letters(data.encode("ascii", "ignore"))


def charset(part: Part) -> str:
    """Return a part's charset, or ""."""
    return parameters(header(part, "Content-Type")).get("charset", "").strip()
