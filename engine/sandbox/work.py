"""Run a command of a person's in a child with a folder to write in, and take from there only plain files."""

from __future__ import annotations

import io
import json
import os
import tarfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from clients.errors import InvalidRequest, Unavailable
from engine.sandbox import child
from engine.sandbox.child import End, Left
from engine.sandbox.limits import Limits
from engine.sandbox.walls import Room, problem, walls

_CHILD = Path(__file__).with_name("work_child.py")
_HEADS = 2
"""What a tar adds to the bytes of files, at most, with many small files."""


@dataclass(frozen=True)
class LeftFile:
    """A file that a command left in its folder."""

    path: str
    """From the folder on, with slashes; without `..`."""
    content: bytes


def run(
    command: Sequence[str],
    limits: Limits,
    room: Room,
    *,
    content: bytes = b"",
    cancelled: threading.Event | None = None,
) -> End:
    """Run a command in the folder `/w`; `left` of its end is a tar of that folder (`files`). Blocking.

    It reads `content` from stdin. Raises Unavailable where bubblewrap does not work: there is no such folder then.
    """
    if walls() is None:
        raise Unavailable("Programs of the workspace cannot be run on this machine.", remedy=problem())
    read, write = os.pipe()
    request = {"command": list(command), "limits": asdict(limits), "left": write}
    try:
        left = Left(read, write, _HEADS * room.work_bytes)
        with child.turn:
            return child.ended(
                [str(_CHILD), json.dumps(request)], limits, content=content, room=room, left=left, cancelled=cancelled
            )
    finally:
        os.close(read)


def files(left: bytes, *, most: int, bytes_most: int) -> list[LeftFile]:
    """Return the plain files of a tar; folders, links and devices are left out. Raises InvalidRequest if it is damaged.

    At most so many files, with so many bytes in all: a tar may claim more than it holds.
    """
    try:
        return list(_files(left, most, bytes_most))
    except (tarfile.TarError, EOFError, ValueError, OSError) as error:
        raise InvalidRequest(f"What the program left cannot be read: {error}.", remedy="Let it leave less.") from error


def _files(left: bytes, most: int, bytes_most: int) -> Iterator[LeftFile]:
    count = size = 0
    with tarfile.open(fileobj=io.BytesIO(left), mode="r:") as archive:
        for one in archive:
            if not one.isreg() or one.issparse() or _leads_out(one.name):
                continue
            count, size = count + 1, size + one.size
            if count > most or size > bytes_most:
                raise ValueError(f"more than {most:,} files, or {bytes_most:,} bytes")
            content = archive.extractfile(one)
            yield LeftFile(str(PurePosixPath(one.name)), content.read() if content is not None else b"")


def _leads_out(name: str) -> bool:
    path = PurePosixPath(name)
    return path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name
