"""Engines that are wrong on purpose, by name: each leaves out one sync, or goes on before something is on disk."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from engine.base.clock import timestamp, utc_now
from engine.files import atomic as files
from engine.files.group_sync import GroupSync
from engine.runner.effects.delivery import Delivery
from engine.runner.effects.ledger import Ledger
from engine.runs.renaming import Renaming
from engine.store.ledger import IntendedWrite, LedgerRow
from engine.store.renames import BegunRename, StepRename
from engine.store.sql.journal import SqlJournal
from engine.store.sqlite import database
from engine.workflows.workflow_files import WorkflowFiles

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
    really_claim, really_send = Ledger.claim, Delivery._send_once

    async def claim(_self: Ledger, write: IntendedWrite) -> LedgerRow:
        return LedgerRow("new", write.run_id, write.path, write.arguments_hash, utc_now(), None, None, None, 1, 0, None)

    async def send_once(self: Delivery, *more: Any) -> Any:
        output = await really_send(self, *more)
        await really_claim(self._ledger, self._write)
        return output

    _put(Ledger, "claim", claim)
    _put(Delivery, "_send_once", send_once)


def _events_later() -> None:
    """A run goes on before its events are on disk."""

    async def committed(_self: SqlJournal, _run_id: str) -> None:
        return

    _put(SqlJournal, "committed", committed)


def _rename_at_once() -> None:
    """Nobody is told that a rename has begun."""

    def steps(
        self: Renaming, name: str, renames: Sequence[tuple[str, str]], etag: str, save: Callable[[], None]
    ) -> None:
        begun = BegunRename(tuple(StepRename(name, new, old) for old, new in renames), timestamp(self._clock()), etag)
        self._renames.complete(begun, lambda _open: None, save, lambda: self._record(begun))

    _put(Renaming, "steps", steps)


def _renamed_without_id() -> None:
    """A workflow gets another name, and no id that stays."""
    _put(WorkflowFiles, "_with_id", lambda _self, _name, text, _id: text)


def _group_without_sync() -> None:
    """Logs that are written in a group get their names, and none is synced."""
    _put(GroupSync, "sync", lambda _self, _handle: None)


WRONG: dict[str, Callable[[], None]] = {
    "files-unsynced": _without_sync_of(stat.S_ISREG),
    "group-unsynced": _group_without_sync,
    "folders-unsynced": _without_sync_of(stat.S_ISDIR),
    "new-folders-unsynced": _names_of_folders,
    "synchronous-off": _with_synchronous("OFF"),
    "synchronous-normal": _with_synchronous("NORMAL"),
    "intent-after-sending": _intent_after_sending,
    "events-later": _events_later,
    "rename-at-once": _rename_at_once,
    "renamed-without-id": _renamed_without_id,
}
