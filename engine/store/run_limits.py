"""How many runs may be at work at once, in all processes together, and which must wait for another's end.

A called run counts together with its topmost caller, once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct, field

from engine.base.statuses import AccountMode
from engine.record.types.run import Acceptance

_TRIGGERED = "trigger:"


class RunLimits(Struct, frozen=True):
    """The limits of a workspace."""

    per_user: int | None = None
    """For each user; runs of triggers do not count, as their workflow limits them (`concurrency`)."""
    per_connection: Mapping[str, int] = field(default_factory=dict)
    """By connection; a connection without a limit is absent."""

    @property
    def are_set(self) -> bool:
        """Whether there is any."""
        return self.per_user is not None or bool(self.per_connection)


NO_LIMITS = RunLimits()


class LimitedRun(NamedTuple):
    """What the limits need to know about a run; for a called run, these are the values of its topmost caller."""

    run_id: str
    started_by: str
    connections: Sequence[str]
    """The real accounts that it may use."""


class LimitReached(Struct, frozen=True):
    """A limit that is reached."""

    user: str = ""
    connection: str = ""
    """Set if `user` is empty."""
    most: int = 0

    @property
    def sentence(self) -> str:
        """What a run waits for, in words."""
        runs = "1 run" if self.most == 1 else f"{self.most} runs"
        if self.user:
            return f"Waiting for its turn: {self.user} has {runs} at work, the most allowed (runs_at_once_per_user)."
        return f"Waiting for its turn: {runs} at work may use {self.connection}, the most allowed (runs_at_once)."


class LimitedRuns:
    """The runs at work, as far as limits concern them."""

    def __init__(self, limits: RunLimits, at_work: Iterable[LimitedRun]) -> None:
        self._limits = limits
        self._users: Counter[str] = Counter()
        self._connections: Counter[str] = Counter()
        self._known: set[str] = set()
        for run in at_work:
            self.add(run)

    def add(self, run: LimitedRun) -> None:
        """Count a run, unless it is counted already."""
        if run.run_id not in self._known:
            self._known.add(run.run_id)
            self._users[run.started_by] += 1
            self._connections.update(run.connections)

    def obstacle(self, run: LimitedRun) -> LimitReached | None:
        """Return the limit that keeps a run from beginning now, if any."""
        if run.run_id in self._known:
            return None  # a run that it called, or that called it, is at work: they count once
        if run.started_by in self.full_users:
            return LimitReached(user=run.started_by, most=self._limits.per_user or 0)
        full = self.full_connections
        found = next((one for one in run.connections if one in full), None)
        return None if found is None else LimitReached(connection=found, most=self._limits.per_connection[found])

    @property
    def full_users(self) -> list[str]:
        """The users with as many runs as each may have."""
        most = self._limits.per_user
        return [user for user, count in self._users.items() if _is_full(user, count, most)]

    @property
    def full_connections(self) -> list[str]:
        """The connections with as many runs as each may have."""
        return [name for name, most in self._limits.per_connection.items() if self._connections[name] >= most]


def _is_full(user: str, count: int, most: int | None) -> bool:
    return most is not None and count >= most and not user.startswith(_TRIGGERED)


def limited_connections(acceptance: Acceptance) -> str:
    """Return the real accounts that a run may use, as its row has them: " mail notion "."""
    return spaced(name for name, mode in acceptance.get("modes", {}).items() if mode == AccountMode.MINE)


def spaced(names: Iterable[str]) -> str:
    """Return names as one text, in which each has a space on both sides, to be found by LIKE; "" for none."""
    found = " ".join(sorted(names))
    return found and f" {found} "
