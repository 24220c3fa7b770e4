"""Deliberately wrong versions of the engine, by name: a harness that finds nothing wrong with them proves nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from engine.clock import utc_now
from engine.runner.ledger import Entry, Ledger, Write
from engine.runner.recording import Recording
from engine.runner.sending import Sending
from engine.triggering import items, looks
from engine.triggering.looks import Looks
from engine.triggers import gmail


def no_intents() -> None:
    """Nothing is written down before a write is sent."""

    async def claim(_self: Ledger, write: Write) -> Entry:
        return Entry("new", write.run_id, write.path, write.arguments_hash, utc_now(), None, None, None, 1, 0, None)

    Ledger.claim = claim  # type: ignore[assignment, method-assign]


def no_look_up() -> None:
    """A write that may have arrived is not looked for."""

    async def looked_up(_self: Sending, *_: Any) -> None:
        return None

    Sending.looked_up = looked_up  # type: ignore[assignment, method-assign]


def late_events() -> None:
    """What a run has done is kept in memory until it ends."""
    held: dict[int, list[tuple[str, dict[str, Any]]]] = {}
    emit = Recording.emit

    def hold(self: Recording, kind: str, **details: Any) -> None:
        mine = held.setdefault(id(self), [])
        if kind == "run_started":
            emit(self, kind, **details)
            return
        mine.append((kind, details))
        if kind != "run_ended":
            self._take({"type": kind, "at": self.now(), **details})
            return
        for one, more in mine:
            emit(self, one, **more)
        mine.clear()

    Recording.emit = hold  # type: ignore[method-assign]


def receipts_without_commit() -> None:
    """A receipt is on disk only with some later transaction, never before the run goes on."""

    def record(self: Ledger, _write: Write, _receipt: Any, _output: Any) -> asyncio.Future[Any]:
        return self.still_ours()

    Ledger.record = record  # type: ignore[assignment, method-assign]


def cursor_apart() -> None:
    """A trigger's cursor moves in a transaction of its own, before what was found is stored."""
    stored = Looks._stored

    def first_the_cursor(self: Looks, watched: Any, row: Any, look: Any, found: Any, prepared: Any, **how: Any) -> Any:
        if how["is_whole"]:
            with self.items._database.writing() as connection:
                self._move(connection, watched, row, look, found, prepared)
            time.sleep(0.5)
        return stored(self, watched, row, look, found, prepared, is_whole=False)

    Looks._stored = first_the_cursor  # type: ignore[method-assign]
    looks.require_unmoved = lambda *_: None


def no_seen_set() -> None:
    """Nothing that a trigger lists is known from before."""
    items.unseen = lambda _connection, _key, ids: list(dict.fromkeys(ids))
    items.keep = lambda *_: None


def no_overlap() -> None:
    """A mailbox is asked for what has changed since the last answer, and never again for what that one lacked."""
    gmail.OVERLAP = timedelta()


WRONG: dict[str, Callable[[], None]] = {
    "no intents": no_intents,
    "no look-up": no_look_up,
    "late events": late_events,
    "no receipts": receipts_without_commit,
    "cursor apart": cursor_apart,
    "no seen set": no_seen_set,
    "no overlap": no_overlap,
}
