"""Drives without a list of changes and without a search: both from listings."""

from __future__ import annotations

import base64
import filecmp
import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

from clients.drives.drive import Changes, Drive, DriveFile

_DIGEST_BYTES = 6
_FOLDERS_MOST = 200
"""A search or picker that goes through folders one by one asks this often at most."""


def changes_of(files: Iterable[DriveFile], cursor: str | None) -> Changes:
    """Return the files that were not in the listing at the cursor: it is the digests of their ids (8 bytes each)."""
    now = {_digest(one.id): one for one in files if not one.is_folder}
    following = base64.b64encode(b"".join(sorted(now))).decode()
    if cursor is None:
        return Changes([], following)
    known = base64.b64decode(cursor)
    before = {known[at : at + _DIGEST_BYTES] for at in range(0, len(known), _DIGEST_BYTES)}
    fresh = [one for digest, one in now.items() if digest not in before]
    return Changes(sorted(fresh, key=lambda one: (one.modified_at, one.id)), following)


def walked(entries: Callable[[str], Iterable[DriveFile]], folder: str) -> Iterator[DriveFile]:
    """Yield everything in a folder and below, nearest first, from listings of 200 folders at most."""
    waiting = [folder]
    for _ in range(_FOLDERS_MOST):
        if not waiting:
            return
        for one in entries(waiting.pop(0)):
            yield one
            if one.is_folder:
                waiting.append(one.id)


def named_like(found: Iterable[DriveFile], words: str, limit: int) -> list[DriveFile]:
    """Return the first files whose names have all words, in any case."""
    wanted = words.lower().split()
    fits = (one for one in found if not one.is_folder and all(word in one.name.lower() for word in wanted))
    return list(islice(fits, limit))


def has_content(drive: Drive, found: DriveFile, source: Path) -> bool:
    """Return whether a file on the drive is equal to a local one; downloads it if it has the same size."""
    size = source.stat().st_size
    if found.is_folder or found.size != size:
        return False
    with tempfile.TemporaryDirectory(prefix="orchestra-") as folder:
        copy = Path(folder) / "copy"
        drive.download(found.id, copy, size)
        return filecmp.cmp(copy, source, shallow=False)


def _digest(file_id: str) -> bytes:
    return hashlib.sha256(file_id.encode("utf-8", "replace")).digest()[:_DIGEST_BYTES]
