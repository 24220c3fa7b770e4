"""The ports of processes that own runs: which processes there are, which are alive, and what each may do.

A free lock proves that its process is dead (the fast proof); a process also counts as dead after its lease. Whoever
takes over *fences* it: nothing that it still tries to write is stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple, Protocol

from msgspec import Struct

from engine.base.clock import moment_of
from engine.store.locks import Locks
from engine.store.run_limits import RunLimits

LEASE_SECONDS = 30.0
"""How long a process may be silent before others may adopt its runs, unless it says otherwise."""


class OwnerRecord(NamedTuple):
    """A process as stored; times are RFC 3339 texts in UTC."""

    owner: str
    pid: int
    kind: str
    started_at: str
    heartbeat_at: str
    lease_seconds: float
    """How long it may be silent before others may adopt its runs: its own promise, whatever their settings are."""
    host: str = ""
    """The name of its machine."""
    slots: int = 0
    """How many runs it takes at once; 0: only its own."""
    is_draining: int = 0
    """1 if a person has asked it to take no more runs, and to end."""


@dataclass(frozen=True)
class RunAtWork:
    """A run that a process works on."""

    run_id: str
    workflow: str
    title: str
    started_at: str | None
    """When it began (RFC 3339, UTC); None if that is about to happen."""


class OwnedWork(Struct, frozen=True):
    """What a process works on."""

    runs: int = 0
    """How many runs."""
    oldest: Sequence[RunAtWork] = ()
    """The runs that were accepted first."""


def is_silent(locks: Locks, owner: OwnerRecord, now: datetime) -> bool:
    """Return whether a "running" process is not to be believed: it is dead, or silent for longer than its lease."""
    lease = timedelta(seconds=owner.lease_seconds)
    return now - moment_of(owner.heartbeat_at) > lease or not locks.is_held(owner.owner)


class Owners(Protocol):
    """Knows the processes; any thread."""

    def get(self, owner: str) -> OwnerRecord | None:
        """Return a process; None once its runs have been taken over."""

    def at_work(self, most: int) -> Mapping[str, OwnedWork]:
        """Return the open runs of each process that do not wait: how many, and at most so many of them.

        Reads the index of the runs at work, so it may be asked often. A process without any is absent.
        """

    def drain(self, owner: str) -> bool:
        """Ask a process to take no more runs, and to end; return False if there is no such process."""


class Owner(Protocol):
    """This process as an owner of runs. Its proof of life is held until it ends, in whatever way."""

    id: str
    lease_seconds: float
    folder: Path
    """A folder in the state folder, for files about processes."""
    locks: Locks
    shares: bool
    """Whether runs that it accepts or takes over are for any worker, and not for itself alone."""

    limits: RunLimits
    """On the runs at work; if there are any, its runs wait to be claimed."""

    @property
    def beat_seconds(self) -> float:
        """Return the seconds between heartbeats."""

    def beat(self) -> None:
        """Update the heartbeat. Raises Fenced if another process has taken over."""

    def is_certain(self) -> bool:
        """Return whether nobody can have taken over yet, by this machine's clock alone.

        Its own lease is not over, and its proof of life was there a moment ago. Asks nobody: it may be cut off.
        """

    def admit(self) -> None:
        """Let this process put blobs again, if something other than a takeover shut it out. Raises Fenced."""

    def adopt(self) -> list[str]:
        """Adopt the open runs of every process that is dead, or stayed silent while this one watched; return their ids.

        When a machine wakes from sleep, all processes seem silent at once: the first to wake gives the others time
        for a heartbeat.
        """

    def adopt_all(self) -> list[str]:
        """Adopt the open runs of every dead or silent process, and interrupted runs without an owner."""

    def take(self, run_id: str) -> bool:
        """Adopt one open run whose owner is dead or silent, or that has none; return False if another process owns it.

        The other runs of that owner are not adopted, but it can no longer write to them.
        """

    def is_served(self) -> bool:
        """Return whether a live process, perhaps this one, serves the workspace."""

    def release(self) -> None:
        """Stop being an owner. Runs that are still open are left for others to adopt."""
