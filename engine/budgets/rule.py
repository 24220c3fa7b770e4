"""Whether a call may be made: the decision alone, over what is counted and reserved.

The upper bound of a call must fit into what is left of each budget that can stop it. If it does not, because a model's
longest answer costs much more than the usual one, the call is still made once nothing else is in flight there: so calls
never exceed a limit together, and a single one does so at most once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from engine.budgets.limits import Budget, measures
from engine.store.spending import Amount, BucketLevel


class BudgetUse(Struct, frozen=True):
    """A budget, and what is used of it."""

    budget: Budget
    spent: Amount

    @property
    def is_used_up(self) -> bool:
        """Whether nothing is left of it."""
        return any(one.used >= one.most for one in measures(self.budget.limit, self.spent))


class CallVerdict(Struct, frozen=True):
    """Whether a call may be made."""

    model: str
    """The model to ask."""
    amount: Amount | None = None
    """What to reserve; None: it is not made now."""
    stops: Sequence[BudgetUse] = ()
    """The budgets that forbid it."""
    tells: Sequence[BudgetUse] = ()
    """Budgets that are used up, but allow it all the same, or with another model."""

    @property
    def is_pause(self) -> bool:
        """Whether its run waits until a limit is raised or a new period begins."""
        return bool(self.stops)

    @property
    def is_busy(self) -> bool:
        """Whether it is to be tried again once calls in flight are settled."""
        return self.amount is None and not self.stops


def decide(
    model: str,
    bound: Callable[[str], Amount],
    budgets: Sequence[Budget],
    standing: BucketLevel,
    *,
    can_change: bool = True,
) -> CallVerdict:
    """Return the verdict about a call; `bound` returns the upper bound of what it uses with a model.

    `can_change`: whether another model can take its place; where a budget wants one and it cannot, the call waits.
    """
    reached = [one for one in (BudgetUse(each, _settled(each, standing)) for each in budgets) if one.is_used_up]
    others = [one.budget.limit.other_model for one in reached if one.budget.limit.other_model]
    asked = others[-1] if others else model  # the widest scope decides
    pausing = [one for one in reached if one.budget.limit.on_limit == "pause"]
    stops = pausing if can_change else [one for one in reached if one.budget.limit.on_limit != "warn"]
    if stops:
        return CallVerdict(asked, stops=stops)
    amount, used_up = bound(asked), [one.budget for one in reached]
    limiting = [one for one in budgets if one.limit.on_limit != "warn" and one not in used_up]
    # without calls in flight it is made even if it does not fit: waiting would change nothing
    if any(one.bucket in standing.in_flight and not _fits(one, amount, standing) for one in limiting):
        return CallVerdict(asked)
    return CallVerdict(asked, amount, tells=reached)


def _settled(budget: Budget, standing: BucketLevel) -> Amount:
    """Return what is used without the calls in flight, whose usage is not known yet."""
    spent = standing.spent.get(budget.bucket, Amount())
    return spent.minus(standing.in_flight.get(budget.bucket, Amount()))


def _fits(budget: Budget, amount: Amount, standing: BucketLevel) -> bool:
    together = standing.spent.get(budget.bucket, Amount()).plus(amount)
    return all(one.used <= one.most for one in measures(budget.limit, together))
