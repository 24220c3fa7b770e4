"""The parts of a mail in Gmail's form, which every mail is converted to: headers, files, charsets."""

from __future__ import annotations

import binascii
import mimetypes
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

HEADER_MOST = 60_000
"""Characters of a header that are shown: two thousand addresses."""
_NAME_MOST = 1000
_TEXT_FILES = frozenset(
    "text/calendar text/x-vcalendar text/vcard text/x-vcard text/directory text/css text/csv text/rtf".split()
)
MAILS = frozenset({"message/rfc822", "message/global", "message/news"})
"""Media types of attached mails."""
_NAMES = {
    "text/calendar": "invite.ics",
    "application/ics": "invite.ics",
    "text/vcard": "contact.vcf",
    "text/x-vcard": "contact.vcf",
    "message/rfc822": "mail.eml",
    "message/global": "mail.eml",
    "message/news": "mail.eml",
    "message/delivery-status": "delivery-status.txt",
    "message/disposition-notification": "read-receipt.txt",
    "application/ms-tnef": "winmail.dat",
    "application/vnd.ms-tnef": "winmail.dat",
    "application/pkcs7-mime": "smime.p7m",
    "application/x-pkcs7-mime": "smime.p7m",
    "application/pkcs7-signature": "smime.p7s",
    "application/x-pkcs7-signature": "smime.p7s",
    "application/pgp-signature": "signature.asc",
}
"""Usual names of such files."""
_ENDINGS = {"image/jpg": ".jpg", "text/plain": ".txt", "application/octet-stream": ""}
_TYPES = mimetypes.MimeTypes()
"""Python's own types alone: the ones that a machine adds differ."""
_HAS_ENDING = re.compile(r"\.[A-Za-z0-9]{1,5}$")
DEEPEST = 40
"""Maximum nesting of parts that is read."""
WORD = re.compile(r"=\?([^?\s]{1,80})\?([bBqQ])\?((?:[^=\n]|=(?!\?[^=])){0,4000}?)\?=")
"""An encoded word (RFC 2047), including malformed ones that are too long or contain blanks.

It does not contain the beginning of another one: a header full of beginnings is read once, not from each to the end.
"""


def nothing_left_out(attachment: str) -> str:
    """Load nothing: for mails that are complete."""
    raise LookupError(f"the part {attachment!r} is missing")


def header(part: Part, name: str) -> str:
    """Return the first header of this name as written, or ""."""
    return next(_values(part, name), "")


def headers(part: Part, name: str) -> list[str]:
    """Return all headers of this name, in order; case-insensitive (RFC 5322 1.2.2)."""
    return [*_values(part, name)]


def _values(part: Part, name: str) -> Iterator[str]:
    wanted, length = name.lower(), len(name)
    for entry in part.get("headers") or []:
        given = str(entry.get("name", ""))
        if len(given) == length and given.lower() == wanted:
            yield str(entry.get("value", ""))


def shown(value: str) -> str:
    """Return a header for display: encoded words (RFC 2047) decoded, on one line.

    Over 60,000 characters it is cut, with a note.
    """
    read = value[:HEADER_MOST]
    if "=?" in read:
        read = _decoded_words(read)
    is_tidy = read.isascii() and read.isprintable()  # as most headers: nothing in them is invisible
    told = " ".join((read if is_tidy else tidy(read)).split())
    return told if len(value) <= HEADER_MOST else f"{told} {cut_note(HEADER_MOST, len(value))}"


def _decoded_words(value: str) -> str:
    """Decode encoded words one by one; a letter may be split across adjacent words."""
    kept, place = [""], 0
    run, charset = b"", ""
    for found in WORD.finditer(value):
        # A name may end with a language, as in `utf-8*en` (RFC 2231 5).
        between, name = value[place : found.start()], found[1].partition("*")[0]
        if between.strip() or name.lower() != charset.lower() or not place:
            kept.append(decoded(run, charset))
            # Blanks between two encoded words do not count (RFC 2047 6.2).
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


def own_attachment_parts(payload: Part) -> Iterator[Part]:
    """Yield the parts that are files, in order, but not the files of attached mails."""
    waiting = [(payload, 0)]
    while waiting:
        part, depth = waiting.pop(0)
        if is_attachment(part):
            yield part
        elif depth < DEEPEST:
            waiting[:0] = [(child, depth + 1) for child in part.get("parts") or []]


def attachment_parts(payload: Part) -> Iterator[Part]:
    """Yield the parts that are files, in order, each followed by the files within it, if it was opened."""
    waiting = [*own_attachment_parts(payload)]
    while waiting:
        part = waiting.pop(0)
        if not part.get("is_made"):
            yield part
        waiting[:0] = [file for child in part.get("parts") or [] for file in own_attachment_parts(child)]


def all_parts(payload: Part) -> Iterator[Part]:
    """Yield every part that has content, texts as well, in order: an opened one before what lies in it."""
    waiting = [payload]
    while waiting:
        part = waiting.pop(0)
        if part.get("closed"):
            yield part["closed"]
        elif _has_content(part):
            yield part
        waiting[:0] = part.get("parts") or []


def _has_content(part: Part) -> bool:
    if part.get("is_made"):
        return False
    if media_type(part).startswith("multipart/"):  # without parts, it may be a text
        return not part.get("parts") and bool((part.get("body") or {}).get("size"))
    return True


def described(part: Part) -> dict[str, Any]:
    """Describe any part: {id, name, media_type, bytes, inline}; the texts of the mail itself are inline."""
    is_file = is_attachment(part)
    kind = media_type(part) or ("" if is_file else "text/plain")
    return {**attachment({**part, "mimeType": kind}), "inline": bool(part.get("inline")) or not is_file}


def attachment(part: Part) -> dict[str, Any]:
    """Describe a file: {id, name, media_type, bytes, inline}."""
    body = part.get("body") or {}
    return {
        "id": attachment_id(part),
        "name": name_of(part),
        "media_type": media_type(part) or "application/octet-stream",
        "bytes": int(body.get("size") or 0),
        "inline": bool(part.get("inline")),
    }


def name_of(part: Part) -> str:
    """Return the name of a file: its own, or one from its subject, its description or its type."""
    kind = media_type(part)
    name = shown(str(part.get("filename") or "")) or (_subject_of(part) if kind in MAILS else "")
    described = shown(header(part, "Content-Description")).replace("/", "_").replace("\\", "_")
    usual = _NAMES.get(kind, "")
    ending = usual[usual.rfind(".") :] if usual else _ENDINGS.get(kind, _TYPES.guess_extension(kind) or "")
    if not name and described:
        name = described if _HAS_ENDING.search(described) else f"{described}{ending}"
    return cut_to_line(name, _NAME_MOST) or usual or _usual_name(kind, ending)


def _subject_of(part: Part) -> str:
    """Return the subject of an opened attached mail, as a file name."""
    inner: Part = next(iter(part.get("parts") or []), {})
    subject = shown(header(inner, "Subject")).replace("/", "_").replace("\\", "_")
    return f"{cut_to_line(subject, _NAME_MOST)}.eml" if subject else ""


def _usual_name(kind: str, ending: str) -> str:
    main = kind.partition("/")[0]
    return f"{main if main in ('image', 'audio', 'video', 'text') else 'file'}{ending}" if ending else "unnamed"


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
