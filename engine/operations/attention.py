"""What needs a person: failed and interrupted runs, questions, accounts, triggers, budgets and held writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from engine.base.services import add_command, client_class
from engine.base.statuses import ListedStatus, RunStatus

if TYPE_CHECKING:
    from engine.connections.connections import Connections
    from engine.connections.statuses import ConnectionStatus
    from engine.people.access import Principal
    from engine.runs.approvals import Approval, Approvals
    from engine.runs.budgets import BudgetOverview, BudgetRow, Budgets
    from engine.runs.proof import Proof
    from engine.runs.run_list import RunRow
    from engine.runs.run_reader import RunReader
    from engine.store.held import HeldWrites
    from engine.triggering.polling.status import Alarm, DeadItem, TriggerStatus
    from engine.triggering.triggers import Triggers

_LOOKED_AT = 100
_SETTLED = frozenset({RunStatus.SUCCEEDED, RunStatus.FAILED})
_PERIODS = {"day": "Today's budget", "month": "This month's budget"}


class Kind(StrEnum):
    """What needs attention."""

    WRITES_HELD = "writes_held"
    """Nothing is written until a person decides."""
    QUESTION = "question"
    """A run waits for an answer."""
    UNKNOWN_WRITE = "unknown_write"
    """A run has a write whose outcome is unknown."""
    FAILED_RUN = "failed_run"
    """A run, or some of its items."""
    SET_ASIDE_RUN = "set_aside_run"
    """It took its process down too often."""
    INTERRUPTED_RUN = "interrupted_run"
    ACCOUNT = "account"
    """It refuses access, or it is time to sign in again."""
    TRIGGER = "trigger"
    BUDGET = "budget"
    """It is used up, or nearly."""
    TRYING_AGAIN = "trying_again"
    """A trigger whose last poll failed. It polls again by itself, so nothing need be done yet."""


@dataclass(frozen=True)
class AttentionItem:
    """One thing that needs attention, in words for every front end."""

    kind: Kind
    id: str
    """The id of the run or question, the name of the connection, `WORKFLOW/TRIGGER`, or where the budget is set; "" for
    held writes."""
    workflow: str
    """Its name; "" if it concerns several."""
    message: str
    remedy: str
    since: str | None
    """RFC 3339, if known."""


@dataclass(frozen=True)
class Attention:
    """What needs attention, and what this was derived from."""

    recent: Sequence[RunRow]
    """The newest runs, newest first."""
    interrupted: Sequence[RunRow]
    """Runs whose process is gone, newest first, however old."""
    set_aside: Sequence[RunRow]
    """Runs that took their process down too often, newest first, however old."""
    overtaken: AbstractSet[str]
    """The ids of runs in `set_aside` after which their workflow has succeeded."""
    dead: Sequence[DeadItem]
    """Items that could not become a run, or whose run failed."""
    all_alarms: Sequence[Alarm]
    trying_again: Sequence[TriggerStatus]
    """Triggers that poll again by themselves after a failure."""
    connections: Sequence[ConnectionStatus]
    """All of them."""
    budgets: BudgetOverview
    questions: int
    """How many questions wait for an answer."""
    held: HeldWrites | None
    """Why writes are held."""

    @property
    def failed(self) -> list[RunRow]:
        """The runs that failed and have not been made good, then the runs that were set aside."""
        found = failing(self.recent, self.dead)
        known = {row.run_id for row in [*found, *self.interrupted]}
        return [*found, *(row for row in unsettled(self.set_aside, self.overtaken) if row.run_id not in known)]

    @property
    def alarms(self) -> list[Alarm]:
        """What is wrong with triggers; what an account refuses is among `accounts`."""
        return [one for one in self.all_alarms if one.kind != "account"]

    @property
    def accounts(self) -> list[ConnectionStatus]:
        """The connections whose account refuses access, or to which it is time to sign in again."""
        return [one for one in self.connections if one.needs_somebody]


class AttentionReader:
    """Collects what needs a person."""

    def __init__(
        self,
        runs: RunReader,
        triggers: Triggers,
        approvals: Approvals,
        connections: Connections,
        budgets: Budgets,
        proof: Proof,
    ) -> None:
        self._runs, self._triggers, self._approvals = runs, triggers, approvals
        self._connections, self._budgets, self._proof = connections, budgets, proof

    def now(self, p: Principal) -> Attention:
        """Return what needs attention, as far as `p` may see it; asks no service. Raises InvalidFile."""
        set_aside = self._runs.list_now(p, status=ListedStatus.SET_ASIDE, limit=_LOOKED_AT).rows
        triggers = self._triggers.difficulties(p)
        return Attention(
            recent=self._runs.list_now(p, limit=_LOOKED_AT).rows,
            interrupted=self._runs.list_now(p, status=RunStatus.INTERRUPTED, limit=_LOOKED_AT).rows,
            set_aside=set_aside,
            overtaken=self._runs.overtaken(p, [row.run_id for row in set_aside]),
            dead=self._triggers.dead(p),
            all_alarms=triggers.alarms,
            trying_again=triggers.trying_again,
            connections=self._connections.list(p),
            budgets=self._budgets.overview(p),
            questions=self._approvals.count_open(p),
            held=self._proof.held(p),
        )

    def items(self, p: Principal) -> list[AttentionItem]:
        """Return the same in words, with at most 200 questions, the newest. Raises InvalidFile."""
        return list(_items(self.now(p), self._approvals.list(p)))


def failing(rows: Sequence[RunRow], dead: Sequence[DeadItem]) -> list[RunRow]:
    """Return the failed runs that still need attention; `rows` are newest first.

    A run that a trigger started counts if its item is still dead. Of the runs that people started and that succeeded
    or failed, the newest of each workflow counts, if it failed or some of its items did; runs in the demo make no
    others good. A run in which a person rejected calls and nothing else failed does not count. A run with a write of
    unknown outcome counts until somebody says what became of it.
    """
    unfinished = {one.run_id for one in dead}
    latest: dict[tuple[str, bool], RunRow] = {}
    found = []
    for row in rows:
        if row.status not in _SETTLED or row.kind.is_test:
            continue
        is_decided = bool(row.counts.get("rejected"))
        has_failed = row.status == RunStatus.FAILED and not is_decided
        if _is_triggered(row):
            is_failing = has_failed and row.run_id in unfinished
        else:
            is_newest = latest.setdefault((row.workflow, row.demo), row) is row
            is_failing = is_newest and (has_failed or (bool(row.counts.get("failed_items")) and not is_decided))
        if is_failing or (has_failed and row.counts.get("unknown_effects")):
            found.append(row)
    return found


def unsettled(set_aside: Sequence[RunRow], overtaken: AbstractSet[str]) -> list[RunRow]:
    """Return the runs that were set aside, without those after which their workflow has succeeded.

    Runs that a trigger started are left out: their dead items are listed instead.
    """
    return [row for row in set_aside if not _is_triggered(row) and row.run_id not in overtaken]


def _is_triggered(row: RunRow) -> bool:
    return row.started_by.startswith("trigger:")


def _items(now: Attention, questions: Sequence[Approval]) -> Iterator[AttentionItem]:
    if now.held is not None:
        yield AttentionItem(Kind.WRITES_HELD, "", "", now.held.message, now.held.remedy, now.held.since)
    yield from map(_question, questions)
    set_aside = {row.run_id for row in now.set_aside}
    for row in [*now.failed, *now.interrupted]:
        yield _run(row, is_set_aside=row.run_id in set_aside)
    yield from map(_account, now.accounts)
    yield from map(_alarm, now.alarms)
    yield from map(_budget, now.budgets.alarms)
    yield from map(_trying_again, now.trying_again)


def _question(one: Approval) -> AttentionItem:
    from engine.runs.approval_titles import title_of

    remedy = (
        f"`orchestra approvals show {one.id}` shows it; answer it with `orchestra approvals approve {one.id}` or "
        f"`orchestra approvals reject {one.id}`."
    )
    return AttentionItem(Kind.QUESTION, one.id, one.workflow, title_of(one), remedy, one.asked_at)


def _run(row: RunRow, *, is_set_aside: bool) -> AttentionItem:
    kind, remedy = _of_run(row, is_set_aside=is_set_aside)
    message = f"{row.title}: {row.sentence}" if row.sentence else row.title
    since = row.ended_at or row.started_at or row.queued_at
    return AttentionItem(kind, row.run_id, row.workflow, message, remedy, since)


def _of_run(row: RunRow, *, is_set_aside: bool) -> tuple[Kind, str]:
    show, resume = f"`orchestra runs show {row.run_id}`", f"`orchestra runs resume {row.run_id}`"
    if row.counts.get("unknown_effects"):
        asked = f"`orchestra runs resume {row.run_id} --as-done` or `--redo`"
        return Kind.UNKNOWN_WRITE, f"{show} names the write. Look at the service yourself, then say so: {asked}."
    if is_set_aside:
        return Kind.SET_ASIDE_RUN, f"{show} shows what it did; {resume} continues it."
    if row.status == RunStatus.INTERRUPTED:
        return Kind.INTERRUPTED_RUN, f"{resume} continues it."
    if row.status == RunStatus.FAILED:
        return Kind.FAILED_RUN, f"{show} shows why; {resume} continues it."
    return Kind.FAILED_RUN, f"{show} shows which items failed; `orchestra runs rerun {row.run_id}` runs it again."


def _account(one: ConnectionStatus) -> AttentionItem:
    if one.trouble is not None:
        trouble = one.trouble
        return AttentionItem(Kind.ACCOUNT, one.name, "", trouble.sentence, trouble.remedy, trouble.since)
    facts = one.sign_in
    whose = f" ({facts.account})" if facts is not None and facts.account else ""
    note = facts.note if facts is not None else ""
    way = client_class(one.service).sign_in_for(one.beside_key)
    remedy = f"Sign in again before that: {add_command(one.service, one.name, way)}."
    return AttentionItem(Kind.ACCOUNT, one.name, "", f"The connection {one.name!r}{whose}: {note}", remedy, None)


def _alarm(one: Alarm) -> AttentionItem:
    id_ = f"{one.workflow}/{one.trigger}"
    since = None if one.kind == "dead" else one.since  # it has polled since
    return AttentionItem(Kind.TRIGGER, id_, one.workflow, one.message, one.remedy, since)


def _budget(one: BudgetRow) -> AttentionItem:
    whose = f"the workflow {one.workflow!r}" if one.workflow else "all workflows"
    nearly = "" if one.state == "used_up" else "nearly "
    message = f"{_PERIODS.get(one.period, 'The budget')} of {whose} is {nearly}used up: {one.sentence}."
    remedy = "`orchestra budgets list` shows it; once it is raised, `orchestra budgets resume` lets runs try again."
    return AttentionItem(Kind.BUDGET, one.place, one.workflow or "", message, remedy, None)


def _trying_again(one: TriggerStatus) -> AttentionItem:
    error, whose = one.error, f"{one.workflow_title or one.workflow}: {one.title}"
    message = f"{whose} is trying again. {error.message if error else ''}".rstrip()
    id_, remedy = f"{one.workflow}/{one.id}", error.remedy if error else ""
    return AttentionItem(Kind.TRYING_AGAIN, id_, one.workflow, message, remedy, one.succeeded_at)
