"""The port of the journal: events of runs, and what else a process records of the runs that it works on.

Everything here happens on the engine's loop. What is appended or recorded in one turn of the loop is one transaction,
which also checks that no other process has taken over; a future, and `committed()`, show when it is on disk. If it
cannot be stored, the future raises JournalBroken, and so does `committed` of the run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from msgspec import Struct

from engine.record.types.run import Acceptance
from engine.store.runs import Deaths


class JournalBroken(Exception):
    """An event or change could not be stored. Not an OrchestraError: no `on_error` of a workflow may catch it."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class Journal(Protocol):
    """Appends events; `committed()` waits until everything added so far is on disk."""

    owner: str
    """The writing process's owner id: another process may have fenced it off."""

    def begin(self, run_id: str) -> None:
        """Accept events of a run (again): forget an earlier failure to store them."""

    def append(self, run_id: str, number: int, text: str) -> None:
        """Add an event of a run, as JSON text.

        It is on disk after the next `committed()`, or soon if nobody waits for it. Once an event of a run is lost, no
        more are accepted: the run's history would have a gap.
        """

    async def committed(self, run_id: str) -> None:
        """Wait until every event of a run so far is on disk.

        Raises JournalBroken if one of them could not be stored, now or earlier: the run must stop then.
        """

    def still_ours(self) -> asyncio.Future[Any]:
        """Make a transaction; the future raises JournalBroken (Fenced) if another process has taken over."""

    def mark_health(self, at: str) -> asyncio.Future[Any]:
        """Store the time of a health check, to show that commits reach the disk."""

    def is_ours(self) -> bool:
        """Return whether this process still owns its runs, as far as it can read."""

    def hurry(self) -> None:
        """Give up soon from now on if the state is away: the process is about to end."""

    def close(self) -> None:
        """Write what is pending, and stop."""


class RunEnd(Struct, frozen=True):
    """The end of a run, with all that ends with it."""

    run_id: str
    workflow_id: str
    parent_run_id: str | None
    demo: bool
    status: str
    ended_at: str
    duration_seconds: float | None
    sentence: str
    counts: str
    """JSON."""
    at_milliseconds: int
    """Its end number, unless an earlier end has that or a higher one."""
    made_good: Sequence[str]
    """Keys of items that it has processed: those that failed or were dead no longer need attention."""
    plan_hash: str | None = None
    """Only for a run that is a plan."""


class OwnRuns(Protocol):
    """What a process records of the runs that it works on."""

    def events(self, run_id: str) -> Sequence[str]:
        """Return the JSON texts of the committed events of a run."""

    def deaths(self, run_id: str) -> Deaths | None:
        """Return how often the process of a run died, if it ever did."""

    def forgive(self, run_id: str) -> None:
        """Forget the deaths in a row: the run has come further."""

    def started(self, run_id: str, started_at: str | None) -> None:
        """Record that work on a run begins, or goes on."""

    def parked(self, run_id: str) -> None:
        """Record that a run waits. It counts as due until `put_away` says when it is: its wait may have ended."""

    def interrupted(self, run_id: str) -> None:
        """Record that a run is interrupted; it is ours until it is put away."""

    def disowned(self, run_id: str) -> None:
        """Give an interrupted run up without putting it away."""

    def put_away(self, run_id: str, sentence: str, counts: str, due_at: str | None) -> None:
        """Record how far a waiting or interrupted run has come; from here on others may take an interrupted one up.

        `due_at`: when a waiting one is due, as asked after `parked` was stored; if it was woken since, that counts.
        """

    def ended(self, end: RunEnd) -> asyncio.Future[Any]:
        """Record the end of a run, and forget its events; its questions are withdrawn, its caller is woken."""

    def change_sentence(self, run_id: str, sentence: str) -> asyncio.Future[Any]:
        """Change the sentence of an ended run."""


class CalledState(NamedTuple):
    """How a called run stands."""

    status: str
    ended_at: str | None


class CalledRuns(Protocol):
    """What a run records of the runs that it calls."""

    def accept(self, acceptance: Acceptance, title: str) -> asyncio.Future[Any]:
        """Accept a called run, in the transaction in which its caller records that it waits."""

    def state(self, run_id: str) -> CalledState | None:
        """Return the state of a called run; None if it is no longer known."""

    def ask_to_cancel(self, run_id: str) -> asyncio.Future[Any]:
        """Ask the owner of an open called run to cancel it."""

    def of_nobody(self, parent_run_id: str) -> list[str]:
        """Return the open runs that a run has called and that no process owns."""


class RunSignal(NamedTuple):
    """A run of this process that another process wants cancelled, or that is due."""

    run_id: str
    is_to_cancel: bool
    status: str


class DueRuns(Protocol):
    """What this process has to do; asked several times a second."""

    def requests(self, now: str) -> list[RunSignal]:
        """Return the runs of this process that are to be cancelled, or are due."""

    def next_due(self) -> str | None:
        """Return when the next run of this process is due, if any is."""

    def not_due(self, now: str) -> set[str]:
        """Return the runs of this process that wait for a later time, an answer or their turn."""

    def due_among(self, run_ids: Sequence[str], now: str) -> list[str]:
        """Return which of these runs are ours and waiting, and are due or to be cancelled."""

    def at_work(self) -> list[str]:
        """Return the runs of this process that should be at work, or about to be."""

    def suspects(self) -> list[str]:
        """Return the runs `at_work` whose process has died again and again: it works on one of them at a time."""

    def has_line(self) -> bool:
        """Return whether runs of this process wait for their turn."""

    def has_others(self) -> bool:
        """Return whether there is, or was, any other process; usually not."""
