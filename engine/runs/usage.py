"""The `usage` area: tokens and money of models, by what asked and what was asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from msgspec import Meta

from engine.base.clock import Clock
from engine.base.errors import InvalidInput
from engine.base.names import checked_run_id
from engine.budgets.limits import MoneySettings
from engine.budgets.periods import name_of
from engine.budgets.prices import usd
from engine.budgets.use import KINDS, OF_MODELS, Kind, model_in, named_in, of_models
from engine.documents.csv_text import csv_text
from engine.people.access import Principal
from engine.people.operation import operation
from engine.record.types.step import UsageRecord
from engine.store.reports import Reports
from engine.store.spending import Amount, SpendingBucket, SpendingStore

MOST_DAYS = 366
_CSV = ("day", "name", "demo", "calls", "input_tokens", "output_tokens", "usd", "calls_without_price")


@dataclass(frozen=True)
class UsageRow:
    """What answered calls have used. A call whose answer was lost counts for the budgets only."""

    name: str
    """Of a workflow, step, prompt version, model or connection; or a day."""
    demo: bool
    """Whether the demo's stand-in answered, which costs nothing."""
    calls: int
    input_tokens: int
    output_tokens: int
    usd: float
    """Without the calls whose price is not known."""
    unpriced_calls: int
    models: dict[str, int] = field(default_factory=dict)
    """Of a step or prompt that has asked several models: the calls that each has answered, most first."""

    @property
    def shares(self) -> str:
        """How often each of several models answered, such as: local 82%, gpt-4.1-mini 18%."""
        whole = sum(self.models.values())
        return ", ".join(f"{model} {calls / whole:.0%}" for model, calls in self.models.items())


@dataclass(frozen=True)
class UsageReport:
    """The usage of some days."""

    by: Kind
    first_day: str
    last_day: str
    rows: list[UsageRow]
    """The most expensive first, then those with the most tokens."""
    days: list[UsageRow]
    """Each day of the time, also those without calls; the demo and your accounts apart."""


@dataclass(frozen=True)
class RunUsage:
    """What a run has used, with all runs that it has called, directly or not."""

    calls: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    """None if the price of a call is not known."""

    def is_more_than(self, told: UsageRecord) -> bool:
        """Return whether calls were made that the steps of the run do not show.

        The run that made them was cancelled meanwhile, or their answers were lost.
        """
        return self.input_tokens > told["input_tokens"] or self.output_tokens > told["output_tokens"]


