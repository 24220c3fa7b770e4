"""The port of what the stand-ins have left in the state."""

from __future__ import annotations

from typing import Protocol


class DemoData(Protocol):
    """Knows what belongs to demo accounts; any thread."""

    def run_ids(self, *, only_open: bool) -> list[str]:
        """Return the ids of demo runs: all of them, or only those that have not ended."""

    def writers(self) -> set[str]:
        """Return the ids of runs that have written to demo accounts, including runs whose logs were removed."""

    def forget_triggers(self) -> None:
        """Remove the cursors of demo accounts; a poll in progress there stores nothing more."""

    def forget(self) -> list[str]:
        """Remove demo runs, receipts of demo accounts and the items seen there; return the ids of the runs."""
