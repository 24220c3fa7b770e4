"""The status of every trigger in the workspace, from files, rows and runs; no service is called."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from msgspec import Struct, field

from engine.base.clock import Clock
from engine.base.errors import InvalidFile, OrchestraError
from engine.base.statuses import AccountMode
from engine.compiler.self_feeding import FeedingChain, WorkflowFeeds, chains_among, feeds_of
from engine.store.triggering.triggered_runs import TriggeredRuns
from engine.store.triggering.triggers import SeenItems, TriggerKey, TriggerRecord, TriggerStore
from engine.triggering.alarms import is_silent
from engine.triggering.polling.not_watched import NotWatched
from engine.triggering.polling.resolver import NamedTrigger, TriggerResolver, require_id
from engine.triggering.polling.starts import needs_start
from engine.triggering.polling.status import TriggerError, TriggerStatus, state_of

_OF_ROW = (
    "turned_on_at", "turned_on_by", "looked_at", "succeeded_at", "look_again_at", "item_at", "failures", "note",
)  # fmt: skip
_CHANGED = TriggerError("NotWatched", "What it watches has changed.", "Turn it on again.")
_ANOTHER = TriggerError("NotWatched", "It was turned on for another account.", "Turn it on again for this one.")
_BRING_BACK = "Bring it back, or turn the trigger off."


class _Counts(Struct, frozen=True):
    """Counts for all triggers, read once for a list."""

    dead: Mapping[TriggerKey, int]
    queued: Counter[tuple[str, str]] = field(default_factory=Counter)
    running: Counter[tuple[str, str]] = field(default_factory=Counter)
    asking: Counter[tuple[str, str]] = field(default_factory=Counter)


class TriggerStatuses:
    """Returns the status of triggers; any thread."""

    def __init__(
        self,
        runs: TriggeredRuns,
        rows: TriggerStore,
        items: SeenItems,
        resolver: TriggerResolver,
        workflows: Callable[[], Sequence[str]],
        clock: Clock,
    ) -> None:
        self._runs, self._rows, self._items, self._resolver = runs, rows, items, resolver
        self._workflows, self._clock = workflows, clock

    def all(self, workflow: str | None = None, is_shown: Callable[[str], object] = str) -> list[TriggerStatus]:
        """Return every trigger of the readable workflow files, and those that are on but no longer have a file.

        The latter are listed under their workflow's id. A warning names another workflow only if `is_shown` returns
        something true for its name.
        """
        counts, rows, left_out = self._counts(), self._rows.all(), self._items.left_out()
        chains = {
            (one.workflow, one.trigger): f"{one.message} {one.remedy}"
            for one in self.chains(workflow)
            if all(map(is_shown, one.way))
        }
        places = {(name, self._resolver.ids.of(name)) for name in ([workflow] if workflow else self._workflows())}
        on, name_of = {row.workflow for row in rows if row.is_on}, self._resolver.ids.naming()
        places |= {(id_, id_) for id_ in on if workflow in (None, id_) and name_of(id_) is None}
        found: list[TriggerStatus] = []
        for name, id_ in sorted(places):
            mine = [row for row in rows if row.workflow == id_]
            found += [self._counted(one, mine, left_out) for one in self._standing(name, id_, mine, counts)]
        return [
            replace(one, warning=f"{one.warning} {chain}".lstrip())
            if (chain := chains.get((one.workflow, one.id)))
            else one
            for one in found
        ]

    def chains(self, workflow: str | None = None) -> list[FeedingChain]:
        """Return the triggers, of one workflow or all, whose runs may start each other by way of other workflows.

        The other workflows are only read if runs of this one write something that triggers watch.
        """
        begin = None if workflow is None else self._feeds(workflow)
        if workflow is not None and not (
            begin and begin.writes and any(one.kind.watches for one in begin.triggers.values())
        ):
            return []
        others = [self._feeds(one) for one in self._workflows() if one != workflow]
        every = [one for one in (begin, *others) if one is not None and one.writes and one.triggers]
        return [one for one in chains_among(every) if workflow in (None, one.workflow)]

    def _feeds(self, workflow: str) -> WorkflowFeeds | None:
        try:
            return feeds_of(self._resolver.plan(workflow))
        except OrchestraError:
            return None

    def in_question(self) -> list[TriggerStatus]:
        """Return every trigger that may need attention: all that are on, and those that are off with dead items.

        This is called again and again, so files of other triggers are not read, and only dead items are counted.
        """
        counts, rows = _Counts(self._items.dead_counts()), self._rows.all()
        ids = {row.workflow for row in rows if row.is_on or counts.dead.get(row.key)}
        found: list[TriggerStatus] = []
        name_of = self._resolver.ids.naming()
        for name, id_ in sorted((name_of(id_) or id_, id_) for id_ in ids):
            found += self._standing(name, id_, rows, counts)
        return [one for one in found if one.is_on or one.dead]

    def _standing(self, name: str, id_: str, rows: Sequence[TriggerRecord], counts: _Counts) -> Iterator[TriggerStatus]:
        mine = [row for row in rows if row.workflow == id_]
        return (replace(one, state=state_of(one)) for one in self._of_workflow(name, id_, mine, counts))

    def _of_workflow(
        self, name: str, id_: str, rows: Sequence[TriggerRecord], counts: _Counts
    ) -> Iterator[TriggerStatus]:
        try:
            plan = self._resolver.plan(name)
            require_id(plan, id_)
        except OrchestraError as error:
            yield from (self._lost(row, name, name, _of_file(name, error), counts) for row in rows if row.is_on)
            return
        for trigger in plan.triggers:
            named = self._resolver.of_plan(plan, trigger.id)
            yield from self._of_trigger(named, [row for row in rows if row.trigger == trigger.id], counts)
        known = {trigger.id for trigger in plan.triggers}
        title = str(plan.document.get("title") or name)
        for row in rows:
            if row.is_on and row.trigger not in known:
                message = f"The file of {name!r} no longer has a trigger {row.trigger!r}."
                yield self._lost(row, name, title, TriggerError("UnknownName", message, _BRING_BACK), counts)

    def _of_trigger(
        self, named: NamedTrigger, rows: Sequence[TriggerRecord], counts: _Counts
    ) -> Iterator[TriggerStatus]:
        is_demo = named.mode == AccountMode.DEMO
        row = self._current(named, [row for row in rows if row.demo == is_demo])
        status = self._fresh(named)
        yield status if row is None else self._filled(status, row, self._trouble(named, row), counts)
        for other in rows:
            if other.is_on and other.demo != is_demo:
                resting = replace(status, demo=other.demo, is_resting=True, account="")
                yield self._filled(resting, other, None, counts)

    def _current(self, named: NamedTrigger, rows: Sequence[TriggerRecord]) -> TriggerRecord | None:
        """Return the row of the account in use: the one that is on, else the newest of the same source."""
        account = self._resolver.known_account(named)
        fitting = [row for row in rows if row.is_on or (row.source == named.source and account in ("", row.account))]
        return max(fitting, key=lambda row: (row.is_on, row.turned_on_at), default=None)

    def _trouble(self, named: NamedTrigger, row: TriggerRecord) -> TriggerError | None:
        account = self._resolver.known_account(named)
        if not row.is_on:
            return None
        if row.source != named.source:
            return _CHANGED
        if account not in ("", row.account):
            return _ANOTHER
        return self._resolver.disagreement(named)

    def _fresh(self, named: NamedTrigger) -> TriggerStatus:
        trigger, kind = named.trigger, named.trigger.kind
        return TriggerStatus(
            workflow=named.plan.name,
            workflow_title=str(named.plan.document.get("title") or named.plan.name),
            id=trigger.id,
            title=trigger.title,
            uses=kind.name,
            connection=trigger.connection,
            account=self._resolver.shown_account(named),
            demo=named.mode == AccountMode.DEMO,
            is_on=False,
            is_resting=False,
            needs_start=kind.is_watched,
            start_from=kind.start_from,
            poll_seconds=trigger.poll_seconds,
            is_watched=kind.is_watched,
            warning=trigger.warning,
            fields=dict(trigger.fields),
            environment="" if named.plan.environment is None else named.plan.environment["name"],
        )

    def _counted(
        self, status: TriggerStatus, rows: Sequence[TriggerRecord], left_out: Mapping[TriggerKey, Counter[str]]
    ) -> TriggerStatus:
        """Return a status with the number of items seen in all accounts of the same kind."""
        same = {row.key for row in rows if row.trigger == status.id and row.demo == status.demo}
        whys: Counter[str] = sum((left_out.get(key, Counter()) for key in same), Counter())
        return replace(status, items=sum(map(self._items.count, same)), left_out=dict(whys.most_common()))

    def _lost(self, row: TriggerRecord, name: str, title: str, problem: TriggerError, counts: _Counts) -> TriggerStatus:
        """Return the status of a trigger that is on but cannot be read from its file."""
        bare = TriggerStatus(
            name, title, row.trigger, row.trigger, row.uses, None, "", row.demo, is_on=True,
            is_resting=False, needs_start=False, start_from=(), poll_seconds=60.0,
        )  # fmt: skip
        return self._filled(bare, row, problem, counts)

    def _filled(
        self, status: TriggerStatus, row: TriggerRecord, problem: TriggerError | None, counts: _Counts
    ) -> TriggerStatus:
        key, starter = row.key, (row.workflow, f"trigger:{row.trigger}")
        filled = replace(
            status,
            **{name: getattr(row, name) for name in _OF_ROW},
            account=status.account or _shown(row.account),
            is_on=row.is_on,
            needs_start=needs_start(row) or problem in (_CHANGED, _ANOTHER),
            dead=counts.dead.get(key, 0),
            queued=counts.queued[starter],
            running=counts.running[starter],
            asking=counts.asking[starter],
            error=None if row.error is None or problem is not None else TriggerError(**json.loads(row.error)),
            problem=problem,
        )
        return replace(filled, is_silent=is_silent(filled, self._clock()))

    def _counts(self) -> _Counts:
        return _Counts(self._items.dead_counts(), *self._runs.open_counts())


def _of_file(workflow: str, error: OrchestraError) -> TriggerError:
    """Return why the triggers of a workflow cannot be read from its file."""
    remedy = error.remedy if isinstance(error, NotWatched) else _BRING_BACK
    if isinstance(error, InvalidFile):
        remedy = f"Open the file and correct it (`orchestra validate {workflow}` checks it), or turn the trigger off."
    return TriggerError(type(error).__name__, error.message, remedy)


def _shown(account: str) -> str:
    """Return an account as people know it, from its name in rows."""
    return account if account.startswith("demo-") else account.partition(":")[2] or account
