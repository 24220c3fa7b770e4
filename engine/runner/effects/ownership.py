"""Whether the process that was about to send a write may still do so.

Each process holds a file lock while it lives, and the operating system releases it at death. A free lock proves
that the sender will send nothing more. If the lock is held, the process may be working, suspended, or hung: as long
as its heartbeat is fresh its receipt will come; otherwise nothing can be concluded, and its write must not be sent.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal

from engine.store.ledger import LedgerRow
from engine.store.owners import Owner, Owners, is_silent
from engine.store.runs import RunStore

Sender = Literal["through", "at work", "silent"]
"""`through`: it will send nothing more; `at work`: its receipt will come; `silent`: unknown, it may still send."""


class WriteOwnership:
    """Reports the sender of each open write in the ledger. Thread-safe."""

    def __init__(self, rows: RunStore, owners: Owners, owner: Owner, clock: Callable[[], datetime]) -> None:
        self._rows, self._owners, self._owner, self._clock = rows, owners, owner, clock

    def state_of(self, entry: LedgerRow) -> Sender:
        """Return the state of the sender of a write whose intent is open.

        For this process itself it is "through": it makes each write once at a time (engine/runner/effects/claim.py).
        """
        run = self._rows.get(entry.run_id)
        sender = entry.owner or (run.owner if run is not None else None)  # older ledgers have no owner
        if sender is None or sender == self._owner.id or not self._owner.locks.is_held(sender):
            return "through"
        row = self._owners.get(sender)
        if row is None:  # fenced off, but not proven dead
            return "silent"
        if run is None or run.ended_at is not None or run.owner != sender:  # it has left the run and its writes
            return "through"
        return "silent" if is_silent(self._owner.locks, row, self._clock()) else "at work"
