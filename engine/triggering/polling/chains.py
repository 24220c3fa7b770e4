"""Notices a trigger whose runs seem to start each other, by way of what they write."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.base.clock import Clock, timestamp
from engine.base.errors import OrchestraError
from engine.base.names import workflow_id
from engine.plugins.registry import step_type
from engine.store.triggering.triggered_runs import TriggeredRuns
from engine.store.triggering.triggers import TriggerRecord
from engine.triggering.polling.not_watched import FeedsItself
from engine.triggering.polling.status import FEEDS_ITSELF

if TYPE_CHECKING:
    from engine.triggering.polling.resolver import Watched

_HOUR = timedelta(hours=1)
_CONTINUE = (
    "Let its runs write elsewhere, or let the trigger watch less. To go on with all that waits, turn it on again; "
    "`limits.chained_polls_per_hour` in config.yaml allows more."
)


class Chains(Struct, frozen=True):
    """Counts, for a trigger, the polls that found something after a run had written there."""

    runs: TriggeredRuns
    clock: Clock
    most: Callable[[], int]

    def require_none(self, watched: Watched, row: TriggerRecord) -> None:
        """Raise FeedsItself if there were too many within an hour, and until a person turns the trigger on again.

        A flood from outside is one poll, or some; a chain needs a poll for each link.
        """
        most = self.most()
        if not watched.named.trigger.kind.watches:
            return
        since = max(timestamp(self.clock() - _HOUR), row.turned_on_at)
        was_paused = row.error is not None and json.loads(row.error).get("type") == FEEDS_ITSELF
        if not was_paused:
            polls = self.runs.polls_since(row.key, since)
            if len(polls) <= most or _links(polls, self._written(watched, since)) <= most:
                return
        said = f"more than {most} times within an hour, it found something just after a run had written there"
        raise FeedsItself(f"Its runs seem to start each other: {said}.", remedy=_CONTINUE)

    def _written(self, watched: Watched, since: str) -> list[str]:
        """Return when runs wrote where a trigger looks, unless it knows that they did."""
        plan, trigger, kind = watched.named.plan, watched.named.trigger, watched.named.trigger.kind
        fields = watched.named.fields.model_dump()
        own = {plan.id, *(workflow_id(document, name) for name, document in plan.workflows.items())}

        def counts(uses: str) -> bool:
            try:
                step = step_type(uses)
            except OrchestraError:  # a tool that is gone
                return False
            is_marked = fields.get("include_own") is False and not step.is_tool
            return kind.watches in step.makes and not is_marked

        return [
            one.at
            for one in self.runs.writes_since(since, counts)
            if (one.made.uses in trigger.fed_by if one.workflow in own else kind.may_be_there(fields, one.made))
        ]


def _links(polls: Sequence[str], written: Sequence[str]) -> int:
    """Return how many polls had a write between the poll before and themselves."""
    count, before, left = 0, "", list(reversed(written))
    for poll in polls:
        has_write = False
        while left and left[-1] <= poll:
            has_write = left.pop() > before or has_write
        count += has_write
        before = poll
    return count
