"""Inside the sandbox: sends the files that a command leaves, for left_files.py outside to read."""

from __future__ import annotations

import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:  # imports here are paid for at each start
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

_PIECE = 1024 * 1024
# Since it was listed, a file may have become a link, which is not followed, or a pipe, for which nobody waits.
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def head(name_bytes: int, content_bytes: int) -> bytes:
    """Return what stands before a file; two zeros end the list."""
    return name_bytes.to_bytes(4, "big") + content_bytes.to_bytes(8, "big")


def write(places: Sequence[str], to: BinaryIO) -> int:
    """Write the plain files among these files and folders, return how many bytes these are with their names.

    Raises OSError for one that cannot be read.
    """
    size = 0
    for path in _paths(places):
        handle = os.open(path, _OPEN)
        with os.fdopen(handle, "rb") as file:
            facts, name = os.fstat(handle), os.fsencode(os.path.normpath(path))
            if not stat.S_ISREG(facts.st_mode):
                continue
            size += to.write(head(len(name), facts.st_size) + name) + facts.st_size
            free = facts.st_size
            while free and (piece := file.read(min(free, _PIECE))):
                to.write(piece)
                free -= len(piece)
            if free:
                raise OSError(0, "became shorter while it was read", path)
    return size + to.write(head(0, 0))


def _paths(places: Sequence[str]) -> Iterator[str]:
    """Yield the plain files, without recursion: a folder may nest thousands of others."""
    waiting = [one for one in places if os.path.lexists(one)]
    while waiting:
        path = waiting.pop()
        kind = os.lstat(path).st_mode
        if stat.S_ISREG(kind):
            yield path
        elif stat.S_ISDIR(kind):
            waiting += [os.path.join(path, one) for one in os.listdir(path)]  # noqa: PTH118, PTH208 - no pathlib here
