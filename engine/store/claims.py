"""The port by which processes take runs to work on: runs that nobody owns, and waiting runs of their own.

A run of nobody was accepted for any process, or left by one that died. While a run is *at work* it counts for the
limits (engine/store/run_limits.py). It is no longer at work once it ends or waits, or the process that owns it dies: so
no counter has to be corrected after a crash.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from engine.store.run_limits import LimitReached, RunLimits


class Draining(Exception):
    """A person has asked this process to take nothing more, and to end."""


class TakenRun(NamedTuple):
    """A run that a process has taken."""

    run_id: str
    acceptance: str | None
    """JSON, if nobody has worked on the run before: then there is nothing else to read about it."""


class Claims(Protocol):
    """Hands out runs to the processes that share a state; any thread. Everything raises StorageError."""

    def claim(self, owner: str, now: str, most: int, limits: RunLimits, most_of_mine: int = 0) -> Sequence[TakenRun]:
        """Take at most `most` runs of nobody, and `most_of_mine` of this process's own, as the limits permit.

        The most urgent go first, then the oldest; every tenth turn goes to a less urgent one. Return the runs, which
        are then this process's own and at work. A run that another run called is left to the process of its caller, as
        long as the caller is at work. Raises Fenced; Draining if it asks for runs of nobody.
        """

    def at_work(self, owner: str) -> Sequence[str]:
        """Return the runs of a process that are at work."""

    def give_back(self, owner: str, run_ids: Sequence[str]) -> None:
        """Record that runs which this process has claimed are not at work: they are its own, and wait."""

    def obstacle(self, run_id: str, now: str, limits: RunLimits) -> LimitReached | None:
        """Return the limit that keeps a run from being at work; None if it is, or waits for something else."""

    def wait(self, seconds: float, *, takes: bool = True) -> bool:
        """Wait until there may be something to claim; at most `seconds`. Return whether somebody has announced it.

        `takes`: whether this process would take a run of nobody.
        """
