"""Engines that are wrong on purpose, by name: each leaves out one sync, or goes on before something is on disk."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from typing import Any

from engine.clock import utc_now
from engine.names import timestamp
from engine.runner.ledger import Entry, Ledger, Write
from engine.runner.sending import Sending
from engine.runs.renaming import Renaming, _Begun
from engine.store import database
from engine.store.journal import Journal
from engine.store.receipts import Rename
from engine.workspace import files

SEPARATOR = "--"
"""Between the name of a session and that of what is wrong in it."""


def _put(place: Any, name: str, value: Any) -> None:
    setattr(place, name, value)


def _without_sync_of(is_kind: Callable[[int], bool]) -> Callable[[], None]:
    def without_sync() -> None:
        sync = files._sync
        _put(files, "_sync", lambda handle: None if is_kind(os.fstat(handle).st_mode) else sync(handle))

    return without_sync


def _with_synchronous(word: str) -> Callable[[], None]:
    def with_synchronous() -> None:
        pragmas = list(database._pragmas())

        def other() -> Iterator[str]:
            yield from (f"PRAGMA synchronous={word}" if "synchronous" in one else one for one in pragmas)

        _put(database, "_pragmas", other)

    return with_synchronous


def _names_of_folders() -> None:
    """Folders are made, and their names are not synced."""
    _put(files, "keep_name", lambda _path: None)


def _intent_after_sending() -> None:
    """That a write is about to be sent is written down once it was sent."""
    really_claim, really_send = Ledger.claim, Sending._send_once

    async def claim(_self: Ledger, write: Write) -> Entry:
        return Entry("new", write.run_id, write.path, write.arguments_hash, utc_now(), None, None, None, 1, 0, None)

    async def send_once(self: Sending, job: Any, *more: Any) -> Any:
        output = await really_send(self, job, *more)
        await really_claim(self._ledger, job.write)
        return output

    _put(Ledger, "claim", claim)
    _put(Sending, "_send_once", send_once)


def _events_later() -> None:
    """A run goes on before its events are on disk."""

    async def committed(_self: Journal, _run_id: str) -> None:
        return

    _put(Journal, "committed", committed)


def _rename_at_once() -> None:
    """Nobody is told that a rename has begun."""

    def move(self: Renaming, rename: Rename, etag: str, save: Callable[[], None]) -> None:
        with self._database.writing() as connection:
            save()
            self._follow(connection, _Begun(rename, timestamp(self._clock()), etag))

    _put(Renaming, "_move", move)


WRONG: dict[str, Callable[[], None]] = {
    "files-unsynced": _without_sync_of(stat.S_ISREG),
    "folders-unsynced": _without_sync_of(stat.S_ISDIR),
    "new-folders-unsynced": _names_of_folders,
    "synchronous-off": _with_synchronous("OFF"),
    "synchronous-normal": _with_synchronous("NORMAL"),
    "intent-after-sending": _intent_after_sending,
    "events-later": _events_later,
    "rename-at-once": _rename_at_once,
}
