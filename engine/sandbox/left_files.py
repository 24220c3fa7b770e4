"""What a command leaves in its folder, on its way out of the sandbox: names and bytes of plain files, and nothing else.

Each file is the length of its name, the length of its content, the name and the content; two zeros end the list
(inside/leaving.py writes it). What comes out is a stranger's: it is read in one pass, and nothing is taken that is
longer than what is there.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from msgspec import Struct

_HEAD = struct.Struct(">IQ")
_NAME_BYTES_MOST = 4096
"""PATH_MAX of Linux."""
_AROUND = {"", ".", ".."}


class TooManyFiles(ValueError):
    """There are more files than may be left, or more bytes."""


class LeftFile(Struct, frozen=True):
    """A file that a command left in its folder."""

    path: str
    """The path within the folder, with slashes; without `..`."""
    content: bytes


def read(left: bytes, *, most: int, bytes_most: int) -> Iterator[LeftFile]:
    """Yield the files, at most so many with so many bytes in all. Raises TooManyFiles, or ValueError if damaged."""
    at = count = size = 0
    while True:
        name_bytes, content_bytes = _head(left, at)
        at += _HEAD.size
        if not name_bytes:
            break
        count, size = count + 1, size + content_bytes
        if count > most or size > bytes_most:
            raise TooManyFiles(f"more than {most:,} files, or {bytes_most:,} bytes")
        end = at + name_bytes
        if name_bytes > _NAME_BYTES_MOST or end + content_bytes > len(left):
            raise ValueError("it ends within a file")
        yield LeftFile(_path(left[at:end]), left[end : end + content_bytes])
        at = end + content_bytes
    if at != len(left):
        raise ValueError("something follows its end")


def _head(left: bytes, at: int) -> tuple[int, int]:
    if at + _HEAD.size > len(left):
        raise ValueError("it has no end")
    name_bytes, content_bytes = _HEAD.unpack_from(left, at)
    return name_bytes, content_bytes


def _path(name: bytes) -> str:
    # A name on Linux may have bytes that are not UTF-8.
    if b"\0" in name or not _AROUND.isdisjoint(name.decode("utf-8", "surrogateescape").split("/")):
        raise ValueError("a name leads out of its folder")
    return name.decode("utf-8", "surrogateescape")
