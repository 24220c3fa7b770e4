"""Opens the containers of S/MIME (RFC 5652, in DER or BER) as far as that needs no key."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

Kind = Literal["signed", "compressed", "encrypted", "unknown"]
# Object identifiers in DER, below 1.2.840.113549.1.7 (RFC 5652) and 1.2.840.113549.1.9.16.1.
_KINDS: dict[bytes, Kind] = {
    bytes.fromhex("2a864886f70d010702"): "signed",
    bytes.fromhex("2a864886f70d010703"): "encrypted",
    bytes.fromhex("2a864886f70d010706"): "encrypted",
    bytes.fromhex("2a864886f70d0109100117"): "encrypted",  # with a checksum (RFC 5083)
    bytes.fromhex("2a864886f70d0109100109"): "compressed",  # RFC 3274
}
_SEQUENCE, _EXPLICIT, _OBJECT = 0x30, 0xA0, 0x06
_IS_MADE_OF_OTHERS = 0x20
_UNPACKED_MOST = 50 * 1024 * 1024
_GROWTH_MOST = 200
_SMALL = 256 * 1024
"""Content up to this size may have grown by any factor."""
_ELEMENTS_MOST = 1_000_000


class CmsContent(Struct, frozen=True):
    """A container's kind and content; `content` is empty if it takes a key, or has only certificates."""

    kind: Kind
    content: bytes = b""
    is_cut: bool = False
    """Whether more is compressed than is unpacked."""


class _Element(Struct, frozen=True):
    tag: int
    begin: int
    """Where its content begins."""
    end: int
    """Where its content ends; -1 if only its last byte tells (X.690 8.1.3.6)."""


def opened_cms(data: bytes, unpacked_most: int = _UNPACKED_MOST) -> CmsContent:
    """Open a container; anything else is unknown. Data that were cut are read as far as they go.

    Takes steps in proportion to the size of the data. Of compressed content at most `unpacked_most` bytes are unpacked,
    and no more than 200 times as many as there are.
    """
    whole = next(_elements(data, 0, len(data)), None)
    if whole is None or whole.tag != _SEQUENCE:
        return CmsContent("unknown")
    named: _Element | None = None
    kind: Kind | None = None
    for element in _elements(data, whole.begin, whole.end):
        if element.tag == _OBJECT:
            kind = _KINDS.get(data[element.begin : element.end])
        elif element.tag == _EXPLICIT and kind is not None:
            named = next(_elements(data, element.begin, element.end), None)
            break
    if kind is None:
        return CmsContent("unknown")
    if kind == "encrypted" or named is None:
        return CmsContent(kind)
    content = _content(data, named)
    if kind != "compressed":
        return CmsContent(kind, content)
    most = min(unpacked_most, max(len(content) * _GROWTH_MOST, _SMALL))
    unpacked = _unpacked(content, most + 1)
    return CmsContent(kind, unpacked[:most], len(unpacked) > most)


def _content(data: bytes, container: _Element) -> bytes:
    """Return the octets of the first member that has an object identifier and explicit content."""
    for member in _elements(data, container.begin, container.end):
        if member.tag != _SEQUENCE:
            continue
        for part in _elements(data, member.begin, member.end):
            if part.tag == _EXPLICIT:
                return _octets(data, part)
    return b""


def _octets(data: bytes, element: _Element) -> bytes:
    """Return the octets of a string that may be written in nested pieces."""
    kept, place, ends = [], element.begin, [element.end]
    for _ in range(_ELEMENTS_MOST):
        while ends and ends[-1] >= 0 and place >= ends[-1]:
            ends.pop()
        found = _element(data, place) if ends else None
        if found is None:
            break
        place = found.begin
        if found.tag == 0 and ends[-1] < 0:
            ends.pop()
        elif found.tag & _IS_MADE_OF_OTHERS:
            ends.append(found.end)
        else:
            kept.append(data[found.begin : found.end])
            place = found.end
    return b"".join(kept)


def _unpacked(content: bytes, most: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(content, most)
    except zlib.error:
        return b""


def _elements(data: bytes, place: int, end: int) -> Iterator[_Element]:
    """Yield the elements at these offsets; with an `end` of -1, up to the mark of an end."""
    limit = len(data) if end < 0 else end
    while place < limit:
        found = _element(data, place)
        if found is None or (found.tag == 0 and end < 0):
            return
        yield found
        place = found.end if found.end >= 0 else _end(data, found.begin, limit)


def _end(data: bytes, place: int, limit: int) -> int:
    """Return where an element of unknown length ends: at the end of its container at the latest."""
    depth = 1
    for _ in range(_ELEMENTS_MOST):
        found = _element(data, place) if place < limit else None
        if found is None:
            break
        depth += 1 if found.end < 0 else -1 if found.tag == 0 else 0
        place = found.begin if found.end < 0 else found.end
        if not depth:
            return place
    return limit


def _element(data: bytes, place: int) -> _Element | None:
    """Return the element that begins there (X.690 8.1), None where the data end."""
    if place + 2 > len(data):
        return None
    tag, length = data[place], data[place + 1]
    begin = place + 2
    if length == 0x80:
        return _Element(tag, begin, -1)
    if length > 0x80:
        begin += length - 0x80
        length = int.from_bytes(data[place + 2 : begin])
    return _Element(tag, begin, begin + length)
