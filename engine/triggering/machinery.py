"""All that triggers need in a process, put together: the facet, the turns of runs, and in a server the watch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from engine.clock import Clock
from engine.connections.accounts import Accounts
from engine.errors import OrchestraError
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.runner.host import Host
from engine.runs.acceptor import Acceptor
from engine.runs.run_log import RunLogs
from engine.triggering.alarms import Notifications
from engine.triggering.asking import Asking
from engine.triggering.beginnings import Beginnings
from engine.triggering.costs import Costs
from engine.triggering.ended_runs import EndedRuns
from engine.triggering.finder import Finder
from engine.triggering.items import ItemRows
from engine.triggering.looks import Looks
from engine.triggering.polls import Polls
from engine.triggering.previews import Previews
from engine.triggering.rows import TriggerRows
from engine.triggering.statuses import Statuses
from engine.triggering.triggers import Parts, Triggers
from engine.triggering.turns import Turns
from engine.triggering.watch import Watch
from engine.triggering.workplace import Workplace


@dataclass(frozen=True)
class Needs:
    """What the parts are made of."""

    host: Host
    acceptor: Acceptor
    accounts: Accounts
    logs: RunLogs
    audit: Audit
    clock: Clock
    workplace: Workplace
    workflows: Callable[[], Sequence[str]]
    """The names of the workflow files."""
    agree: Callable[[Principal, str], None]
    resume: Callable[[Principal, str], str]


class Machinery:
    """The parts; `watch` is None until `begin_watching`."""

    def __init__(self, needs: Needs) -> None:
        database = needs.host.database
        self._needs, self._rows, self._items = needs, TriggerRows(database), ItemRows(database)
        self._finder = Finder(needs.workplace, needs.accounts, EndedRuns(database))
        self._watch: Watch | None = None
        self.turns = Turns(needs.host, lambda workflow: self._finder.plan(workflow).concurrency)
        looks = Looks(self._items, needs.host.acceptances, needs.acceptor, needs.clock, self._is_stopped)
        self._polls = Polls(database, self._rows, self._finder, looks, on_queued=self.turns.begin)
        self._statuses = Statuses(database, self._rows, self._items, self._finder, needs.workflows, needs.clock)
        asking = Asking(
            database=database,
            owners=needs.host.owner.folder,
            rows=self._rows,
            polls=self._polls,
            turns=self.turns,
            clock=needs.clock,
            adopt=needs.host.adopt_from_now_on,
            wake=self._look_now,
        )
        parts = Parts(
            rows=self._rows,
            items=self._items,
            finder=self._finder,
            looks=looks,
            beginnings=Beginnings(self._rows, looks, self._finder, needs.agree),
            previews=Previews(looks, Costs(database, needs.logs, needs.workplace.model_of)),
            statuses=self._statuses,
            turns=self.turns,
            asking=asking,
            audit=needs.audit,
            resume=needs.resume,
        )
        self.facet = Triggers(parts)

    def begin_watching(self) -> None:
        """Watch every trigger that is on, from now on (the serving process does)."""
        self.turns.begin()
        needs = self._needs
        self._notifications = Notifications(
            needs.host,
            needs.acceptor,
            needs.clock,
            self._statuses.in_question,
            lambda: needs.workplace.notified,
            self._finder.plan,
        )
        self._watch = Watch(self._rows, self._polls, needs.clock, self._check)
        self._watch.start()

    def close(self) -> None:
        """Look no more, and let nothing begin."""
        if self._watch is not None:
            self._watch.close()
        self.turns.close()

    def _check(self) -> None:
        self._notifications.check()
        self._forget_seen()

    def _forget_seen(self) -> None:
        """Drop what the cursor alone can tell from new things."""
        for row in self._rows.on():
            try:
                days = self._finder.named(row.workflow, row.trigger).trigger.kind.remembered_days
            except OrchestraError:
                continue
            if days is not None:
                self._items.forget(row.trigger, row.workflow, self._needs.clock() - timedelta(days=days))

    def _is_stopped(self) -> bool:
        return self._watch is not None and self._watch.is_stopped

    def _look_now(self) -> None:
        if self._watch is not None:
            self._watch.look_now()
