"""The port of announcements: processes with free slots hear that runs wait.

An announcement is a hint. Whoever hears one looks into the state, which alone decides who works on which run; whoever
hears none looks once a second. So one that is lost costs a second, and one that comes twice costs a look.
"""

from __future__ import annotations

from typing import Protocol

from engine.store.sql.base.database import Cursor


class Announcements(Protocol):
    """How the processes that share a state hear of runs to take; any thread."""

    def announce(self, cursor: Cursor, count: int) -> None:
        """Announce `count` runs once this transaction is on disk, or perhaps if it fails. Never blocks."""

    def committed(self) -> None:
        """Learn that a transaction of this thread is on disk. Never blocks, and never raises."""

    def wait(self, seconds: float, *, takes: bool) -> bool:
        """Wait until runs are announced, at most `seconds`; one thread at a time. Return whether they were.

        `takes`: whether this process would take one. If not, it leaves announcements that only one hears to others.
        """

    def close(self) -> None:
        """Announce and hear nothing more; it may take some seconds."""
