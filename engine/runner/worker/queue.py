"""The port of the queue that hands runs to workers, and the queue inside one process.

An entry is a hint, "look at this run", and holds only its id. It may be delivered late, twice, or in another order than
it was put: which process works on a run, and whether there is anything to do, the store decides (owner, lease and
fencing, `engine/store/owners.py`). So an adapter to a message broker needs no promise but "at least once".
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

Work: TypeAlias = Callable[[str], "asyncio.Future[None] | None"]
"""Begins work on a run; called on the worker's loop, it must not block.

Returns what is done once this worker has nothing more to do for the run (it ended, or waits), or None if there was
nothing to do. A queue that acknowledges its entries does so then.
"""


class WorkQueue(Protocol):
    """Hands out the ids of runs; any thread."""

    def put(self, run_id: str, *, after_seconds: float = 0.0) -> None:
        """Have somebody work on a run, not before some seconds are over. Never blocks."""

    def put_many(self, run_ids: Sequence[str]) -> None:
        """Have somebody work on each of these runs."""

    def work(self, work: Work) -> None:
        """Deliver entries to this process from now on. Call it once, on the worker's loop."""

    delivers_at_once: bool
    """Whether what is put is delivered at once, and not taken from the state."""

    def look(self) -> None:
        """Look for what others, or this process, have put into the state."""

    @property
    def is_drained(self) -> bool:
        """Whether this process was asked to take nothing more, and what it has taken is done."""

    def fresh_acceptance(self, run_id: str) -> str | None:
        """Return the acceptance (JSON) of a run being delivered that nobody has worked on before, if it is known."""

    def close(self) -> None:
        """Deliver nothing more to this process. Call it on the worker's loop."""

    def join(self) -> None:
        """Wait until nothing is being taken for this process. Call it after `close`, not on the loop."""


class LocalQueue:
    """The queue of a single process: it delivers at once and in order, through the loop, as many as there are.

    It forgets its entries with the process; whoever takes over the runs puts them into a queue again.
    """

    delivers_at_once = True

    def __init__(self) -> None:
        self._is_closed = False

    def put(self, run_id: str, *, after_seconds: float = 0.0) -> None:
        """Deliver a run on the loop's next turn, or after some seconds. Call `work` first."""
        if after_seconds:
            self._loop.call_soon_threadsafe(self._loop.call_later, after_seconds, self._deliver, [run_id])
        else:
            self._loop.call_soon_threadsafe(self._deliver, [run_id])

    def put_many(self, run_ids: Sequence[str]) -> None:
        """Deliver runs on the loop's next turn. Call `work` first."""
        self._loop.call_soon_threadsafe(self._deliver, run_ids)

    def work(self, work: Work) -> None:
        """Deliver entries to this process from now on. Call it once, on the worker's loop."""
        self._loop, self._work = asyncio.get_running_loop(), work

    def look(self) -> None:
        """Do nothing: the state has no entries."""

    def fresh_acceptance(self, run_id: str) -> str | None:
        """Return None: the worker knows what this process has accepted."""
        return None

    def close(self) -> None:
        """Deliver nothing more. Call it on the worker's loop."""
        self._is_closed = True

    def join(self) -> None:
        """Do nothing: nothing is taken."""

    @property
    def is_drained(self) -> bool:
        """Return False: nobody asks the only process of a workspace to end this way."""
        return False

    def _deliver(self, run_ids: Sequence[str]) -> None:
        if not self._is_closed:
            for run_id in run_ids:
                self._work(run_id)
