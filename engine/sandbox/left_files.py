"""What a command leaves in its folder, on its way out of the sandbox: names and bytes of plain files, and nothing else.

Each file is the length of its name, the length of its content, the name and the content; two zeros end the list. What
comes out is a stranger's: it is read in one pass, and nothing is taken that is longer than what is there.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_HEAD = struct.Struct(">IQ")
_NAME_BYTES_MOST = 4096
"""PATH_MAX of Linux."""
_PIECE = 1024 * 1024
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_AROUND = {"", ".", ".."}


class TooMuch(ValueError):
    """There are more files than may be left, or more bytes."""


@dataclass(frozen=True)
class LeftFile:
    """A file that a command left in its folder."""

    path: str
    """From the folder on, with slashes; without `..`."""
    content: bytes


def write(places: Sequence[str], to: BinaryIO) -> None:
    """Write the plain files among these files and folders. Raises OSError for one that cannot be read."""
    for path in _paths(places):
        handle = os.open(path, _OPEN)
        with os.fdopen(handle, "rb") as file:
            facts, name = os.fstat(handle), os.fsencode(os.path.normpath(path))
            if not stat.S_ISREG(facts.st_mode):
                continue
            to.write(_HEAD.pack(len(name), facts.st_size) + name)
            free = facts.st_size
            while free and (piece := file.read(min(free, _PIECE))):
                to.write(piece)
                free -= len(piece)
            if free:
                raise OSError(0, "became shorter while it was read", path)
    to.write(_HEAD.pack(0, 0))


def _paths(places: Sequence[str]) -> Iterator[str]:
    """Yield the plain files, without recursion: a folder may nest thousands of others."""
    waiting = [one for one in places if os.path.lexists(one)]
    while waiting:
        path = waiting.pop()
        kind = os.lstat(path).st_mode
        if stat.S_ISREG(kind):
            yield path
        elif stat.S_ISDIR(kind):
            waiting += map(str, Path(path).iterdir())


def read(left: bytes, *, most: int, bytes_most: int) -> Iterator[LeftFile]:
    """Yield the files, at most so many with so many bytes in all. Raises TooMuch, or ValueError if it is damaged."""
    at = count = size = 0
    while True:
        name_bytes, content_bytes = _head(left, at)
        at += _HEAD.size
        if not name_bytes:
            break
        count, size = count + 1, size + content_bytes
        if count > most or size > bytes_most:
            raise TooMuch(f"more than {most:,} files, or {bytes_most:,} bytes")
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
    if b"\0" in name or not _AROUND.isdisjoint(name.decode("utf-8", "surrogateescape").split("/")):
        raise ValueError("a name leads out of its folder")
    return name.decode("utf-8", "surrogateescape")
