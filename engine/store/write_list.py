"""A list of all writes ever started, kept in two files outside the database, to show what a lost database lacks.

A line is added before each write is sent: its number (the database counts them, too) and the run. A database with a
lower count is an old copy. The files are not synced: they outlive the process, and a power cut that takes their last
lines takes nothing of the database. One file is beside the database, one beside the logs; if one is lost, the other
remains.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from msgspec import Struct

from engine.files.atomic import PRIVATE_FILE, storage_errors, write_whole

NAME = "writes.list"
_LINE = re.compile(rb"(\d{12}) (\d{8}T\d{6}Z-[a-z2-7]{8})\n")
_TAIL_BYTES = 8192  # the newest 210 lines of 39 bytes: several processes may add theirs out of order


class SentWrite(Struct, frozen=True, order=True):
    """A write: its number among all writes, and the run that sent it."""

    number: int
    run_id: str


class WriteList:
    """The two files, for any thread of any process."""

    def __init__(self, state: Path, logs: Path) -> None:
        self._first, self._second = state / NAME, logs / NAME

    def add(self, write: SentWrite) -> None:
        """Add a write. Raises StorageError."""
        line = b"%012d %s\n" % (write.number, write.run_id.encode("ascii"))
        with self._alone():
            with storage_errors(self._first):
                _append(self._first, line)
            with suppress(OSError):  # the folder of the logs may be missing for a moment
                _append(self._second, line)

    def last_number(self) -> int:
        """Return the number of the newest write, 0 without any."""
        newest = (*_read(self._first, _TAIL_BYTES), *_read(self._second, _TAIL_BYTES))
        return max((one.number for one in newest), default=0)

    def all(self) -> list[SentWrite]:
        """Return every write that is in one of the files."""
        return sorted({*_read(self._first), *_read(self._second)})

    def is_whole(self) -> bool:
        """Return whether both files exist and agree."""
        with self._alone():  # so that nobody has written to only one of them yet
            sizes = [path.stat().st_size if path.is_file() else -1 for path in (self._first, self._second)]
        return sizes[0] == sizes[1] >= 0

    def replace(self, change: Callable[[list[SentWrite]], Iterable[SentWrite]]) -> list[SentWrite]:
        """Replace the lists with the result of `change`, and return it; no write is added meanwhile.

        Raises StorageError.
        """
        with self._alone():
            kept = sorted(set(change(self.all())))
            text = "".join(f"{one.number:012d} {one.run_id}\n" for one in kept)
            for path in (self._first, self._second):
                if path.parent.is_dir():
                    write_whole(path, text, PRIVATE_FILE)
        return kept

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Lock out all other threads and processes; the lock is on the folder, because the files are replaced."""
        with storage_errors(self._first):
            folder = os.open(self._first.parent, os.O_RDONLY)
        try:
            with storage_errors(self._first):
                fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)


def _append(path: Path, line: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, PRIVATE_FILE)
    try:
        if os.write(handle, line) < len(line):
            raise OSError(28, os.strerror(28), str(path))  # ENOSPC: only a full disk cuts a write short
    finally:
        os.close(handle)


def _read(path: Path, last_bytes: int | None = None) -> list[SentWrite]:
    """Return the entries in a file, or in its last bytes; lines that are not entries are skipped."""
    try:
        with path.open("rb") as file:
            if last_bytes is not None:
                file.seek(max(0, file.seek(0, os.SEEK_END) - last_bytes))
            data = file.read()
    except OSError:  # the other file has them
        return []
    return [SentWrite(int(number), run_id.decode("ascii")) for number, run_id in _LINE.findall(data)]
