"""The ports of runs: the list, the documents of open runs, and what becomes of old ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from msgspec import Struct

from engine.base.errors import UnknownName
from engine.base.statuses import Priority
from engine.record.types.run import Acceptance, EnvironmentRecord, RunKind, TriggerItem
from engine.store.acceptances import IdempotentRequest


def unhashed(kind: RunKind) -> str | None:
    """Return the `plan_hash` of a run of this kind that has not ended."""
    return "" if kind is RunKind.PLAN else None


def priority_of(acceptance: Acceptance) -> Priority:
    """Return how urgent a run is."""
    return Priority(acceptance.get("priority", Priority.NORMAL))


def item_words(trigger: TriggerItem | None) -> str:
    """Return the text by which a run is found that a trigger started: title and sender of its item, in lower case."""
    return "" if trigger is None else "\n".join(filter(None, (trigger["title"], trigger.get("sender")))).lower()


def environment_name(environment: EnvironmentRecord | None) -> str:
    """Return the name of the environment of a run, "" without one."""
    return "" if environment is None else environment["name"]


class RunFilter(Struct, frozen=True):
    """Which runs to list; None and () mean any. `since` and `until` (exclusive) are RFC 3339 texts in UTC."""

    statuses: tuple[str, ...] = ()
    """Values of ListedStatus; "succeeded" includes runs with failed parts."""
    workflow: str | None = None
    """The name that it had when the run was accepted."""
    workflow_id: str | None = None
    started_by: str | None = None
    parent: str | None = None
    """Run id of the caller."""
    plans: bool = False
    """Plans instead of runs that really run, but without plans that only check another one or were called by one."""
    text: str | None = None
    """Occurs in its id, workflow, title or sentence, or in the title or sender of the item that started it."""
    since: str | None = None
    until: str | None = None
    demo: bool | None = None
    environment: str | None = None
    without: frozenset[str] = frozenset()
    """The ids of workflows whose runs are left out, with the runs of their branches and all that these have called."""


class InFlight(Struct, frozen=True):
    """A write that may be in progress."""

    run_id: str
    path: str
    uses: str


class RunRecord(NamedTuple):
    """The row of a run, with its columns (engine/store/sql/base/tables.py)."""

    run_id: str
    workflow: str
    title: str
    status: str
    demo: int
    started_by: str
    origin_run_id: str | None
    parent_run_id: str | None
    queued_at: str
    started_at: str | None
    ended_at: str | None
    duration_seconds: float | None
    sentence: str
    counts: str
    owner: str | None
    due_at: str | None
    cancel_requested: int
    lane: str | None
    is_test: int
    end_number: int | None
    plan_hash: str | None = None
    """The hash of a plan, empty until it has ended. None for a run that really runs."""
    is_drifted: int | None = None
    """1 for a plan that no longer fitted the world when it was to be applied; it never is then."""
    drift: str | None = None
    """What had changed then, as JSON: [{path, before, after}]."""
    environment: str = ""
    """Its name; "" if the workspace had none."""
    priority: int = Priority.NORMAL.rank
    """`Priority.rank`."""
    connections: str = ""
    """See `limited_connections`."""
    is_at_work: int = 0
    """1 while a process works on it, or is about to."""
    item: str = ""
    """Set for a run that a trigger has started: see `item_words`."""
    kind: str = ""
    """A `RunKind`; "" for a run that a process of 0.1.0 has accepted."""
    acceptance: str | None = None
    """None for a run that has ended, and in lists, which do not read this long text."""

    @property
    def run_kind(self) -> RunKind:
        """The kind, as far as the row tells."""
        if self.kind:
            return RunKind(self.kind)
        return RunKind.PART if self.is_test else RunKind.RUN if self.plan_hash is None else RunKind.PLAN


class RunsAlike(NamedTuple):
    """Runs of a workflow that ended in the same way, with the same counts."""

    workflow_id: str
    demo: int
    status: str
    counts: str
    runs: int
    workflow: str
    title: str
    newest: str
    """The id of the newest of them; name, title and sentence are only sure to be its own if it is the only one."""
    sentence: str


class Backlog(NamedTuple):
    """How many runs wait to begin, without those that a trigger has queued for their turn, and how many have ended."""

    waiting: int
    ended: int


class RunStanding(NamedTuple):
    """How an open run stands: its row's status, and the process that has it, if any."""

    status: str
    owner: str | None


