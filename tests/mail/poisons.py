"""Mails that break readers: each kind of harm that one sender can do to a whole mailbox."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

_MIXED = b"Subject: Poison\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"
_TEXT = b"Subject: Poison\r\nContent-Type: text/plain; charset="
_HTML = b"Subject: Poison\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"


def _nested(levels: int) -> bytes:
    head = b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n"
    return b"Subject: Poison\r\n" + b"".join(head % (level, level) for level in range(levels)) + b"\r\ndeep"


POISONS: Mapping[str, Callable[[], bytes]] = {
    "a letter over 127 in a disposition": lambda: (
        _MIXED + b'--x\r\nContent-Disposition: attachment; filename="\xdc.pdf"\r\n\r\nx\r\n--x--'
    ),
    "a letter over 127 in a media type": lambda: (
        _MIXED + b'--x\r\nContent-Type: application/pdf; name="\xc3\x9c.pdf"\r\n\r\nx\r\n--x--'
    ),
    "a letter over 127 in a boundary": lambda: (
        b'Subject: Poison\r\nContent-Type: multipart/mixed; boundary="\xdc"\r\n\r\n--\xdc\r\n\r\nhello\r\n--\xdc--'
    ),
    "byte soup": lambda: b"Subject: Poison\r\n" + random.Random(7).randbytes(50_000).replace(b"\0", b"\1"),
    "byte soup as parts": lambda: (
        _MIXED + b"--x\r\n" + random.Random(8).randbytes(20_000).replace(b"\0", b"\1") + b"\r\n--x--"
    ),
    "50,000 parts": lambda: _MIXED + b"--x\r\n\r\nhello\r\n" * 50_000,
    "1,000 levels of parts": lambda: _nested(1000),
    "a header without an end": lambda: b"Subject: Poison\r\nX: " + b"y" * 3_000_000,
    "200,000 headers": lambda: b"Subject: Poison\r\n" + b"X-A: b\r\n" * 200_000 + b"\r\nhello",
    "a charset that nobody knows": lambda: _TEXT + b"x-nobody\r\n\r\ncaf\xe9",
    "a charset that is a codec": lambda: _TEXT + b"hex\r\n\r\ncaf\xe9",
    "a charset of NUL": lambda: _TEXT + b"a%00b\r\n\r\ncaf\xe9",
    "a charset of lone surrogates": lambda: _TEXT + b"utf-16\r\n\r\n\x00\xd8\x00\xd8x",
    "encoded words that are broken": lambda: b"Subject: Poison =?utf-8?b?////?= =?x?q?=ZZ?= =?utf-8?b?a?=\r\n\r\nx",
    "parameters in pieces that do not fit": lambda: (
        b"Subject: Poison\r\nContent-Type: text/plain; name*0*=x''%ff; name*9=\"; name*999=z; charset*=''%\r\n\r\nx"
    ),
    "a date beyond all years": lambda: b"Subject: Poison\r\nDate: Mon, 1 Jan 99999 00:00:00 +9999\r\n\r\nx",
    "50,000 elements within each other": lambda: _HTML + b"<div>" * 50_000 + b"x",
    "declarations that are none": lambda: _HTML + b"<![if" * 1000 + b"<!ODD [" * 1000 + b"hello",
    "mails within mails": lambda: b"Subject: Poison\r\n" + b"Content-Type: message/rfc822\r\n\r\n" * 2000 + b"x",
}
"""Real mails; each has a subject that begins with "Poison"."""

EXCEPTIONS: tuple[type[Exception], ...] = (
    TypeError,
    ValueError,
    LookupError,
    RecursionError,
    MemoryError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    RuntimeError,
    NotImplementedError,
    OSError,
    UnicodeError,
    StopIteration,
)
"""What code that reads mails may raise for a mail that nobody has thought of."""
