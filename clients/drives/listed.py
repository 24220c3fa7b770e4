"""Finds new files, and files that fit a search, by listings."""

from __future__ import annotations

import base64
import filecmp
import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from clients.drives.drive import Drive, DriveFile, FolderChanges
from clients.listing import Json

_DIGEST_BYTES = 6
"""A multiple of three, so that each digest is whole characters of base64: a cursor grows by 8 of them for each file."""
_FOLDERS_SHOWN = 500
_FOLDERS_MOST = 200
"""A search or picker that goes through folders one by one asks this often at most."""


class ListingCut(Exception):
    """A listing is not continued; its words say where it ends."""


class FoundFiles(list[DriveFile]):
    """Files that fit a search; `unsearched` says what was not looked through, "" if everything was."""

    unsearched = ""


def changes_of(files: Iterable[DriveFile], cursor: str | None) -> FolderChanges:
    """Return the files that were not in the listing at the cursor, which is `known_of` it."""
    now = [one for one in files if not one.is_folder]
    return FolderChanges(unknown(now, cursor) if cursor is not None else [], known_of(now))


def known_of(files: Iterable[DriveFile], before: str = "") -> str:
    """Return the digests of the ids of files, and the digests that were known before, as base64."""
    return base64.b64encode(b"".join(sorted(_digests(before) | {_digest(one.id) for one in files}))).decode()


def unknown(files: Iterable[DriveFile], known: str) -> list[DriveFile]:
    """Return the files that are not among the known ones, oldest first: an edited file is not new."""
    before = _digests(known)
    fresh = {one.id: one for one in files if not one.is_folder and _digest(one.id) not in before}
    return sorted(fresh.values(), key=lambda one: (one.modified_at, one.id))


def _digests(known: str) -> set[bytes]:
    joined = base64.b64decode(known)
    return {joined[at : at + _DIGEST_BYTES] for at in range(0, len(joined), _DIGEST_BYTES)}


def walked(entries: Callable[[str], Iterable[DriveFile]], folder: str) -> Iterator[DriveFile]:
    """Yield everything in a folder and below, nearest first. Raises ListingCut after 200 folders."""
    waiting = [folder]
    for _ in range(_FOLDERS_MOST):
        if not waiting:
            return
        for one in entries(waiting.pop(0)):
            yield one
            if one.is_folder:
                waiting.append(one.id)
    if waiting:
        raise ListingCut(f"Only the first {_FOLDERS_MOST} folders were looked through: name one in `folder`.")


def folder_rows(entries: Callable[[str], Iterable[DriveFile]]) -> list[Json]:
    """Return folders for a picker, as `Drive.folders`: of a large drive, the nearest."""
    rows: list[Json] = []
    with suppress(ListingCut):
        for one in islice((one for one in walked(entries, "") if one.is_folder), _FOLDERS_SHOWN):
            rows.append({"id": one.id, "name": one.path, "url": one.url})  # noqa: PERF401 - those before the cut stay
    return sorted(rows, key=lambda row: row["name"])


def named_like(found: Iterable[DriveFile], words: str, limit: int) -> FoundFiles:
    """Return the first files whose names have all words, in any case."""
    wanted, fits = words.lower().split(), FoundFiles()
    try:
        for one in found:
            if not one.is_folder and all(word in one.name.lower() for word in wanted):
                fits.append(one)
            if len(fits) == limit:
                break
    except ListingCut as cut:
        fits.unsearched = str(cut)
    return fits


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
