"""The budgets of a workspace: what was spent against each, and the runs that wait for one."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from engine.base.clock import Clock, timestamp
from engine.base.errors import InvalidInput, OrchestraError
from engine.base.json_text import JsonObject
from engine.base.names import workflow_id
from engine.budgets.limits import (
    ALL,
    Budget,
    MoneySettings,
    SpendingRun,
    common_budgets,
    workflow_budgets,
)
from engine.budgets.periods import Period, name_of
from engine.budgets.prices import usd
from engine.budgets.settings import BudgetSettings, WorkflowBudget
from engine.documents.repair import repaired
from engine.files.fingerprint import Stamp
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.people.operation import operation
from engine.store.spending import Amount, SpendingBucket, SpendingStore
from engine.workspace.file_store import FileStore

if TYPE_CHECKING:
    from engine.runner.worker.worker import Worker

ALARM = 0.8
"""From this share of a budget on, front ends warn about it."""

_TIMES: tuple[Period, ...] = ("day", "month")
_ANY = SpendingRun("", "", "", WorkflowBudget())
"""A workflow whose file sets no budget: the defaults are its budgets."""
State = Literal["ok", "near", "used_up"]


@dataclass(frozen=True)
class ModelUsage:
    """What model calls have used, with what those under way have reserved: their upper bounds."""

    usd: float
    calls: int
    tokens: int
    """Input and output together."""
    unpriced_calls: int
    """Calls whose price is not known; `usd` is without them."""
    reserved_usd: float = 0.0
    """Of `usd`, what calls have reserved whose answer is still to come; it may cost less."""
    reserved_tokens: int = 0
    """The same of `tokens`."""

    @property
    def spent_usd(self) -> float:
        """What was spent, without what is only reserved."""
        return self.usd - self.reserved_usd


@dataclass(frozen=True)
class BudgetRow:
    """A budget and what is used of it."""

    workflow: str | None
    """None: of all workflows together, or of each of them (`is_default`)."""
    period: Literal["run", "day", "month"]
    usd: float | None
    calls: int | None
    tokens: int | None
    on_limit: str
    """`pause`, `warn`, or the name of the model that is asked instead."""
    used: ModelUsage | None
    """None for a default, and for the budget of each run: the run itself shows it."""
    share: float | None
    """1.0 at the limit."""
    state: State
    place: str
    """Where it is written."""
    ends_at: str | None
    """When its period is over (RFC 3339); None for a run."""
    sentence: str
    is_default: bool = False
    """Whether it limits each workflow that has no budget of its own for this period."""


@dataclass(frozen=True)
class BudgetOverview:
    """All budgets of a workspace."""

    day: ModelUsage
    """Of all workflows, today in the workspace's time zone."""
    month: ModelUsage
    strict: bool
    budgets: list[BudgetRow]
    paused_runs: list[str]
    """Runs that wait for a budget, oldest first."""

    @property
    def alarms(self) -> list[BudgetRow]:
        """The budgets that are used up, or nearly."""
        return [one for one in self.budgets if one.state != "ok"]


