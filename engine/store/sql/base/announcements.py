"""The port of announcements: processes with free slots are told that runs wait.

An announcement is a hint. Whoever hears one looks into the state, which alone decides who works on which run; whoever
hears none looks once a second. So one that is lost costs a second, and one that comes twice costs a look.
"""

from __future__ import annotations

from typing import Protocol

from engine.store.sql.base.database import Cursor


class Announcements(Protocol):
    """How the processes that share a state hear of runs to take; any thread, nothing but `wait` blocks."""

    def announce(self, cursor: Cursor, count: int) -> None:
        """Announce so many runs once the transaction of this cursor is on disk; those of one that fails may be, too."""

    def committed(self) -> None:
        """Learn that a transaction of this thread is on disk."""

    def wait(self, seconds: float) -> bool:
        """Wait until runs are announced, at most so long; one thread at a time. Return whether they were."""

    def close(self) -> None:
        """Announce and hear nothing more."""
