"""OneDrive's hash of a file's content, quickXorHash.

https://learn.microsoft.com/onedrive/developer/code-snippets/quickxorhash
"""

from __future__ import annotations

import base64
from pathlib import Path

_BITS, _SHIFT = 160, 11
_FOLDED_BYTES = _BITS * 4096
"""Byte i is rotated by 11 × i bits of 160, so bytes that are 160 apart fall on the same place: they are folded first,
many at once."""


def quick_xor(source: Path) -> str:
    """Return the hash in base64: each byte, rotated by 11 bits more than the one before, and the length at the end."""
    folded, size = 0, 0
    with source.open("rb") as file:
        while chunk := file.read(_FOLDED_BYTES):
            folded ^= int.from_bytes(chunk, "little")
            size += len(chunk)
    cells = bytearray(_BITS)
    bytes_of = folded.to_bytes(_FOLDED_BYTES, "little")
    for start in range(0, _FOLDED_BYTES, _BITS):
        cells[:] = (int.from_bytes(cells) ^ int.from_bytes(bytes_of[start : start + _BITS])).to_bytes(_BITS)
    found = 0
    for place, cell in enumerate(cells):
        moved = cell << (place * _SHIFT % _BITS)
        found ^= (moved & ((1 << _BITS) - 1)) | (moved >> _BITS)
    found ^= size << (_BITS - 64)
    return base64.b64encode(found.to_bytes(_BITS // 8, "little")).decode()
