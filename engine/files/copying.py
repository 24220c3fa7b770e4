"""Copy files of any size: a piece at a time, durable, and named by their content."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import BinaryIO

from engine.files.atomic import PRIVATE_FILE, PRIVATE_FOLDER, make_folder, storage_errors, sync_file, sync_folder

PIECE_BYTES = 1024 * 1024


def copy_hashed(folder: Path, source: Path) -> Path:
    """Copy a file to a private one in `folder`, named by its SHA-256; it is on disk when this returns.

    The folder is made if missing. Raises StorageError.
    """
    temporary = folder / f".{os.urandom(8).hex()}.tmp"
    make_folder(folder, PRIVATE_FOLDER)
    with storage_errors(folder):
        try:
            digest = _copied(source, temporary)
            sync_file(temporary)
            path = temporary.replace(folder / digest)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(folder)
    return path


def _copied(source: Path, target: Path) -> str:
    """Copy a file and return the hash of what was copied."""
    found = hashlib.sha256()
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    with source.open("rb") as content, os.fdopen(handle, "wb") as copy:
        while piece := _piece(content):
            found.update(piece)
            copy.write(piece)
    return found.hexdigest()


def _piece(content: BinaryIO) -> bytes:
    return content.read(PIECE_BYTES)
