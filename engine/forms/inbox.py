"""What was sent to a form or a webhook, on disk from when its sender is answered until a run has it.

A form has a folder with two in it: `waiting`, with a folder for each submission (`submission.json` and its files), and
`taken`, with a small file for each that a run has. A submission is written beside them and moved into `waiting` in one
step, so that it is there as a whole or not at all. What waits is an item of the form's trigger; the engine remembers
the ids of items, so that each becomes one run, whatever happens here. A webhook has the same, but keeps the newest of
what was taken as it came, for people who look at it.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from heapq import nlargest
from pathlib import Path
from typing import Any, Literal, TypeAlias
from urllib.parse import quote

from engine.base.errors import StorageError
from engine.files.atomic import make_folder, storage_errors, sync_file, sync_folder, write_whole
from engine.forms.page_ids import LASTS

JsonValue: TypeAlias = Any
"""A plain JSON value."""
_ID = re.compile(r"[A-Za-z0-9_-]{22}")
_DOCUMENT = "submission.json"
_DAY_SECONDS = 24 * 3600.0
_TAKEN_LASTS = LASTS + timedelta(days=1)
_DRAFT_LASTS_SECONDS = 3600.0
Put = Literal["new", "same", "other"]
"""What became of a submission: it is new, it has already come, or another one has come from the same page."""


@dataclass(frozen=True)
class SentFile:
    """A file of a submission; `stored`: its name in the folder."""

    stored: str
    name: str
    media_type: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Submission:
    """What a person has sent, both mappings by the names of fields; or a delivery (`engine/hooks/deliveries.py`)."""

    id: str
    at: str
    """RFC 3339, in UTC."""
    values: Mapping[str, JsonValue]
    files: Mapping[str, SentFile]

    @property
    def content(self) -> str:
        """What tells it from another: the values, and the content of the files."""
        files = {name: [one.name, one.sha256] for name, one in self.files.items()}
        return json.dumps([dict(self.values), files], sort_keys=True)


class Inbox:
    """The submissions of one form or webhook; any thread, any process.

    `keeps`: how many that a run has are kept as they came.
    """

    def __init__(self, root: Path, *parts: str, keeps: int = 0) -> None:
        self._root, self._keeps = root, keeps
        self.folder = root.joinpath(*(quote(part, safe="") for part in parts))
        self.waiting, self.taken = self.folder / "waiting", self.folder / "taken"

    def draft(self) -> Path:
        """Return a new folder for a submission that is still arriving. Raises StorageError."""
        folder = self._root / ".drafts" / uuid.uuid4().hex
        make_folder(folder.parent, 0o700)
        with storage_errors(folder):
            folder.mkdir(mode=0o700)  # its name need not last: it is moved, or forgotten
        return folder

    def put(self, draft: Path, submission: Submission) -> Put:
        """Keep a submission whose files are in its draft; it is on disk when this returns. Raises StorageError."""
        known = self._known(submission.id)
        if known is not None:
            return "same" if known == submission.content else "other"
        make_folder(self.waiting, 0o700)
        with storage_errors(draft):
            for file in submission.files.values():
                sync_file(draft / file.stored)
        write_whole(draft / _DOCUMENT, json.dumps(asdict(submission)), mode=0o600)  # syncs the names of files, too
        with storage_errors(self.waiting):
            try:
                draft.rename(self.waiting / submission.id)
            except OSError as error:
                # Another process has stored the same submission meanwhile.
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                return "same" if self._known(submission.id) == submission.content else "other"
            sync_folder(self.waiting)
        return "new"

    def has(self, id_: str) -> bool:
        """Return whether a submission has come before. Raises StorageError."""
        return self._known(id_) is not None

    def ids(self) -> list[str]:
        """Return what waits, the oldest first. Raises StorageError."""
        return [name for _, name in sorted(_dated(self.waiting)) if _ID.fullmatch(name)]

    def size(self) -> int:
        """Return how many wait. Raises StorageError."""
        return sum(_ID.fullmatch(entry.name) is not None for entry in _entries(self.waiting))

    def newest(self, limit: int) -> list[str]:
        """Return the ids of the newest that wait or were kept, the newest first."""
        found = nlargest(limit, [*_dated(self.waiting), *_dated(self.taken)])
        return [name for _, name in found if _ID.fullmatch(name)]

    def kept(self, id_: str) -> Submission | None:
        """Return what waits under an id or was kept as it came; None if it is neither. Raises StorageError."""
        return self.get(id_) or self._read(self.taken, id_)

    def get(self, id_: str) -> Submission | None:
        """Return what waits under an id; None if nothing does. Raises StorageError."""
        return self._read(self.waiting, id_)

    def _read(self, folder: Path, id_: str) -> Submission | None:
        if _ID.fullmatch(id_) is None:
            return None
        path = folder / id_ / _DOCUMENT
        try:
            document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as error:
            raise StorageError(f"{path} cannot be read: {error}.") from error
        files = {name: SentFile(**one) for name, one in document.pop("files").items()}
        return Submission(**document, files=files)

    def path(self, id_: str, file: SentFile) -> Path:
        """Return where a file of a submission is."""
        return self.waiting / id_ / file.stored

    def take(self, id_: str) -> None:
        """Delete a submission that a run has; what it was is remembered as long as its page may be sent again."""
        if self._keeps:
            make_folder(self.taken, 0o700)
            with storage_errors(self.taken):
                _move(self.waiting / id_, self.taken / id_)
            return
        found = self.get(id_)
        if found is None:
            return
        make_folder(self.taken, 0o700)
        write_whole(self.taken / id_, found.content, mode=0o600)
        with storage_errors(self.waiting):
            shutil.rmtree(self.waiting / id_, ignore_errors=True)

    def count_of_a_day(self) -> int:
        """Return how many have come in the last 24 hours."""
        since = (time.time() - _DAY_SECONDS) * 1e9
        return sum(at >= since for at, _ in [*_dated(self.waiting), *_dated(self.taken)])

    def forget(self) -> None:
        """Forget what was taken long ago, and drafts that a killed process has left."""
        now = time.time()
        if self._keeps:
            for _, name in sorted(_dated(self.taken))[: -self._keeps]:
                discard(self.taken / name)
        else:
            _remove_before(self.taken, now - _TAKEN_LASTS.total_seconds())
        _remove_before(self._root / ".drafts", now - _DRAFT_LASTS_SECONDS)

    def _known(self, id_: str) -> str | None:
        found = self.kept(id_)
        if found is not None:
            return found.content
        try:
            return (self.taken / id_).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            yield from [*found]
    except FileNotFoundError:
        return


def _dated(folder: Path) -> Iterator[tuple[int, str]]:
    """Yield (time of the last change in nanoseconds, name) of what is in a folder."""
    for entry in _entries(folder):
        with suppress(FileNotFoundError):  # taken by another process meanwhile
            yield entry.stat().st_mtime_ns, entry.name


def _move(folder: Path, to: Path) -> None:
    """Move what a run has; this is not synced, as it would only be moved again. Raises OSError."""
    try:
        folder.rename(to)
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        discard(folder)  # it came once more, after it was taken


def _remove_before(folder: Path, before: float) -> None:
    for entry in _entries(folder):
        with suppress(OSError):
            if entry.stat().st_mtime < before:
                shutil.rmtree(entry.path) if entry.is_dir() else Path(entry.path).unlink()


def discard(draft: Path) -> None:
    """Delete a draft, if it is still there."""
    shutil.rmtree(draft, ignore_errors=True)
