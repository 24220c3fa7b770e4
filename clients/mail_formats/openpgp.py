"""Finds what OpenPGP has signed or encrypted within a text (RFC 9580 6.2 and 7)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

_BEGINS = b"-----BEGIN PGP "
_SIGNED, _MESSAGE = b"-----BEGIN PGP SIGNED MESSAGE-----", b"-----BEGIN PGP MESSAGE-----"
_SIGNATURE, _ENDS_SIGNATURE = b"\n-----BEGIN PGP SIGNATURE-----", b"\n-----END PGP SIGNATURE-----"
_ENDS_MESSAGE = b"\n-----END PGP MESSAGE-----"
_TRIED_MOST = 100
"""Beginnings that are looked at: each may have its end far away."""
_HEAD = re.compile(rb"[ \t]*\r?\n(?:[A-Za-z-]{1,30}: [^\r\n]{0,200}\r?\n){0,10}[ \t]*\r?\n")
"""The lines below the first one, and the empty one that ends them."""
_DATA = re.compile(
    rb"[ \t]*(?:\r?\n(?:Version|Comment|MessageID|Hash|Charset): [^\r\n]{0,200}){0,10}"
    rb"(?:\r?\n[A-Za-z0-9+/=]{0,100}[ \t]*)*\r?"
)
"""What is between the first and the last line of a signature: no words that somebody should read."""
_ESCAPED = re.compile(rb"^- ", re.MULTILINE)


class Armored(Struct, frozen=True):
    """A stretch of a text."""

    begins: int
    ends: int
    signed: bytes | None
    """The words that are signed; None if it is encrypted."""


def armored_in(text: bytes) -> Iterator[Armored]:
    """Yield what is signed or encrypted within a text, in order, but nothing that has no end."""
    place = 0
    for _ in range(_TRIED_MOST):
        place = text.find(_BEGINS, place)
        if place < 0:
            return
        found = _at(text, place)
        if found is not None:
            yield found
        place = found.ends if found else place + len(_BEGINS)


def begins_armored(text: bytes) -> str:
    """Return `MESSAGE` or `SIGNED MESSAGE` if a text begins with it, also without an end; else ""."""
    start = text[:1000].lstrip()
    return next((one[len(_BEGINS) : -5].decode() for one in (_SIGNED, _MESSAGE) if start.startswith(one)), "")


def _at(text: bytes, place: int) -> Armored | None:
    if text[text.rfind(b"\n", 0, place) + 1 : place].strip():  # not the beginning of a line
        return None
    if text.startswith(_MESSAGE, place):
        end = text.find(_ENDS_MESSAGE, place)
        return Armored(place, end + len(_ENDS_MESSAGE), None) if end >= 0 else None
    head = _HEAD.match(text, place + len(_SIGNED)) if text.startswith(_SIGNED, place) else None
    if head is None:
        return None
    signature = text.find(_SIGNATURE, head.end() - 1)
    end = text.find(_ENDS_SIGNATURE, signature) if signature >= 0 else -1
    if end < 0 or not _DATA.fullmatch(text, signature + len(_SIGNATURE), end):
        return None
    return Armored(place, end + len(_ENDS_SIGNATURE), _ESCAPED.sub(b"", text[head.end() : signature].rstrip(b"\r")))