class UsageReader:
    """Reads what was used."""

    def __init__(
        self, spent: SpendingStore, reports: Reports, settings: Callable[[], MoneySettings], clock: Clock
    ) -> None:
        self._spent, self._reports, self._settings, self._clock = spent, reports, settings, clock

    @operation("usage.report", "view", "see usage", "Show usage", "GET /api/usage")
    def report(
        self,
        p: Principal,
        by: Annotated[Kind, Meta(description="What to count by; `prompt` is by version.")] = "workflow",
        days: Annotated[int, Meta(ge=1, le=MOST_DAYS, description="The last days, today included.")] = 30,
    ) -> UsageReport:
        """Return tokens and money by workflow, step, prompt version, model or connection, and by day.

        Raises NotAllowed, InvalidInput.
        """
        period = self._days(by, days)
        found = self._shown(p, by, period)
        every = found if by == "connection" else self._reports.daily("connection", period[0], period[-1])
        models = self._models(by, period)
        rows = [
            replace(one, models=models.get((one.name, one.demo), {}))
            for one in _summed((named_in(bucket), amount) for bucket, amount in found)
        ]
        by_day = _summed(((bucket.period, named_in(bucket)[1]), amount) for bucket, amount in every)
        has_demo = any(one.demo for one in by_day)
        known = {(one.name, one.demo): one for one in by_day}
        kinds = (False, True) if has_demo else (False,)
        return UsageReport(
            by=by,
            first_day=period[0],
            last_day=period[-1],
            rows=sorted(rows, key=lambda one: (-one.usd, -one.input_tokens - one.output_tokens, one.name)),
            days=[known.get((day, demo)) or _row(day, Amount(), demo=demo) for demo in kinds for day in period],
        )

    @operation("usage.of_run", "view", "see usage", "Read the usage of a run")
    def of_run(self, p: Principal, run_id: str) -> RunUsage:
        """Return what a run has used together with the runs that it called, so far; zeros for a run that is not known.

        A call whose answer was lost counts with its upper bound: it may have been charged. Raises NotAllowed,
        InvalidInput.
        """
        bucket = SpendingBucket(f"run:{checked_run_id(run_id)}", "")
        found = self._spent.of([bucket]).get(bucket, Amount())
        cost = None if found.unpriced else usd(found.nano_usd)
        return RunUsage(found.calls, found.input_tokens, found.output_tokens, cost)

    @operation("usage.csv", "view", "see usage", "Export the usage as CSV")
    def csv(self, p: Principal, by: Kind = "workflow", days: int = 30) -> str:
        """Return a line for each day and name as CSV. Raises as `report`."""
        period = self._days(by, days)
        found = self._shown(p, by, period)
        return csv_text(
            _CSV, (_line(bucket, amount) for bucket, amount in sorted(found, key=lambda one: one[0].period))
        )

    def _shown(self, p: Principal, by: Kind, period: list[str]) -> list[tuple[SpendingBucket, Amount]]:
        """Return what was used, without the names of hidden workflows and of their steps; sums include them."""
        found = self._reports.daily(by, period[0], period[-1])
        if not p.hidden or by not in ("workflow", "step"):
            return found
        return [one for one in found if p.sees(named_in(one[0])[0].partition(": ")[0])]

    def _models(self, by: Kind, period: list[str]) -> dict[tuple[str, bool], dict[str, int]]:
        """Return how often each of several models answered, by the name of a step or prompt."""
        counts: dict[tuple[str, bool], Counter[str]] = {}
        for bucket, amount in self._reports.daily(of_models(by), period[0], period[-1]) if by in OF_MODELS else ():
            name, demo = named_in(bucket)
            model, asked_by = model_in(name)
            counts.setdefault((asked_by, demo), Counter())[model] += amount.calls
        return {key: dict(one.most_common()) for key, one in counts.items() if len(one) > 1}

    def _days(self, by: str, days: int) -> list[str]:
        if by not in KINDS:
            raise InvalidInput(f"Usage is not counted by {by!r}.", remedy=f"Choose one of {', '.join(KINDS)}.")
        if not 1 <= days <= MOST_DAYS:
            raise InvalidInput(f"{days} days are not a time to report on.", remedy=f"Ask for 1 to {MOST_DAYS}.")
        zone = ZoneInfo(self._settings().time_zone)
        # Noon exists on every day; other times may be skipped where clocks change.
        today = self._clock().astimezone(zone).replace(hour=12)
        return [name_of("day", today - timedelta(days=before), zone) for before in reversed(range(days))]


def _summed(found: Iterable[tuple[tuple[str, bool], Amount]]) -> list[UsageRow]:
    sums: dict[tuple[str, bool], Amount] = {}
    for key, amount in found:
        sums[key] = sums.get(key, Amount()).plus(amount)
    return [_row(name, amount, demo=demo) for (name, demo), amount in sums.items()]


def _row(name: str, amount: Amount, *, demo: bool) -> UsageRow:
    cost = usd(amount.nano_usd)
    return UsageRow(name, demo, amount.calls, amount.input_tokens, amount.output_tokens, cost, amount.unpriced)


def _line(bucket: SpendingBucket, amount: Amount) -> tuple[str | float, ...]:
    name, demo = named_in(bucket)
    tokens = (amount.input_tokens, amount.output_tokens)
    return (bucket.period, name, "yes" if demo else "no", amount.calls, *tokens, usd(amount.nano_usd), amount.unpriced)
