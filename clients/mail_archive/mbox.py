"""The mails in a mailbox file (RFC 4155), found by their offsets: nothing but the mail at hand is in memory.

Programs differ in how they protect a line of a text that begins with "From ": mboxo and mboxrd put a `>` before it,
mboxcl2 gives the length of each mail in Content-Length instead. Thunderbird and Gmail Takeout write mboxrd.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import blake2s
from typing import Protocol

from msgspec import Struct

_BLOCK = 1024 * 1024
_LINE_MOST = 1000
_AHEAD = 2 * _LINE_MOST
"""Bytes behind a block that are read with it: a line that begins in the block, and the line after it."""
_HEADERS_MOST = 256 * 1024
_PRINTED = 4096
_FROM = b"\nFrom "
_TIME = re.compile(rb"\d\d?:\d\d")
_YEAR = re.compile(rb"\b(?:19|20)\d\d\b")
_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")
_LENGTH = re.compile(rb"^Content-Length:[ \t]*(\d{1,12})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_BODY = re.compile(rb"\n\r?\n")
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)
_QUOTED_FIELD = re.compile(rb"^>(>*From [ \t]*:)", re.MULTILINE)
"""The sender of a mail, with a blank before the colon (RFC 5322 4.5), as it is protected, too."""
_BLANK = re.compile(rb"(?:\xef\xbb\xbf)?(?:[ \t]*\r?\n)*")
_IN_PLACE = re.compile(rb"^(X-Mozilla-(?:Status2?|Keys)|(?:X-)?Status):([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
"""Headers in which mail programs note what becomes of a mail, in the file itself."""


class Readable(Protocol):
    """A file, or an entry of a zip archive."""

    @property
    def size(self) -> int:
        """Its bytes."""

    def pread(self, count: int, offset: int) -> bytes:
        """Return so many bytes from there, fewer only at the end."""


class MailSpan(Struct, frozen=True):
    """Where a mail is: `begin` at the line that opens it, `content` behind that line; `end` is the next mail's."""

    begin: int
    content: int
    end: int
    is_last: bool
    """Whether the file ends with it: then more of it may be about to be written."""
    is_measured: bool
    """Whether its Content-Length has said where it ends."""


def is_mailbox(head: bytes) -> bool:
    """Return whether a file that begins so is a mailbox."""
    return _is_opening(head, _first(head))


def spans(file: Readable, begin: int = 0) -> Iterator[MailSpan]:
    """Yield the mails from an offset on, which must be that of the line that opens one, or of empty lines before it.

    Content-Length counts only in files whose first mail has one that is true: elsewhere, a stranger has written it, and
    could hide the mails that follow.
    """
    is_measured = bool(_measured(file, _opening_at(file, 0)))
    place = _opening_at(file, begin)
    while place is not None:
        content = place + _line_at(file, place)
        end = _measured(file, place) if is_measured else None
        following = _next(file, max(content - 1, place + 1)) if end is None else _opening_at(file, end)
        yield MailSpan(
            place, content, file.size if following is None else following, following is None, end is not None
        )
        place = following


def begins_at(file: Readable, offset: int) -> bool:
    """Return whether a mail begins at an offset, or behind empty lines there, or nothing follows."""
    return offset >= file.size or _opening_at(file, offset) is not None


def next_after(file: Readable, offset: int) -> int:
    """Return where the first mail behind an offset begins, or where the file ends."""
    found = _next(file, offset)
    return file.size if found is None else found


def fingerprint(file: Readable, offset: int) -> str:
    """Return a digest of what lies before an offset: its first and its last bytes, without what programs note there."""
    parts = (file.pread(min(_PRINTED, offset), 0), file.pread(min(_PRINTED, offset), max(offset - _PRINTED, 0)))
    found = blake2s(str(offset).encode(), digest_size=12)
    for part in parts:
        found.update(_IN_PLACE.sub(rb"\1:", part))
    return found.hexdigest()


def key_of(written: bytes) -> str:
    """Return what tells this mail, as it is in the file, from all others, wherever it is and whoever has read it."""
    body = _BODY.search(written)
    head = written[: body.end() if body else len(written)]
    found = blake2s(b"".join(_IN_PLACE.sub(b"", head).split()), digest_size=12)
    found.update(written[len(head) :].rstrip())
    return found.hexdigest()


def mail_of(written: bytes, span: MailSpan) -> bytes:
    """Return the mail itself, with the lines as its sender wrote them."""
    body = _BODY.search(written)
    if body is None or b">From " not in written:
        return written
    head, text = _QUOTED_FIELD.sub(rb"\1", written[: body.end()]), written[body.end() :]
    if span.is_measured and any(_is_opening(text, one.start() + 1) for one in re.finditer(_FROM, text)):
        return written  # mboxcl2: nothing is protected
    return head + _QUOTED.sub(rb"\1", text)


def _first(head: bytes) -> int:
    found = _BLANK.match(head)
    return found.end() if found else 0


def _opening_at(file: Readable, offset: int) -> int | None:
    """Return where the line is that opens a mail, at an offset or behind empty lines."""
    head = file.pread(_AHEAD, offset)
    first = _first(head)
    return offset + first if _is_opening(head, first) else None


def _is_opening(data: bytes, place: int) -> bool:
    """Return whether a line is the one that mailboxes put before a mail: From, an address, and a time."""
    if not data.startswith(b"From ", place):
        return False
    line = data[place : place + _LINE_MOST].partition(b"\n")[0]
    is_field = line[len(b"From ") :].lstrip().startswith(b":")
    return bool(_TIME.search(line) and _YEAR.search(line)) and not is_field


def _next(file: Readable, offset: int) -> int | None:
    """Return where the next mail begins whose line feed before it is at an offset or later."""
    place = offset
    while place < file.size:
        before = min(place, 2)
        data = file.pread(before + _BLOCK + _AHEAD, place - before)
        at = data.find(_FROM, before)
        while 0 <= at < before + _BLOCK:
            if _is_opening(data, at + 1) and _is_between(data, at):
                return place - before + at + 1
            at = data.find(_FROM, at + 1)
        place += _BLOCK
    return None


def _is_between(data: bytes, at: int) -> bool:
    """Return whether the line before is empty, as it should be, or at least a header follows."""
    if data[max(at - 1, 0) : at] == b"\n" or data[max(at - 2, 0) : at] == b"\n\r":
        return True
    return bool(_FIELD.match(data, data.find(b"\n", at + 1) + 1))


def _line_at(file: Readable, place: int) -> int:
    """Return the length of a line with its end."""
    head = file.pread(_LINE_MOST, place)
    return head.find(b"\n") + 1 or len(head)


def _measured(file: Readable, place: int | None) -> int | None:
    """Return where a mail ends by its Content-Length, if there is one and the next mail or the end is there."""
    if place is None:
        return None
    head = file.pread(_HEADERS_MOST, place)
    body = _BODY.search(head)
    length = _LENGTH.search(head, 0, body.end()) if body else None
    if body is None or length is None:
        return None
    end = place + body.end() + int(length[1])
    return end if end <= file.size and _is_end(file, end) else None


def _is_end(file: Readable, end: int) -> bool:
    rest = file.pread(_AHEAD, end)
    return not rest.strip() or _is_opening(rest, _first(rest))
