"""Blobs that are too large for memory, a piece at a time."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.base.errors import StorageError
from engine.files.atomic import storage_errors
from engine.files.copying import PIECE_BYTES


def pieces_of(data: bytes) -> list[bytes]:
    """Return data in pieces of at most 1 MiB; at least one, since an empty blob needs a row, too."""
    return [data[start : start + PIECE_BYTES] for start in range(0, len(data), PIECE_BYTES)] or [b""]


def hash_of(source: Path) -> str:
    """Return the SHA-256 of a local file, in hex digits. Raises StorageError."""
    with storage_errors(source), source.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def proven_pieces(source: Path, digest: str) -> Iterator[bytes]:
    """Yield a local file in pieces, at least one. Raises StorageError before the last one if their SHA-256 differs.

    So whoever stores them never completes a blob whose name is not the hash of its content.
    """
    found = hashlib.sha256()
    with storage_errors(source), source.open("rb") as content:
        piece = content.read(PIECE_BYTES)
        while True:
            found.update(piece)
            following = content.read(PIECE_BYTES)
            if not following and found.hexdigest() != digest:
                raise StorageError(f"{source} was changed while it was being stored.", remedy="Try again.")
            yield piece
            if not following:
                return
            piece = following


@contextmanager
def local_copy(pieces: Iterable[bytes]) -> Iterator[Path]:
    """Give a private file with these pieces, which is deleted at the end. Raises StorageError."""
    folder = Path(tempfile.gettempdir())
    with tempfile.NamedTemporaryFile(prefix="orchestra-") as copy:
        with storage_errors(folder):
            copy.writelines(pieces)
            copy.flush()
        yield Path(copy.name)
