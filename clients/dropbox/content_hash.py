"""Dropbox's hash of a file's content (https://www.dropbox.com/developers/reference/content-hash)."""

from __future__ import annotations

import hashlib
from pathlib import Path

_BLOCK_BYTES = 4 * 1024 * 1024


def content_hash(source: Path) -> str:
    """Return the SHA-256, in hex, of the SHA-256 of each block of 4 MiB."""
    whole = hashlib.sha256()
    with source.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            whole.update(hashlib.sha256(block).digest())
    return whole.hexdigest()
