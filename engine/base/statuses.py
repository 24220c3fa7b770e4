"""The states of runs and steps, and the accounts they work on, with the sets that rules are made of.

Each member is its own text, as in files, tables and answers, so a status that was just read compares equal to it.
The expression language takes plain texts only: values for it need `.value`.
"""

from __future__ import annotations

from enum import StrEnum


class RunStatus(StrEnum):
    """The state of a run."""

    QUEUED = "queued"
    """Accepted; nothing has been done for it."""
    RUNNING = "running"
    WAITING = "waiting"
    """Suspended: for a moment, for a person's answer, or for a run that it called."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    """Its process is gone or was asked to stop; it continues when somebody resumes it."""


class ListedStatus(StrEnum):
    """A status by which runs are listed."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    PARTS_FAILED = "parts_failed"
    """Succeeded, though steps or items failed; such runs are listed as succeeded, too."""
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    SET_ASIDE = "set_aside"
    """Took its process down too often; also listed as failed or interrupted."""


OPEN_RUNS = (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.WAITING, RunStatus.INTERRUPTED)
"""The run has not ended."""
ENDED_RUNS = (RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED)
ACTIVE_RUNS = (RunStatus.QUEUED, RunStatus.RUNNING)
"""A process works on the run, or is about to."""
CANCELLABLE_RUNS = (*ACTIVE_RUNS, RunStatus.WAITING)
"""A cancelled run with one of these statuses has yet to end."""
RESUMABLE_RUNS = (RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.INTERRUPTED)


class Ending(StrEnum):
    """Why a run is ended from outside."""

    CANCELLED = RunStatus.CANCELLED
    """By a person."""
    INTERRUPTED = RunStatus.INTERRUPTED
    """By Ctrl-C or a signal."""
    STOPPED = "stopped"
    """With its process; the next process adopts it."""


class StepStatus(StrEnum):
    """The state of a step, of a loop, or of one item of a loop."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    """Its condition was false, or the run was stopped before it."""
    CANCELLED = "cancelled"
    """The run ended first."""


OPEN_STEPS = (StepStatus.PENDING, StepStatus.RUNNING, StepStatus.WAITING)
"""The step has not ended."""
ENDED_STEPS = (StepStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.SKIPPED, StepStatus.CANCELLED)
DONE_STEPS = (StepStatus.SUCCEEDED, StepStatus.SKIPPED)
"""A run that continues does not execute the step again."""
WORST_FIRST = (
    StepStatus.FAILED,
    StepStatus.RUNNING,
    StepStatus.WAITING,
    StepStatus.PENDING,
    StepStatus.CANCELLED,
    StepStatus.SUCCEEDED,
    StepStatus.SKIPPED,
)
"""The status of several repetitions of a step together is the first of these that one of them has."""


class AccountMode(StrEnum):
    """Whose account a connection uses."""

    DEMO = "demo"
    """The stand-in's."""
    MINE = "mine"
    """The owner's."""


class Priority(StrEnum):
    """How urgent a run is, while more wait than can be worked on."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"

    @property
    def rank(self) -> int:
        """Its number in the state: 1 goes first."""
        return _RANKS[self]

    @staticmethod
    def of_turn(turn: int) -> Priority | None:
        """Return the priority that the turn with this number belongs to, None if it belongs to the most urgent.

        Every tenth turn belongs to the oldest of low and of normal priority, alternately: so these go on, slowly,
        however many others there are.
        """
        return None if turn % _EVERY else _LOWER[turn // _EVERY % len(_LOWER)]


_EVERY = 10
_LOWER = (Priority.LOW, Priority.NORMAL)
_RANKS = {Priority.HIGH: 1, Priority.NORMAL: 2, Priority.LOW: 3}
