"""Parses IMAP answers that imaplib returns unparsed: FETCH and LIST (RFC 3501 7)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

_UID = re.compile(rb"\bUID (\d+)")
_FLAGS = re.compile(rb"\bFLAGS \(([^)]*)\)")
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)")
_DATE = re.compile(rb'\bINTERNALDATE "([^"]+)"')
_QUOTED = re.compile(rb'\bBODY\[[^\]]*\](?:<\d+>)? "((?:[^"\\]|\\.)*)"')
_LISTED = re.compile(rb'\((?P<flags>[^)]*)\) (?P<delimiter>NIL|"[^"]*") (?P<name>.*)', re.DOTALL)


class FetchedMail(Struct, frozen=True):
    """One mail of a FETCH answer; `content` is None if none was requested."""

    uid: int
    flags: tuple[str, ...]
    size: int
    arrived_at: datetime | None
    content: bytes | None
    refusal: str = ""
    """Why the server did not return the requested content."""


def fetched(data: Sequence[Any], *, has_content: bool) -> Iterator[FetchedMail]:
    """Parse a FETCH answer in imaplib's form: a literal as (preceding bytes, its bytes), everything else as bytes."""
    head, content = b"", None
    for part in data:
        text, literal = part if isinstance(part, tuple) else (part or b"", None)
        if re.match(rb"\d+ \(", text) and head:
            yield from _one(head, content, has_content=has_content)
            head, content = b"", None
        head += b" " + text
        content = literal if literal is not None else content
    yield from _one(head, content, has_content=has_content)


def _one(head: bytes, content: bytes | None, *, has_content: bool) -> Iterator[FetchedMail]:
    uid, size, flags = _UID.search(head), _SIZE.search(head), _FLAGS.search(head)
    if content is None and has_content:
        quoted = _QUOTED.search(head)
        content = re.sub(rb"\\(.)", rb"\1", quoted[1]) if quoted else None
    if uid is None or (has_content and content is None):
        return  # an unsolicited change of another mail's flags, which a server may send at any time
    yield FetchedMail(
        int(uid[1]),
        tuple(flags[1].decode("ascii", "replace").split()) if flags else (),
        int(size[1]) if size else len(content or b""),
        _arrived(_DATE.search(head)),
        content,
    )


def _arrived(found: re.Match[bytes] | None) -> datetime | None:
    if found is None:
        return None
    try:
        return datetime.strptime(found[1].decode("ascii").strip(), "%d-%b-%Y %H:%M:%S %z").astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def listed_folder(part: Any) -> tuple[str, str, tuple[str, ...]] | None:
    """Parse one line of a LIST answer; a name may be quoted, bare or a literal."""
    from imap_tools.imap_utf7 import utf7_decode

    text, literal = part if isinstance(part, tuple) else (part or b"", None)
    found = _LISTED.match(text)
    if found is None:
        return None
    name = literal if literal is not None else found["name"]
    if literal is None and name.startswith(b'"'):
        name = re.sub(rb"\\(.)", rb"\1", name.strip()[1:-1])
    delimiter = "" if found["delimiter"] == b"NIL" else found["delimiter"].strip(b'"').decode("ascii", "replace")[-1:]
    return utf7_decode(name), delimiter, tuple(found["flags"].decode("ascii", "replace").split())
