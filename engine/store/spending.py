"""The ports of what model calls use: counted by run, workflow and period, and reserved before each call.

A call is counted with its upper bound before it is made, and with what it really used once its answer is known. If that
is never known, because the answer was lost or the process died, the upper bound stays: it may have been charged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    import asyncio


class SpendingBucket(NamedTuple):
    """What is counted together: the calls of a run, or the calls of a workflow or of all workflows in a day or a month.

    Beside these, which budgets limit, answered calls are counted for each day by what asked (engine/budgets/use.py).
    """

    scope: str
    """`run:ID`, `workflow:ID`, `all`, or `use:KIND:MODE:NAME`."""
    period: str
    """`2026-11-21`, `2026-11`, or empty for a run."""


class Amount(NamedTuple):
    """What calls use."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    nano_usd: int = 0
    """Billionths of a dollar, without the calls that have no known price."""
    unpriced: int = 0
    """Calls whose price is not known."""

    @property
    def tokens(self) -> int:
        """Input and output tokens together."""
        return self.input_tokens + self.output_tokens

    def plus(self, other: Amount) -> Amount:
        """Return the sum."""
        return Amount(*(mine + its for mine, its in zip(self, other, strict=True)))

    def minus(self, other: Amount) -> Amount:
        """Return the difference."""
        return Amount(*(mine - its for mine, its in zip(self, other, strict=True)))


class Reservation(Struct, frozen=True):
    """A call that is to be made."""

    id: str
    run_id: str
    buckets: Sequence[SpendingBucket]
    at: str
    over_at: str
    """The time by which the call has ended, in whatever way."""


class BucketLevel(Struct, frozen=True):
    """How much is counted in the buckets of a call before it is made."""

    spent: Mapping[SpendingBucket, Amount]
    """With all reservations; a bucket without calls is absent."""
    in_flight: Mapping[SpendingBucket, Amount]
    """The part of it that calls have reserved whose answer is still to come; it may be settled lower."""


class Verdict(Protocol):
    """Whether a call may be made."""

    @property
    def amount(self) -> Amount | None:
        """What to reserve for it; None: it is not made."""

    @property
    def is_pause(self) -> bool:
        """Whether its run waits until a limit is raised or a new period begins."""


Decide = Callable[[BucketLevel], Verdict]


class Spending(Protocol):
    """Counts the calls of the runs of a process, in the transactions of its journal."""

    def reserve(self, wanted: Reservation, decide: Decide) -> asyncio.Future[Verdict]:
        """Decide about a call and reserve its amount, in one transaction over all processes; return the verdict.

        A run that pauses is noted as paused until it may go on.
        """

    def settle(self, reserved: Reservation, amount: Amount, answered: Sequence[SpendingBucket] = ()) -> None:
        """Count what a call has really used in place of what was reserved, if anything was.

        `answered`: further buckets to count it in, in which nothing was reserved.
        """

    def is_paused(self, run_id: str) -> bool:
        """Return whether a run is noted as paused."""


class SpendingStore(Protocol):
    """What was counted; any thread."""

    def of(self, buckets: Sequence[SpendingBucket]) -> Mapping[SpendingBucket, Amount]:
        """Return what is counted in these buckets, with all reservations; those without calls are absent."""

    def in_flight(self, at: str) -> Mapping[SpendingBucket, Amount]:
        """Return by bucket what calls have reserved whose answer is still to come; buckets without any are absent."""

    def daily(self, kind: str, first: str, last: str) -> list[tuple[SpendingBucket, Amount]]:
        """Return what is counted in the buckets `use:KIND:…` from one day to another, both included, in their order."""

    def of_last_runs(self, workflow_id: str, limit: int, *, demo: bool) -> list[Amount]:
        """Return what the newest successful runs of a workflow have used, newest first, with the runs they called."""

    def paused(self, without: frozenset[str] = frozenset()) -> list[str]:
        """Return the open runs that are paused, oldest first; `without` as in RunFilter."""

    def resume(self, run_ids: Sequence[str], at: str) -> None:
        """Note that these runs are no longer paused, and wake those that wait."""
