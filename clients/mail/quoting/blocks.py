"""Finds where another mail begins within a text: the header above it, and the lines that announce it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile

from clients.mail.quoting.envelope import ADDRESS, people_in
from clients.mail.quoting.words import (
    ABOVE_MARKS,
    DATE,
    FORWARD_MARKS,
    FROM,
    ORIGINAL_MARKS,
    REPLY_MARKS,
    ROLES,
    SENT,
    SUBJECT,
    TO,
    folded,
)

_LABEL = re.compile(r"[\s*_|]{0,6}([^\s*_|:：<>@\d][^:：<>@*|]{0,30}?)[\s*_|]{0,4}[:：][\s*_|]{0,4}(.*)")
_DASH = r"\-_=*~\u2010-\u2015"
_DECORATED = re.compile(rf"\W{{0,2}}[{_DASH}]{{2,}}\s*([^\s{_DASH}].{{0,90}}?)\s*[{_DASH}]{{2,}}(.*)")
_ANNOUNCES = re.compile(r"\W{0,3}([^:：]{4,60}?)\s*[:：]\W{0,3}")
_WIDE = re.compile(rf"[{_DASH}]{{5}}.*[{_DASH}]{{5}}")
_ANY_LABEL = re.compile(r"[\s*_]{0,4}[^\W\d][^:：<>@]{0,30}[:：][\s*_]{0,4}\S")
_YEAR = re.compile(r"(?<!\d)\d{4}(?!\d)")
_TIME = re.compile(r"\d{1,2}[:.時시点]\s?\d{2}")
_LABEL_MOST = 50
_REQUEST_LEAST, _REQUEST_MOST = 6, 120
_RULED = re.compile(rf"\W{{0,2}}[{_DASH}#]{{2}}")
_LOOKED_AT = 16
_CONTINUED = 6
"""Lines of a wrapped list of recipients."""


def label(line: str) -> tuple[str, str]:
    """Return the role of a header's line, and its value; ("", "") for any other line."""
    begin = line[:_LABEL_MOST]
    found = _LABEL.match(line[:1000]) if ":" in begin or "：" in begin else None
    role = ROLES.get(folded(found[1])) if found else None
    return (role, found[2].strip()) if role and found else ("", "")


def header_at(lines: Sequence[str], place: int) -> Mapping[str, str]:
    """Return the header that begins in a line, {role: value} in its order; {} if no header does."""
    found: dict[str, str] = {}
    continued, is_after_blank = 0, False
    for line in lines[place : place + _LOOKED_AT]:
        role, value = label(line)
        # A second sender begins the header of another mail.
        if role and not (role == FROM and FROM in found):
            found.setdefault(role, value)
        elif not found:
            return {}
        elif line.strip():
            continued += 1
            if role or is_after_blank or continued > _CONTINUED:
                break
        is_after_blank = not line.strip()
    return found


def is_of_mail(header: Mapping[str, str], *, is_in_answer: bool) -> bool:
    """Return whether a header belongs to a mail: an itinerary has `From` and `To` as well, but no addresses.

    Programs that show names without addresses write a word for "sent"; `is_in_answer`: a mail is expected here.
    """
    if FROM not in header or len(header) < 3 or next(iter(header)) not in (FROM, SENT):
        return False
    if any(ADDRESS.search(header.get(role, "")) for role in (FROM, TO)):
        return bool({SENT, DATE, SUBJECT} & header.keys())
    if SENT in header:
        return is_in_answer or {TO, SUBJECT} <= header.keys()
    dated = list(header)[:2] == [FROM, DATE] and bool(_TIME.search(header[DATE]))
    return is_in_answer and dated and {TO, SUBJECT} <= header.keys()


def begins_like_header(lines: Sequence[str], place: int, known: frozenset[str]) -> bool:
    """Return whether a header begins in words of an unknown language: its sender is among those `known`."""
    first, *others = lines[place : place + 6]
    if not (known & people_in(first) and _ANY_LABEL.match(first)):
        return False
    below = list(takewhile(_ANY_LABEL.match, others))
    return len(below) >= 3 and any(_YEAR.search(line) and _TIME.search(line) for line in below)


def begins_like_notes(lines: Sequence[str], place: int) -> bool:
    """Return whether a header of Lotus Notes begins: a sender, below it a date, below it names without colons."""
    first, *others = lines[place : place + 12]
    moment, *below = [line for line in others if line.strip()] or [""]
    is_dated = ADDRESS.search(first) and _YEAR.search(moment[:40]) and _TIME.search(moment[:40])
    if not is_dated or first.rstrip().endswith((":", "：")):
        return False
    roles = [ROLES.get(folded(line.split()[0])) for line in [_TIME.split(moment, maxsplit=1)[1][3:] or "-", *below[:6]]]
    return TO in roles and SUBJECT in roles[roles.index(TO) :]


def asks_above(line: str) -> bool:
    """Return whether a line asks to answer above it, as help desks do: `##- Reply above this line -##`."""
    if not _REQUEST_LEAST <= len(line) <= _REQUEST_MOST:
        return False
    words = folded(line)
    if not any(mark in words for mark in ABOVE_MARKS):
        return False
    return bool(_RULED.match(line)) or any(mark in words for mark in REPLY_MARKS)


def announced(lines: Sequence[str], place: int) -> str:
    """Return "forwarded" or "original" for a line such as `----- Original Message -----`; "" for any other line."""
    line = lines[place].strip()
    found = _DECORATED.match(line[:300])
    if found:
        words = folded(f"{found[1]} {found[2]}" if len(found[2]) < 60 else found[1])
        if any(mark in words for mark in FORWARD_MARKS):
            return "forwarded"
        has_header = bool(label(found[2])[0]) or FROM in header_below(lines, place)
        is_wide = len(found[1].split()) <= 4 and bool(_WIDE.match(line))
        return "original" if (has_header or is_wide) and any(mark in words for mark in ORIGINAL_MARKS) else ""
    begins = _ANNOUNCES.fullmatch(line[:100]) if line.endswith((":", "：")) else None
    words = folded(begins[1]) if begins else ""
    if words and any(mark in words for mark in FORWARD_MARKS):
        following = next(_lines_below(lines, place), "")
        return "forwarded" if following.lstrip().startswith(">") or _ANY_LABEL.match(following) else ""
    return ""


def is_decorated(line: str) -> bool:
    """Return whether a line is nothing but words between dashes."""
    found = _DECORATED.match(line[:300])
    return bool(found and not found[2].strip())


def header_below(lines: Sequence[str], place: int) -> Mapping[str, str]:
    """Return the header below a line that announces a mail."""
    following = place + 1
    while following < min(len(lines), place + 4) and not lines[following].strip():
        following += 1
    return header_at(lines, following)


def _lines_below(lines: Sequence[str], place: int) -> Iterator[str]:
    return (line for line in lines[place + 1 : place + 5] if line.strip())
