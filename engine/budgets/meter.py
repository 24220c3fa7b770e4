"""Counts the requests to models that the steps of a run send, and holds back any that a budget has no room for.

A request is decided about where it is sent, in the thread of the step's call; the decision and the reservation are one
transaction of the run's journal (engine/store/spending.py), so that no other call, of whatever process, comes between.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import cast
from zoneinfo import ZoneInfo

from clients.deadline import seconds_left
from clients.errors import Timeout
from clients.models.metering import MOST_TOKENS, ModelRequest
from engine.base.clock import timestamp
from engine.base.errors import BudgetExceeded, PriceUnknown
from engine.budgets.limits import MoneySettings, SpendingRun, buckets_of, budgets_of
from engine.budgets.periods import Period
from engine.budgets.prices import Prices, usd
from engine.budgets.rule import BudgetUse, CallVerdict, decide
from engine.budgets.use import Use, buckets_of_use
from engine.plugins.step import Usage
from engine.store.spending import Amount, Reservation, Spending, SpendingBucket

_LOOK_SECONDS = 0.1  # how often a call looks whether the calls in flight leave room by now
_GRACE_SECONDS = 5.0
"""Added to the time limit of a call, after which its reservation no longer belongs to a request."""


class RunMeter:
    """Counts for one run. Lives on the engine's loop.

    Without any run, what is asked counts only for the budgets of all workflows together; `asker` is then its id.
    """

    def __init__(
        self,
        runs: Callable[[], Iterable[SpendingRun]],
        settings: Callable[[], MoneySettings],
        spending: Spending,
        clock: Callable[[], datetime],
        asker: str = "",
    ) -> None:
        self._asker = asker
        self._find_runs, self._runs = runs, list[SpendingRun]()
        self._settings, self._clock, self.spending = settings, clock, spending

    def of_call(
        self, connection: str, base_url: str, seconds: float, *, is_demo: bool, use: Use | None = None
    ) -> CallMeter:
        """Return the meter of a call of a connection, which takes at most `seconds`; `use`: what asks."""
        prices = Prices(self._settings().prices, connection, base_url, is_demo)
        told: Use = {**(use or {}), "connection": connection}
        return CallMeter(self, prices, timedelta(seconds=seconds + _GRACE_SECONDS), told)

    def buckets_of(self, use: Use, *, is_demo: bool) -> list[SpendingBucket]:
        """Return where an answered call is counted beside the budgets."""
        return buckets_of_use(use, self._clock(), ZoneInfo(self._settings().time_zone), is_demo=is_demo)

    async def reserve(
        self, request: ModelRequest, bound: Callable[[str], Amount], seconds: timedelta
    ) -> tuple[Reservation, CallVerdict]:
        """Decide about a request and reserve its upper bound. Raises JournalBroken, PriceUnknown."""
        self._runs = self._runs or list(self._find_runs())
        settings, now = self._settings(), self._clock()
        zone = ZoneInfo(settings.time_zone)
        budgets = budgets_of(self._runs, settings.budgets, now, zone)
        buckets = buckets_of(self._runs, now, zone)
        asker = self._runs[0].run_id if self._runs else self._asker
        wanted = Reservation(secrets.token_hex(8), asker, buckets, timestamp(now), timestamp(now + seconds))

        def checked(name: str) -> Amount:
            amount = bound(name)
            if amount.unpriced and settings.budgets.strict:
                raise _unknown_price(name)
            return amount

        model, can_change = request.model, not request.is_for_vectors
        checked(model)  # an unknown price is refused before anything is written
        if not budgets:
            return wanted, CallVerdict(model, Amount())
        verdict = await self.spending.reserve(
            wanted, lambda standing: decide(model, checked, budgets, standing, can_change=can_change)
        )
        return wanted, cast("CallVerdict", verdict)

    def exceeded(self, stops: Sequence[BudgetUse]) -> BudgetExceeded:
        """Return the error for budgets that are used up."""
        return exceeded(stops, ZoneInfo(self._settings().time_zone))


class CallMeter:
    """Counts the requests of one call of a step; used in the thread of the call (clients/models/metering.py)."""

    def __init__(self, run: RunMeter, prices: Prices, seconds: timedelta, use: Use) -> None:
        self._run, self._prices, self._seconds, self._use = run, prices, seconds, use
        self._loop = asyncio.get_running_loop()
        self.usage = Usage()
        """What was answered so far, with its cost."""
        self.notes: list[str] = []
        """Which budgets were used up although a request was sent."""
        self.is_closed = False
        """Whether the call was given up: it sends nothing more."""

    def admit(self, request: ModelRequest) -> CallPermit:
        """Return the permission for a request, as soon as calls in flight leave room for it.

        Raises BudgetExceeded, PriceUnknown, Timeout, JournalBroken.
        """
        while True:
            left = seconds_left(None, Timeout)
            if self.is_closed:
                raise Timeout("The call was given up before this request was sent.")
            asked = self._run.reserve(request, lambda model: self._bound(model, request), self._seconds)
            reserved, verdict = asyncio.run_coroutine_threadsafe(asked, self._loop).result(left)
            if verdict.stops:
                raise self._run.exceeded(verdict.stops)
            if verdict.amount is not None:
                self._tell(request.model, verdict)
                return CallPermit(self, reserved, verdict, request)
            time.sleep(_LOOK_SECONDS)

    def _bound(self, model: str, request: ModelRequest) -> Amount:
        asked = request.output_tokens
        is_told = request.is_for_vectors or (isinstance(asked, int) and asked > 0)
        longest = min(asked or 0, MOST_TOKENS) if is_told else self._prices.longest_answer(model)
        return self.amount((model,), request.input_tokens, longest)

    def amount(
        self, models: tuple[str, ...], input_tokens: int, output_tokens: int, cached: tuple[int, int] = (0, 0)
    ) -> Amount:
        """Return what one call uses."""
        cost = self._prices.cost(models, input_tokens, output_tokens, cached)
        return Amount(1, input_tokens, output_tokens, cost or 0, int(cost is None))

    def settle(self, reserved: Reservation, amount: Amount, answered: str = "") -> None:
        """Count what a request has used, with the next transaction of the run; `answered`: the model that did."""
        use: Use = {**self._use, "model": answered}
        buckets = self._run.buckets_of(use, is_demo=self._prices.is_demo) if answered else []
        with suppress(RuntimeError):  # the loop has ended: what was reserved stays counted
            self._loop.call_soon_threadsafe(self._run.spending.settle, reserved, amount, buckets)

    def add(self, usage: Mapping[str, int], amount: Amount) -> None:
        """Add an answer to the usage of the call, as its server counts it."""
        # one answer without a price makes the cost of the whole call unknown
        is_known = not amount.unpriced and (self.usage.cost_usd is not None or self.usage == Usage())
        self.usage.input_tokens += usage["input_tokens"]
        self.usage.output_tokens += usage["output_tokens"]
        self.usage.cost_usd = (self.usage.cost_usd or 0.0) + usd(amount.nano_usd) if is_known else None

    def _tell(self, wanted: str, verdict: CallVerdict) -> None:
        for one in verdict.tells:
            other = one.budget.limit.other_model
            does = f"{other} was asked instead of {wanted}" if other else "as it only warns, the call was made"
            note = f"{_named(one.budget.period, one.budget.whose)} is used up; {does}."
            if note not in self.notes:
                self.notes.append(note)


class CallPermit:
    """The permission for one request."""

    def __init__(self, meter: CallMeter, reserved: Reservation, verdict: CallVerdict, request: ModelRequest) -> None:
        self._meter, self._reserved, self._request = meter, reserved, request
        self.model = verdict.model

    def answered(self, model: str, usage: Mapping[str, int], said: int = 0) -> None:
        """Count what was used; where the server gives no count, take the highest that is possible."""
        input_tokens, output_tokens = (
            usage["input_tokens"] or self._request.input_tokens,
            usage["output_tokens"] or said,
        )
        cached = usage.get("cached_tokens", 0), usage.get("cache_written_tokens", 0)
        amount = self._meter.amount((self.model, model), input_tokens, output_tokens, cached)
        self._meter.add(usage, amount)
        self._meter.settle(self._reserved, amount, self.model or model)

    def refused(self) -> None:
        """Count a call that used nothing."""
        self._meter.settle(self._reserved, Amount(calls=1))


def exceeded(stops: Sequence[BudgetUse], zone: ZoneInfo) -> BudgetExceeded:
    """Return the error for budgets that are used up; its `due_at` is when all of them have begun anew."""
    ends = [one.budget.ends_at for one in stops]
    due_at = None if None in ends else max(one for one in ends if one is not None)
    last = next(one for one in stops if one.budget.ends_at == due_at)
    period, whose = last.budget.period, last.budget.whose
    message = f"{_named(period, whose)} is used up: {last.budget.used(last.spent)}."
    is_in_its_file = bool(whose) and last.budget.is_own
    who = "An owner or editor" if is_in_its_file else "An owner"  # the others may not change that file
    newest = "the run: `orchestra runs resume RUN --newest`"  # a run counts by the file that it began with
    resume = newest if is_in_its_file else "it: `orchestra budgets resume`"
    raised = f"{who} can raise it ({last.budget.place}); then resume {resume}."
    if due_at is None:
        return BudgetExceeded(message, period, whose, remedy=raised)
    at = due_at.astimezone(zone).strftime("%Y-%m-%d %H:%M")
    remedy = f"It goes on by itself at {at} ({zone.key}). {raised}"
    return BudgetExceeded(message, period, whose, remedy=remedy, due_at=due_at)


def _named(period: Period, whose: str) -> str:
    whom = f"workflow {whose!r}" if whose else "all workflows"
    which = {"run": "The budget of this run", "day": "Today's budget"}.get(period, "This month's budget")
    return f"{which} of {whom}"


def _unknown_price(model: str) -> PriceUnknown:
    return PriceUnknown(
        f"The price of the model {model!r} is not known, and `budgets.strict` is on: it was not asked.",
        remedy=f"Give its price in config.yaml, such as `prices: {{{model}: {{input: 0.4, output: 1.6}}}}` (USD for a "
        "million tokens; 0 is free), or use a model whose price is known.",
    )
