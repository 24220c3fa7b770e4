"""Accepted runs on their way to disk: those that several threads start at once share one transaction."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.errors import InUse
from engine.json_text import compact
from engine.runs.request_keys import Request, earlier_run, remember
from engine.store.database import Database, cursor_of
from engine.store.owners import require_unfenced
from engine.store.receipts import is_last_rename
from engine.store.run_rows import is_test
from engine.store.tables import audit, insertion, runs

if TYPE_CHECKING:
    import sqlite3

    from sqlalchemy import Connection

_ADD_RUN, _RUN = insertion(runs)
_ADD_LINE, _LINE = insertion(audit)
_COPIED = ("run_id", "workflow", "started_by", "origin_run_id", "parent_run_id", "queued_at")


class Renamed(InUse):
    """A workflow or a step has got another name since the files were read: receipts may lie under that one now."""

    default_remedy = "Try again."

    def __init__(self) -> None:
        super().__init__("A workflow or a step was renamed just now.")


@dataclass
class Entry:
    """One run to be stored, with the line of the audit trail that tells of it."""

    acceptance: Mapping[str, Any]
    title: str
    audit_line: Mapping[str, Any]
    request: Request | None = None
    lane: str | None = None
    """Whose turn it waits for (a workflow's name); None: it begins at once."""
    last_rename: str = ""
    """As its plan has it: with another one since, it is not stored."""
    run_id: str | None = field(default=None, init=False)
    """Once stored: its id, or that of the run which the same request started before."""
    error: Exception | None = field(default=None, init=False)

    @property
    def is_new(self) -> bool:
        """Tell whether this entry has made the run."""
        return bool(self.run_id == self.acceptance["run_id"])


class Acceptances:
    """`store()` may be called from any thread; whoever comes first writes for all who have come since."""

    def __init__(self, database: Database, owner: str) -> None:
        self._database, self._owner = database, owner
        self._lock, self._turn = threading.Lock(), threading.Lock()
        self._waiting: list[Entry] = []

    def store(self, entries: Sequence[Entry]) -> None:
        """Store runs; they are on disk when this returns.

        Raises StorageError, Renamed (of `entries` with one plan none is stored then), InUse where a request's key came
        with something else before, Fenced where another process has taken over the runs of this one.
        """
        with self._lock:
            self._waiting.extend(entries)
        with self._turn:
            with self._lock:
                group, self._waiting = self._waiting, []
            if group:  # else somebody was faster
                self._write(group)
        for entry in entries:
            if entry.error is not None:
                raise entry.error

    def store_within(self, chosen: Callable[[Connection], Sequence[Entry]]) -> Sequence[Entry]:
        """Store the runs that `chosen` gives, in one transaction with all that it writes; return their entries.

        All of it is on disk when this returns, or none of it. Raises StorageError, Renamed, Fenced,
        and what `chosen` raises.
        """
        self._database.require_in_place()
        with self._database.writing() as connection:
            cursor = cursor_of(connection)
            require_unfenced(cursor, self._owner)
            entries = chosen(connection)
            is_last = is_last_rename(cursor)
            if not all(is_last(entry.last_rename) for entry in entries):
                raise Renamed
            self._insert(cursor, entries)
        for entry in entries:
            entry.run_id = entry.acceptance["run_id"]
        return entries

    def _write(self, group: Sequence[Entry]) -> None:
        try:
            with self._database.inserting() as cursor:
                require_unfenced(cursor, self._owner)
                is_last = is_last_rename(cursor)
                for entry in group:
                    if not is_last(entry.last_rename):
                        entry.error = Renamed()
                    elif entry.request is not None:
                        _answer(cursor, entry, entry.request)
                fresh = [entry for entry in group if entry.run_id is None and entry.error is None]
                self._insert(cursor, fresh)
        except Exception as error:  # noqa: BLE001 - each of those who wait must hear of it
            for entry in group:
                entry.error, entry.run_id = error, None
        else:
            for entry in fresh:
                entry.run_id = entry.acceptance["run_id"]

    def _insert(self, cursor: sqlite3.Cursor, entries: Sequence[Entry]) -> None:
        cursor.executemany(_ADD_RUN, [self._row(entry) for entry in entries])
        cursor.executemany(_ADD_LINE, [{**_LINE, **entry.audit_line} for entry in entries])

    def _row(self, entry: Entry) -> dict[str, Any]:
        return {
            **_RUN,
            **{name: entry.acceptance[name] for name in _COPIED},
            "title": entry.title,
            "status": "queued",
            "demo": int(entry.acceptance["demo"]),
            "owner": self._owner,
            "lane": entry.lane,
            "is_test": int(is_test(entry.acceptance["options"])),
            "acceptance": compact(entry.acceptance),
        }


def _answer(cursor: sqlite3.Cursor, entry: Entry, request: Request) -> None:
    """Bind the key of a request to its run, or find what it was bound to before."""
    try:
        entry.run_id = earlier_run(cursor, request)
    except InUse as error:
        entry.error = error
        return
    if entry.run_id is None:
        remember(cursor, request, entry.acceptance["run_id"])
