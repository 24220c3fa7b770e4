"""What every reader gets, and how it refuses a file."""

from __future__ import annotations

import os
from typing import BinaryIO

from msgspec import Struct

IN_MEMORY_MOST = 100 * 1024 * 1024
"""Bytes of a file that a reader may load as a whole."""


EMPTY = "It is empty."
"""Said of a file without a byte, and of a table without a cell."""


class FileRefused(Exception):
    """The file cannot be read, or takes more than the limits allow; the message is a sentence for a person."""


class StaysText(Exception):
    """Columns that began as numbers have something else further down: the table is read again with these as texts."""

    def __init__(self, columns: dict[int, str]) -> None:
        super().__init__(columns)
        self.columns = columns
        """{place, from 0: the value that is not a number}."""


class SourceFile(Struct, frozen=True):
    """A file that is open, its name, and where large results go."""

    content: BinaryIO
    name: str
    out: int | None = None

    @property
    def size(self) -> int:
        """The size of the file in bytes."""
        return os.fstat(self.content.fileno()).st_size

    def head(self, size: int = 8192) -> bytes:
        """Return the first bytes."""
        self.content.seek(0)
        found = self.content.read(size)
        self.content.seek(0)
        return found

    def clear_out(self) -> None:
        """Empty the file for large results."""
        if self.out is not None:
            os.ftruncate(self.out, 0)
            os.lseek(self.out, 0, os.SEEK_SET)

    def whole(self, most: int = IN_MEMORY_MOST) -> bytes:
        """Return all bytes. Raises FileRefused if there are too many."""
        if self.size > most:
            raise FileRefused(f"It has {self.size:,} bytes; such files are read up to {most:,}.")
        self.content.seek(0)
        return self.content.read()