class RunStore(Protocol):
    """Keeps runs; any thread. What a run does while it is at work goes through the journal of its process."""

    def of_request(self, request: IdempotentRequest) -> str | None:
        """Return the run that this request started before, if any. Raises InUse if its key came with another one."""

    def get(self, run_id: str) -> RunRecord | None:
        """Return a run, if known."""

    def workflows_of(self, run_id: str) -> list[tuple[str, str]]:
        """Return (name, id) of the workflow of a run, then of the ones that called it; [] if the run is not known."""

    def unknown(self, run_id: str) -> UnknownName:
        """Return the error for a run without a row or a log; it says which, and whether receipts mention the run."""

    def standings(self, run_ids: Sequence[str]) -> Mapping[str, RunStanding]:
        """Return how these runs stand, without those that have ended."""

    def caller(self, run_id: str) -> RunRecord | None:
        """Return the run that called this one, if any."""

    def with_events(self, run_id: str) -> tuple[RunRecord | None, list[str]]:
        """Return a run and its events in order (none once it has ended), from one snapshot."""

    def with_events_from(self, run_id: str, number: int) -> tuple[RunRecord | None, list[tuple[int, str]]]:
        """Return a run and (number, text) of its events from a number on, from one snapshot."""

    def last_event(self, run_id: str) -> int:
        """Return the number of the newest event of a run, 0 without events."""

    def page(self, wanted: RunFilter, before: str | None, limit: int) -> list[RunRecord]:
        """Return at most `limit` runs without their acceptance, newest first, older than run id `before`."""

    def listed(self, run_ids: Sequence[str]) -> list[RunRecord]:
        """Return these runs, as far as they are listed, without their acceptance."""

    def overtaken(self, run_ids: Sequence[str]) -> set[str]:
        """Return which of these runs were followed by a successful run of the same workflow in the same mode."""

    def tally(self, since: str, until: str, without: frozenset[str] = frozenset()) -> dict[str, int]:
        """Return how many runs were accepted in a time, by status, without called ones and plans.

        `since` and `until` (exclusive) are RFC 3339 texts in UTC. `without`: as in RunFilter.
        """

    def alike(self, since: str, without: frozenset[str] = frozenset()) -> list[RunsAlike]:
        """Return the runs that have ended since a time (RFC 3339, UTC), or were accepted since and wait.

        Called ones, plans and tests are left out. `without`: as in RunFilter.
        """

    def backlog(self, since: str) -> Backlog:
        """Return how many runs wait to begin, and how many have ended since a time (RFC 3339, UTC)."""

    def in_flight(self, run_id: str) -> list[InFlight]:
        """Return the writes of a run, and of the open runs it called, that have an intent and no receipt yet."""

    def reopen(self, acceptance: Acceptance, event_texts: list[str], owner: str, title: str | None = None) -> bool:
        """Reopen an ended run with these events as its history; return False if it has not ended.

        `title` is the workflow's title, if it has changed.
        """

    def redefine(self, acceptance: Acceptance, title: str, owner: str, event_text: str) -> None:
        """Give an open run of an owner a new definition, and record that as an event. Raises InUse."""

    def put_down(self, run_id: str, owner: str) -> None:
        """Release an open run of an owner, for another process to resume."""

    def ask_to_cancel(self, run_id: str) -> None:
        """Ask the owner of a run to cancel it."""

    def spoil_plan(self, run_id: str, drift: str) -> None:
        """Record that a plan no longer fits the world, and why (JSON); the first time counts."""

    def ended_ids(self) -> set[str]:
        """Return the ids of all runs that have ended."""

    def drop_ended(self, run_ids: Iterable[str]) -> None:
        """Forget these runs, as far as they have ended."""


class OldRuns(Protocol):
    """Chooses and removes old runs from the list; their receipts are kept for ever. Any thread and process."""

    def ended_before(self, time: str, *, demo: bool | None = None) -> list[str]:
        """Return the runs that ended before a time (RFC 3339, UTC) and may go, oldest first; `demo` filters them."""

    def beyond(self, count: int) -> list[str]:
        """Return the ended runs that may be removed, except the newest `count`, oldest first."""

    def take_off(self, run_ids: Sequence[str]) -> list[str]:
        """Remove the runs that may still go; return their ids. They are `leaving` until `forget`."""

    def leaving(self) -> list[str]:
        """Return the removed runs that may still have files, because a process died before it deleted them."""

    def forget(self, run_ids: Sequence[str]) -> None:
        """Record that the files of these runs are deleted."""


MOST_DEATHS_IN_A_ROW = 3
"""Deaths of its process in a row, with no step completed between them, after which a run that is tried is set aside."""
MOST_DEATHS = 10
"""Deaths after which a run is set aside in any case: in a row but never tried, or tried with progress in between."""
SUSPECT = 2
"""From this many deaths in a row on, a process works on one such run at a time: if it dies again, that one is tried."""


class Deaths(Struct, frozen=True):
    """How often the process of a run died while it worked on it."""

    in_a_row: int
    """With no step completed between them, whatever else the process worked on."""
    in_all: int
    """The deaths in which it was tried: the only run at work, or the only one of them with `SUSPECT` deaths in a row.

    Machines die, too, and with them dies work that is not to blame.
    """

    @property
    def are_too_many(self) -> bool:
        """Whether the run is no longer resumed automatically."""
        is_convicted = min(self.in_a_row, self.in_all) >= MOST_DEATHS_IN_A_ROW
        return is_convicted or max(self.in_a_row, self.in_all) >= MOST_DEATHS

    @property
    def times(self) -> str:
        """How often, in words."""
        in_a_row = f"{self.in_a_row} times in a row"
        return in_a_row if self.in_a_row >= MOST_DEATHS_IN_A_ROW else f"{self.in_all} times"