class Budgets:
    """The `budgets` area."""

    def __init__(
        self,
        spent: SpendingStore,
        settings: Callable[[], MoneySettings],
        file_store: FileStore,
        worker: Worker,
        audit: Audit,
        clock: Clock,
        write: Callable[[JsonObject], None],
    ) -> None:
        self._spent, self._settings, self._file_store, self._clock = spent, settings, file_store, clock
        self._known: dict[str, tuple[Stamp, SpendingRun | None]] = {}
        self._worker, self._audit, self._write = worker, audit, write

    @operation("budgets.list", "view", "see budgets", "Show budgets", "GET /api/budgets")
    def overview(self, p: Principal) -> BudgetOverview:
        """Return every budget, how much of it is used, and what was spent today and this month.

        They are those of all workflows together, the defaults, and each workflow's own. A default is listed again for
        each workflow that has used some of it.

        Raises InvalidFile.
        """
        settings, now = self._settings(), self._clock()
        zone = ZoneInfo(settings.time_zone)
        common = [*common_budgets(settings.budgets, now, zone)]
        defaults = [*workflow_budgets(_ANY, settings.budgets, now, zone)]
        shown = [run for run in self._workflows() if p.sees(run.workflow)]
        each = [one for run in shown for one in workflow_budgets(run, settings.budgets, now, zone)]
        day, month = (SpendingBucket(ALL, name_of(period, now, zone)) for period in _TIMES)
        reserved = self._spent.in_flight(timestamp(now))  # before the sums: what is settled meanwhile is spent
        spent = self._spent.of([day, month, *(one.bucket for one in (*common, *each) if one.period != "run")])
        return BudgetOverview(
            day=_used(day, spent, reserved),
            month=_used(month, spent, reserved),
            strict=settings.budgets.strict,
            budgets=[
                *(_row(one, spent, reserved) for one in common),
                *map(_default_row, defaults),
                *(_row(one, spent, reserved) for one in each if one.is_own or one.bucket in spent),
            ],
            paused_runs=self._spent.paused(p.hidden.ids),
        )

    @operation("budgets.settings", "view", "see budgets", "See the settings of budgets")
    def settings(self, p: Principal) -> JsonObject:
        """Return `budgets` of config.yaml as far as it is set. Raises InvalidFile."""
        return _as_written(self._settings().budgets)

    def _workflows(self) -> Iterator[SpendingRun]:
        """Yield the workflows whose file can be read; a file is parsed again only if it has changed."""
        for name in self._file_store.names():
            stamp = self._file_store.stamp(name)
            known = self._known.get(name)
            if stamp is None:  # it may have changed just now
                run = self._read(name)
            elif known is not None and known[0] == stamp:
                run = known[1]
            else:
                run = self._read(name)
                self._known[name] = stamp, run
            if run is not None:
                yield run

    def _read(self, name: str) -> SpendingRun | None:
        try:
            document = self._file_store.document(name)
            budget = WorkflowBudget.model_validate(document.get("budget") or {})
        except (OrchestraError, ValidationError):  # the page of the workflow says what is wrong
            return None
        return SpendingRun("", name, workflow_id(document, name), budget)

    @operation("budgets.set", "admin", "set budgets", "Change the budgets")
    def set(self, p: Principal, wanted: JsonObject) -> JsonObject:
        """Set `budgets` of config.yaml to exactly these; return them. They count from the next call of a model on.

        Raises InvalidInput that names each wrong setting, InvalidFile, StorageError.
        """
        found, repair = repaired(BudgetSettings, dict(wanted), is_strict=True)
        if found is None or repair.faults:
            said = [f"`budgets.{'.'.join(map(str, one.path))}`: {one.message}" for one in repair.faults]
            raise InvalidInput(" ".join(said), remedy=" ".join(one.remedy for one in repair.faults if one.remedy))
        before, after = self.settings(p), _as_written(found)
        self._write(after)
        self._audit.record(p, "budgets.set", "", {"before": before, "after": after})
        return after

    @operation(
        "budgets.resume",
        "run",
        "resume runs",
        "Resume the runs that wait for a budget",
        "POST /api/budgets/resume",
        answer="run_ids",
    )
    def resume(self, p: Principal) -> builtins.list[str]:
        """Let runs that wait for a budget try again after it has been raised; those that still exceed it wait again.

        Raises StorageError.
        """
        paused = self._spent.paused(p.hidden.ids)
        run_ids = [one for one in paused if all(p.may_run(name) for name, _ in self._worker.rows.workflows_of(one)[:1])]
        self._spent.resume(run_ids, timestamp(self._clock()))
        self._audit.record(p, "budgets.resume", "", {"runs": len(run_ids)})
        for run_id in run_ids:  # other processes wake theirs by themselves
            if self._worker.owner.take(run_id):
                self._worker.go_on(run_id, p.id)
        return run_ids


def _as_written(budgets: BudgetSettings) -> JsonObject:
    return budgets.model_dump(exclude_none=True, exclude_defaults=True)


def _used(
    bucket: SpendingBucket, spent: Mapping[SpendingBucket, Amount], reserved: Mapping[SpendingBucket, Amount]
) -> ModelUsage:
    amount, bound = spent.get(bucket, Amount()), reserved.get(bucket, Amount())
    # Reservations are read before the sums, and what was settled in between may have cost less.
    in_flight, tokens = min(bound.nano_usd, amount.nano_usd), min(bound.tokens, amount.tokens)
    return ModelUsage(usd(amount.nano_usd), amount.calls, amount.tokens, amount.unpriced, usd(in_flight), tokens)


def _row(
    budget: Budget, spent: Mapping[SpendingBucket, Amount], reserved: Mapping[SpendingBucket, Amount]
) -> BudgetRow:
    row = _limits(budget)
    if budget.period == "run":
        return BudgetRow(**row, used=None, share=None, state="ok", sentence=f"{budget.most()} for each run")
    amount = spent.get(budget.bucket, Amount())
    share = budget.share(amount)
    state: State = "used_up" if share >= 1 else "near" if share >= ALARM else "ok"
    return BudgetRow(
        **row, used=_used(budget.bucket, spent, reserved), share=share, state=state, sentence=budget.used(amount)
    )


def _default_row(budget: Budget) -> BudgetRow:
    """Return the row of a default: what each workflow has used of it is in rows of their own."""
    each = "run" if budget.period == "run" else "workflow"
    sentence = f"{budget.most()} for each {each}"
    return BudgetRow(**_limits(budget), used=None, share=None, state="ok", sentence=sentence, is_default=True)


def _limits(budget: Budget) -> dict[str, Any]:
    limit = budget.limit
    return {
        "workflow": budget.whose or None,
        "period": budget.period,
        "usd": limit.usd,
        "calls": limit.calls,
        "tokens": limit.tokens,
        "on_limit": limit.other_model or limit.on_limit,
        "place": budget.place,
        "ends_at": None if budget.ends_at is None else timestamp(budget.ends_at),
    }
