"""Which budgets a call counts for: the budgets of its run, of the runs that called it, and of all workflows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from msgspec import Struct

from engine.base.definitions import WorkflowDefinition
from engine.base.names import file_stem
from engine.budgets.periods import Period, end_of, name_of
from engine.budgets.prices import usd
from engine.budgets.settings import BudgetSettings, Limit, PriceTable, WorkflowBudget
from engine.store.spending import Amount, SpendingBucket

ALL = "all"


class MoneySettings(Protocol):
    """What config.yaml says about money."""

    @property
    def budgets(self) -> BudgetSettings:
        """The budgets of all workflows."""

    @property
    def prices(self) -> PriceTable:
        """The prices that are declared."""

    @property
    def time_zone(self) -> str:
        """Whose days and months count."""


class SpendingRun(NamedTuple):
    """A run that calls count for: the run itself, or one that called it."""

    run_id: str
    workflow: str
    workflow_id: str
    budget: WorkflowBudget
    """As its workflow file says."""


class Budget(Struct, frozen=True):
    """A limit in force."""

    bucket: SpendingBucket
    period: Period
    limit: Limit
    whose: str
    """The workflow; empty for all together."""
    place: str
    """Where it is written."""
    is_own: bool
    """Whether it is written for this bucket, and is not the default for each workflow."""
    ends_at: datetime | None
    """When its period is over, in UTC; None if only a person ends the wait for it."""

    def used(self, spent: Amount) -> str:
        """Return how much of it is used, in words: `$1.02 of $1.00`."""
        return ", ".join(f"{one.said(one.used)} of {one.said(one.most)}" for one in measures(self.limit, spent))

    def most(self) -> str:
        """Return the limit in words: `$1.00`."""
        return ", ".join(one.said(one.most) for one in measures(self.limit, Amount()))

    def share(self, spent: Amount) -> float:
        """Return the share of it that is used, 1.0 at the limit."""
        # a limit of 0 is used up before anything is spent
        return max(one.used / one.most if one.most else 1.0 for one in measures(self.limit, spent))


class Measure(NamedTuple):
    """One of the measures of a limit."""

    unit: str
    used: float
    most: float

    def said(self, value: float) -> str:
        """Return an amount in words."""
        return money(value) if self.unit == "usd" else f"{int(value):,} {self.unit}"


def measures(limit: Limit, spent: Amount) -> list[Measure]:
    """Return each measure that is limited, with what is used of it."""
    found = (("usd", usd(spent.nano_usd), limit.usd), ("calls", spent.calls, limit.calls))
    every = (*found, ("tokens", spent.tokens, limit.tokens))
    return [Measure(unit, used, most) for unit, used, most in every if most is not None]


def money(amount: float) -> str:
    """Return USD for people; small amounts with more digits."""
    return f"${amount:,.2f}" if amount >= 1 or amount == 0 else f"${amount:.4f}"


def budget_in(document: WorkflowDefinition) -> WorkflowBudget:
    """Return the budget of a workflow's document, which has been checked."""
    return WorkflowBudget.model_validate(document.get("budget") or {})


def buckets_of(runs: Sequence[SpendingRun], at: datetime, zone: ZoneInfo) -> list[SpendingBucket]:
    """Return everything that a call of the first of these runs counts for; the others called it."""
    periods: tuple[Period, ...] = ("day", "month")
    scopes = [*dict.fromkeys(f"workflow:{one.workflow_id}" for one in runs), ALL]
    times = [SpendingBucket(scope, name_of(period, at, zone)) for scope in scopes for period in periods]
    return [*(SpendingBucket(f"run:{one.run_id}", "") for one in runs), *times]


def budgets_of(runs: Sequence[SpendingRun], settings: BudgetSettings, at: datetime, zone: ZoneInfo) -> list[Budget]:
    """Return the budgets that a call counts for, the widest scope last."""
    found = [budget for run in runs for budget in workflow_budgets(run, settings, at, zone)]
    # once each: several of the runs may be of one workflow
    return [*dict.fromkeys(found), *common_budgets(settings, at, zone)]


def workflow_budgets(run: SpendingRun, settings: BudgetSettings, at: datetime, zone: ZoneInfo) -> Iterator[Budget]:
    """Yield the budgets of a run and of its workflow."""
    own = {period for period, _ in run.budget.limits()}
    for period, limit in run.budget.over(settings.workflow).limits():
        scope = f"run:{run.run_id}" if period == "run" else f"workflow:{run.workflow_id}"
        place = f"workflows/{file_stem(run.workflow)}.json, `budget.{period}`"
        place = place if period in own else f"config.yaml, `budgets.workflow.{period}`"
        bucket = SpendingBucket(scope, name_of(period, at, zone))
        yield Budget(bucket, period, limit, run.workflow, place, is_own=period in own, ends_at=end_of(period, at, zone))


def common_budgets(settings: BudgetSettings, at: datetime, zone: ZoneInfo) -> Iterator[Budget]:
    """Yield the budgets of all workflows together."""
    periods: tuple[tuple[Period, Limit | None], ...] = (("day", settings.day), ("month", settings.month))
    for period, limit in periods:
        if limit is not None:
            bucket = SpendingBucket(ALL, name_of(period, at, zone))
            place = f"config.yaml, `budgets.{period}`"
            yield Budget(bucket, period, limit, "", place, is_own=True, ends_at=end_of(period, at, zone))
