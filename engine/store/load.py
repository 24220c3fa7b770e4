"""The port of what a monitor asks: how much work there is, which processes do it, and what models have used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from engine.base.statuses import AccountMode
from engine.store.owners import OwnerRecord
from engine.store.spending import Amount


class QueuedRuns(NamedTuple):
    """Runs that are queued."""

    runs: int = 0
    oldest_at: str | None = None
    """When the oldest run that never began was accepted (RFC 3339, UTC); None without such a run."""


class Load(NamedTuple):
    """The work of a workspace at one moment, over all processes."""

    open_runs: Mapping[str, int]
    """How many there are of each status; a status that no run has is absent."""
    ready: QueuedRuns
    """Queued runs that a worker may begin."""
    in_line: QueuedRuns
    """Queued runs that wait for their turn, because their workflow limits how many are active at once."""
    processes: Sequence[OwnerRecord]
    """The processes that own runs, including dead ones whose runs nobody has taken over yet."""
    used: Mapping[AccountMode, Amount]
    """What answered calls of models have used since the beginning, by the mode of the account."""
    set_aside: int = 0
    """Runs that took their process down too often, and that only a person resumes."""


class Loads(Protocol):
    """Measures the load; any thread."""

    def now(self) -> Load:
        """Return the load, from one snapshot. Reads only indexes except for queued runs, so it may be asked often."""

    def size_bytes(self) -> int:
        """Return how much room the whole state takes."""

    def set_aside(self) -> int:
        """Return how many runs took their process down too often, without measuring the rest."""
