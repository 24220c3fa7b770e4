"""Parses `Content-Type` and `Content-Disposition`, however they are written (RFC 2045 5.1, RFC 2231)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import groupby
from operator import itemgetter
from urllib.parse import unquote_to_bytes

from clients.mail.charsets import decoded

_READ_MOST = 4000
"""Characters of such a header that are read."""
_VALUE = re.compile(r"[^\s;,()\"]*")
_PARAMETER = re.compile(r';\s*([^\s=;"*]+)(\*\d{1,3})?(\*)?\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^;]*))', re.DOTALL)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_COMMENT = re.compile(r"\([^()]*\)\s*\Z")
_MEDIA_TYPE = re.compile(r"[^\s/]+/[^\s/]+")


def first_word(value: str) -> str:
    """Return the value before the parameters, in lower case: `multipart/mixed`, `attachment`."""
    found = _VALUE.match(value[:_READ_MOST].lstrip())
    return found[0].lower() if found else ""


def media_type_of(value: str) -> str:
    """Return the media type of a `Content-Type`, `text/plain` if it has none (RFC 2045 5.2)."""
    found = first_word(value)
    return found if _MEDIA_TYPE.fullmatch(found) else "text/plain"


def parameters(value: str) -> Mapping[str, str]:
    """Return the parameters by lower-case name; for a duplicate, the RFC 2231 form wins, otherwise the first.

    Continuations are joined, and values with their own charset are decoded.
    """
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for found in _PARAMETER.finditer(value[:_READ_MOST]):
        name, number, is_encoded = found[1].lower(), found[2], bool(found[3])
        text = _COMMENT.sub("", found[5]).strip() if found[4] is None else _QUOTED_PAIR.sub(r"\1", found[4])
        if number is None and not is_encoded:
            plain.setdefault(name, text)
        else:
            pieces.setdefault(name, {}).setdefault(int(number[1:]) if number else 0, (text, is_encoded))
    return plain | {name: _joined([found[number] for number in sorted(found)]) for name, found in pieces.items()}


def _joined(pieces: list[tuple[str, bool]]) -> str:
    """Join the pieces of a value; the first may name a charset and a language: `utf-8'en'%C3%BC`."""
    charset, first = "utf-8", pieces[0]
    if first[1] and first[0].count("'") >= 2:
        charset, _, text = first[0].split("'", 2)
        pieces = [(text, True), *pieces[1:]]
    # Some senders split inside "%C3": encoded pieces are joined first.
    runs = [(is_encoded, "".join(text for text, _ in run)) for is_encoded, run in groupby(pieces, itemgetter(1))]
    data = b"".join(unquote_to_bytes(text) if is_encoded else text.encode() for is_encoded, text in runs)
    return decoded(data, charset or "utf-8")
