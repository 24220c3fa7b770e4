"""Parses IMAP answers that imaplib returns unparsed: FETCH and LIST (RFC 3501 7)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from clients.mail.charsets import folder_name

_UID = re.compile(rb"\bUID (\d+)")
_FLAGS = re.compile(rb"\bFLAGS \(([^)]*)\)")
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)")
_DATE = re.compile(rb'\bINTERNALDATE "? *(\d{1,2}-[A-Za-z]{3}-\d{4} [\d:]{8} [+-]\d{4})')
_UNDATED = datetime(1970, 1, 2, tzinfo=UTC)
"""Servers that do not know when a mail arrived say year 1, or the beginning of 1970."""
_QUOTED = re.compile(rb'\bBODY\[[^\]]*\](?:<\d+>)? "((?:[^"\\]|\\.)*)"')
_LISTED = re.compile(rb'\((?P<flags>[^)]*)\) (?P<delimiter>NIL|"(?:[^"\\]|\\.)*"|[^ "]) (?P<name>.*)', re.DOTALL)


class FetchedMail(Struct, frozen=True):
    """One mail of a FETCH answer; `content` is None if it was not requested."""

    uid: int
    flags: tuple[str, ...]
    size: int
    arrived_at: datetime | None
    content: bytes | None
    refusal: str = ""
    """Why the server did not return the requested content."""
    is_beginning: bool = False
    """Whether `content` is only the beginning of the mail. Its `size` does not tell: some servers only estimate it."""


def fetched(data: Sequence[Any], *, has_content: bool) -> Iterator[FetchedMail]:
    """Parse a FETCH answer in imaplib's form: a literal as (preceding bytes, its bytes), everything else as bytes.

    A server may tell of a mail in several answers, and of other mails' flags at any time (RFC 3501 7).
    """
    told: dict[int, dict[str, Any]] = {}
    for head, content in _answers(data):
        # Without the quoted content, in which a mail could name the UID of another one.
        uid = _UID.search(_QUOTED.sub(b"", head))
        if uid is not None:
            told.setdefault(int(uid[1]), {}).update(_values(head, content))
    for number, values in told.items():
        content = values.get("content") if has_content else None
        if content is not None or not has_content:
            size = values.get("size", len(content or b""))
            yield FetchedMail(number, values.get("flags", ()), size, values.get("arrived_at"), content)


def _answers(data: Sequence[Any]) -> Iterator[tuple[bytes, bytes | None]]:
    """Yield the answer about each mail, and the literal in it."""
    head, content = b"", None
    for part in data:
        text, literal = part if isinstance(part, tuple) else (part or b"", None)
        if re.match(rb"\d+ \(", text) and head:
            yield head, content
            head, content = b"", None
        head += b" " + text
        content = literal if literal is not None else content
    yield head, content


def _values(head: bytes, content: bytes | None) -> Iterator[tuple[str, Any]]:
    """Yield the facts about a mail in one answer: name and value."""
    quoted = _QUOTED.search(head)
    if content is not None:
        yield "content", content
    elif quoted is not None:
        yield "content", re.sub(rb"\\(.)", rb"\1", quoted[1])
    head = _QUOTED.sub(b"", head)
    size, flags = _SIZE.search(head), _FLAGS.search(head)
    if size is not None:
        yield "size", int(size[1])
    if flags is not None:
        yield "flags", tuple(flags[1].decode("ascii", "replace").split())
    if (arrived_at := _arrived(_DATE.search(head))) is not None:
        yield "arrived_at", arrived_at


def _arrived(found: re.Match[bytes] | None) -> datetime | None:
    if found is None:
        return None
    try:
        arrived_at = datetime.strptime(found[1].decode("ascii"), "%d-%b-%Y %H:%M:%S %z").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return arrived_at if arrived_at >= _UNDATED else None


class ListedFolder(Struct, frozen=True):
    """One line of a LIST answer."""

    name: str
    delimiter: str
    flags: tuple[str, ...]
    written: bytes
    """The name as the server writes it."""


def listed_folder(part: Any) -> ListedFolder | None:
    """Parse one line of a LIST answer; a name may be quoted, bare or a literal."""
    text, literal = part if isinstance(part, tuple) else (part or b"", None)
    found = _LISTED.match(text)
    if found is None:
        return None
    name = literal if literal is not None else found["name"].strip()
    if literal is None and name.startswith(b'"'):
        name = re.sub(rb"\\(.)", rb"\1", name[1:-1])
    delimiter = "" if found["delimiter"] == b"NIL" else found["delimiter"].strip(b'"').decode("ascii", "replace")[-1:]
    return ListedFolder(folder_name(name), delimiter, tuple(found["flags"].decode("ascii", "replace").split()), name)
