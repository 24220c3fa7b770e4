"""Whether the process that was about to send a write may still do so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal

from engine.runner.ledger import Entry
from engine.store.locks import is_locked
from engine.store.owners import Owner, is_silent
from engine.store.run_rows import RunRows

Sender = Literal["through", "at work", "silent"]
"""`through`: it sends nothing more; `at work`: its receipt will come; `silent`: nobody knows, it may still send."""


class Senders:
    """Answers for every open write of the ledger, from any thread."""

    def __init__(self, rows: RunRows, owner: Owner, clock: Callable[[], datetime]) -> None:
        self._rows, self._owner, self._clock = rows, owner, clock

    def state_of(self, entry: Entry) -> Sender:
        """Tell how things stand with the sender of a write whose intent is open.

        This process itself is through: it makes each write once at a time (engine/runner/writes.py).
        """
        run = self._rows.get(entry.run_id)
        sender = entry.owner or (run.owner if run is not None else None)  # older ledgers name no sender
        if sender is None or sender == self._owner.id or not is_locked(self._owner.folder, sender):
            return "through"
        row = self._rows.owner(sender)
        if row is None:  # fenced off, and not proven dead
            return "silent"
        if run is None or run.ended_at is not None or run.owner != sender:  # it has left the run, write and all
            return "through"
        return "silent" if is_silent(self._owner.folder, row, self._clock()) else "at work"
