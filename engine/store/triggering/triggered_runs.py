"""What triggers want to know about runs: the ones that they have started, and the ones whose end they watch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from engine.plugins.trigger import OwnWrite
from engine.store.triggering.triggers import TriggerKey


class OpenCounts(NamedTuple):
    """How many open runs each trigger has; keys: (workflow, who started it)."""

    queued: Counter[tuple[str, str]]
    running: Counter[tuple[str, str]]
    """Runs at work, and runs that wait for a time or an answer."""
    asking: Counter[tuple[str, str]]
    """Of these, runs with a question that nobody has answered yet."""


class MadeByRuns(NamedTuple):
    """What the runs of a workflow have written."""

    made: list[OwnWrite]
    open_since: str
    """When the latest write began that is under way, or was when its process died: what it has made is not known yet.
    Empty without such a write.
    """


class WriteOfRun(NamedTuple):
    """A write, the id of the workflow whose run was about to make it, and when."""

    workflow: str
    at: str
    made: OwnWrite


class FailedRuns(NamedTuple):
    """Runs that have ended and failed in whole or in part, up to an end number."""

    last_end: int
    counts: Mapping[str, int]
    """How many of each workflow, by name, the most first."""
    newest: Sequence[FailedRun]
    first_at: str
    """When the first of them ended; empty if there is no such run."""


class FailedRun(NamedTuple):
    """One of these runs."""

    run_id: str
    workflow: str
    ended_at: str


class TriggeredRuns(Protocol):
    """Reads runs; any thread. A run that another run called is a part of it, and does not count."""

    def open_counts(self) -> OpenCounts:
        """Count the open runs of triggers."""

    def queued_count(self, workflow: str, trigger: str) -> int:
        """Return how many runs of a trigger wait for their turn."""

    def newest_succeeded(self, workflow_id: str, limit: int) -> list[str]:
        """Return the ids of the newest successful runs of a workflow that triggers have started, newest first."""

    def started_by(self, workflow: str, trigger: str, run_ids: Sequence[str]) -> list[str]:
        """Return which of these runs a trigger has started, by id."""

    def made(self, workflow: str, uses: Sequence[str], since: str) -> MadeByRuns:
        """Return what runs of a workflow, and the runs that they called, have written by these step types.

        `since`: the time from which runs count.
        """

    def writes_since(self, since: str, counts: Callable[[str], bool]) -> list[WriteOfRun]:
        """Return the writes that runs begun since then have made or begun, the oldest first.

        `counts`: whether the writes of a step type count.
        """

    def polls_since(self, key: TriggerKey, since: str) -> list[str]:
        """Return when polls of a trigger have started runs, the oldest first."""

    def ended_since(self, number: int, limit: int, *, demo: bool | None) -> list[dict[str, Any]]:
        """Return runs whose end has this number or a later one, in that order, without test runs.

        `demo`: only runs of the demo (True), only others (False), or all (None). More than `limit` are returned only if
        ends share the last number: runs stored by an earlier release or rebuilt from a log are numbered by their times.
        Each has its id, workflow, title, status, sentence, starter, end and `chain`: the workflows of the runs before
        it, where the end of each started the next, the nearest first.
        """

    def failed_since(self, number: int, limit: int, *, started_by: Collection[str], workflow: str) -> FailedRuns:
        """Return what failed after the end with this number, with the newest `limit` runs, the newest first.

        Without the demo, test runs, plans, runs of a `workflow`, and runs that one of `started_by` has started.
        """

    def last_end(self) -> int:
        """Return the highest end number of any run, 0 if none has ended."""


class QueuedRun(NamedTuple):
    """A run that waits for its turn among the runs of its workflow."""

    run_id: str
    workflow: str


class ProcessQueue(NamedTuple):
    """The queue of a process, oldest first, and how many runs of each workflow are at work (in any process)."""

    queued: list[QueuedRun]
    active: Counter[str]

    def next(self, at_once: Mapping[str, int]) -> list[str]:
        """Return the runs whose turn it is; `at_once`: how many of each workflow may be at work."""
        active, found = Counter(self.active), list[str]()
        for run_id, workflow in self.queued:
            if active[workflow] < at_once.get(workflow, 0):
                active[workflow] += 1
                found.append(run_id)
        return found


class RunQueue(Protocol):
    """Hands out runs that triggers have queued. `Acceptances` puts them in, with the item each is for."""

    def line(self, owner: str) -> ProcessQueue:
        """Return the queue of a process. Runs that wait for a time or an answer are not at work."""

    def hand_out(self, owner: str, at_once: Mapping[str, int], *, shared: bool = False) -> list[str]:
        """Take the runs whose turn it is out of the queue, to be worked on; return them. Raises Fenced.

        `at_once`: how many of each workflow may be at work, which is counted in the same transaction. If it is
        `shared`, any worker may take the runs, else they stay this process's own.
        """
