"""What triggers want to know about runs: the ones that they have started, and the ones whose end they watch."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select, text

from engine.base.clock import moment_of
from engine.base.names import RUN_ID
from engine.base.statuses import ACTIVE_RUNS, CANCELLABLE_RUNS, OPEN_RUNS, RunStatus
from engine.plugins.trigger import OwnWrite
from engine.store.ledger import marker
from engine.store.sql.base.conditions import is_on_its_own
from engine.store.sql.base.database import StateDatabase
from engine.store.sql.base.tables import approvals, effects, runs, trigger_items
from engine.store.triggering.triggered_runs import FailedRun, FailedRuns, MadeByRuns, OpenCounts, WriteOfRun
from engine.store.triggering.triggers import TriggerKey

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

_COLUMNS = (
    runs.c.run_id, runs.c.workflow, runs.c.title, runs.c.status, runs.c.sentence, runs.c.started_by, runs.c.ended_at,
    runs.c.demo, runs.c.end_number,
)  # fmt: skip
_DEEPEST = 32
_AT_ONCE = 500
"""Ids per query: SQLite before 3.32 allows 999 parameters (https://www.sqlite.org/limits.html)."""

_WRITE = (effects.c.uses, effects.c.identity, effects.c.generation, effects.c.receipt, effects.c.output)


class SqlTriggeredRuns:
    """Reads the list of runs; any thread."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def open_counts(self) -> OpenCounts:
        """Count the open runs of triggers."""
        is_open = runs.c.started_by.startswith("trigger:") & is_on_its_own() & runs.c.ended_at.is_(None)
        statement = select(runs.c.workflow_id, runs.c.started_by, runs.c.lane.is_not(None), func.count())
        by_state = statement.where(is_open & runs.c.status.in_(CANCELLABLE_RUNS))
        has_asked = runs.c.run_id.in_(select(approvals.c.run_id).where(approvals.c.state == "open"))
        asking = select(runs.c.workflow_id, runs.c.started_by, func.count()).where(is_open & has_asked)
        counts = OpenCounts(Counter(), Counter(), Counter())
        with self._database.reading() as connection:
            grouped = by_state.group_by(runs.c.workflow_id, runs.c.started_by, runs.c.lane.is_not(None))
            for workflow, starter, is_queued, count in connection.execute(grouped):
                (counts.queued if is_queued else counts.running)[workflow, starter] += count
            for workflow, starter, count in connection.execute(asking.group_by(runs.c.workflow_id, runs.c.started_by)):
                counts.asking[workflow, starter] += count
        return counts

    def queued_count(self, workflow: str, trigger: str) -> int:
        """Return how many runs of a trigger wait for their turn."""
        is_of_it = runs.c.started_by.concat("") == f"trigger:{trigger}"  # no index: few of its runs are queued
        waiting = (runs.c.lane == workflow) & is_of_it
        statement = select(func.count()).select_from(runs).where(waiting & runs.c.ended_at.is_(None))
        with self._database.reading() as connection:
            return int(connection.execute(statement).scalar_one())

    def newest_succeeded(self, workflow_id: str, limit: int) -> list[str]:
        """Return the ids of the newest successful runs of a workflow that triggers have started."""
        newest = (
            select(runs.c.run_id)
            .where((runs.c.workflow_id == workflow_id) & (runs.c.status == RunStatus.SUCCEEDED))
            .where(runs.c.started_by.startswith("trigger:") & is_on_its_own())
            .order_by(runs.c.run_id.desc())
            .limit(limit)
        )
        with self._database.reading() as connection:
            return list(connection.execute(newest).scalars())

    def made(self, workflow: str, uses: Sequence[str], since: str) -> MadeByRuns:
        """Return what runs of a workflow, and the runs that they called, have written by these step types."""
        began = f"{moment_of(since):%Y%m%dT%H%M%SZ}"
        mine = select(runs.c.run_id).where((runs.c.workflow_id == workflow) & (runs.c.run_id >= began))
        family = mine.cte("family", recursive=True)
        called = runs.alias("called")
        family = family.union(select(called.c.run_id).where(called.c.parent_run_id == family.c.run_id))
        statement = (
            select(*_WRITE, effects.c.intended_at)
            .where(effects.c.run_id.in_(select(family.c.run_id)) & effects.c.uses.in_(uses))
            .where(effects.c.state.in_(("intent", "done")))
        )
        with self._database.reading() as connection:
            rows = connection.execute(statement).all()
        found = [_write(row) for row in rows if row.receipt is not None]
        return MadeByRuns(found, max((row.intended_at for row in rows if row.receipt is None), default=""))

    def writes_since(self, since: str, counts: Callable[[str], bool]) -> list[WriteOfRun]:
        """Return the writes that runs begun since then have made or begun, the oldest first."""
        whose = effects.join(runs, effects.c.run_id == runs.c.run_id)
        begun = runs.c.run_id >= f"{moment_of(since):%Y%m%dT%H%M%SZ}"
        statement = select(runs.c.workflow_id, *_WRITE, effects.c.intended_at).select_from(whose).where(begun)
        with self._database.reading() as connection:
            known = connection.execute(select(effects.c.uses).distinct().select_from(whose).where(begun)).scalars()
            meant = effects.c.uses.in_([one for one in known if counts(one)])
            rows = connection.execute(statement.where(meant).order_by(effects.c.intended_at)).all()
        return [WriteOfRun(row.workflow_id, row.intended_at, _write(row)) for row in rows]

    def polls_since(self, key: TriggerKey, since: str) -> list[str]:
        """Return when polls of a trigger have started runs, the oldest first."""
        it = trigger_items.c
        mine = (it.workflow == key.workflow) & (it.trigger == key.trigger) & (it.account == key.account)
        started = (it.state == "started") & (it.seen_at >= since)
        statement = select(it.seen_at).where(started & mine & (it.source == key.source)).distinct()
        with self._database.reading() as connection:
            return list(connection.execute(statement.order_by(it.seen_at)).scalars())

    def started_by(self, workflow: str, trigger: str, run_ids: Sequence[str]) -> list[str]:
        """Return which of these runs a trigger has started, by id."""
        if not run_ids:
            return []
        of_it = (runs.c.workflow_id == workflow) & (runs.c.started_by == f"trigger:{trigger}")
        # There may be too many ids for one statement; PostgreSQL takes no BETWEEN with a collation.
        among = (runs.c.run_id >= min(run_ids)) & (runs.c.run_id <= max(run_ids))
        with self._database.reading() as connection:
            found = connection.execute(select(runs.c.run_id).where(among & of_it)).scalars()
            return sorted(set(found) & set(run_ids))

    def ended_since(self, number: int, limit: int, *, demo: bool | None) -> list[dict[str, Any]]:
        """Return runs whose end has this number or a later one, in that order."""
        statement = ended_since(number, demo=demo)
        with self._database.reading() as connection:
            rows = list(connection.execute(statement.limit(limit)).mappings())
            if len(rows) == limit:  # the caller goes on after the last number, so all of its runs must be here
                last = rows[-1]
                same = (runs.c.end_number == last["end_number"]) & (runs.c.run_id > last["run_id"])
                rows += connection.execute(statement.where(same)).mappings()
            reasons = _reasons(connection, [row["run_id"] for row in rows])
            return [
                {**row, "demo": bool(row["demo"]), "chain": _chain(connection, reasons.get(row["run_id"]))}
                for row in rows
            ]

    def failed_since(self, number: int, limit: int, *, started_by: Collection[str], workflow: str) -> FailedRuns:
        """Return what failed after the end with this number, with the newest `limit` runs."""
        last = self.last_end()
        if last <= number:
            return FailedRuns(last, {}, [], "")
        has_ended = (runs.c.end_number > number) & (runs.c.end_number <= last) & (runs.c.ended_at + "" != "")
        # No other index fits: there may be many runs that failed, and few since then.
        failed = or_(runs.c.status.concat("") == RunStatus.FAILED, text(self._database.parts_failed))
        real = (runs.c.demo + 0 == 0) & (runs.c.is_test == 0) & runs.c.plan_hash.is_(None) & is_on_its_own()
        others = runs.c.started_by.concat("").not_in(started_by) & (runs.c.workflow.concat("") != workflow)
        wanted = has_ended & failed & real & others
        count = func.count()
        by_workflow = select(runs.c.workflow, count, func.min(runs.c.ended_at)).where(wanted).group_by(runs.c.workflow)
        newest = select(runs.c.run_id, runs.c.workflow, runs.c.ended_at).where(wanted)
        with self._database.reading() as connection:
            rows = list(connection.execute(by_workflow.order_by(count.desc(), runs.c.workflow)))
            latest = connection.execute(newest.order_by(runs.c.end_number.desc()).limit(limit)) if rows else ()
            found = [FailedRun(*row) for row in latest]
        first_at = min((at for _, _, at in rows), default="")
        return FailedRuns(last, {name: total for name, total, _ in rows}, found, first_at)

    def last_end(self) -> int:
        """Return the highest end number of any run, 0 if none has ended."""
        highest = select(func.max(runs.c.end_number)).where(runs.c.end_number.is_not(None))
        with self._database.reading() as connection:
            return connection.execute(highest).scalar() or 0


def ended_since(number: int, *, demo: bool | None) -> Any:
    """Return the statement that lists runs from an end number on.

    It uses the index by number: `+ ""` and `+ 0` keep the database from taking another one.
    """
    has_ended = (runs.c.end_number >= number) & (runs.c.ended_at + "" != "")
    wanted = has_ended & (runs.c.is_test == 0) & runs.c.plan_hash.is_(None) & is_on_its_own()
    if demo is not None:
        wanted &= runs.c.demo + 0 == int(demo)
    return select(*_COLUMNS).where(wanted).order_by(runs.c.end_number, runs.c.run_id)


def started_by_triggers(workflow: str) -> ColumnElement[bool]:
    """Select the open runs of a workflow that triggers have started, without the runs that these called."""
    own = (runs.c.workflow_id == workflow) & runs.c.started_by.startswith("trigger:") & is_on_its_own()
    return own & runs.c.status.in_(OPEN_RUNS) & runs.c.ended_at.is_(None)


def is_busy(connection: Connection, workflow: str) -> bool:
    """Return whether runs of a workflow that triggers have started are at work or queued.

    Runs that wait for a time or an answer do not count: otherwise mail would pile up until somebody answers.
    """
    under_way = started_by_triggers(workflow) & runs.c.status.in_(ACTIVE_RUNS)
    return connection.execute(select(runs.c.run_id).where(under_way).limit(1)).first() is not None


def cancel_earlier(connection: Connection, workflow: str) -> None:
    """Ask the open runs of a workflow that triggers have started to end."""
    connection.execute(runs.update().where(started_by_triggers(workflow)).values(cancel_requested=1))


def _reasons(connection: Connection, run_ids: Sequence[str]) -> dict[str, str]:
    """Return {run: the item that it was started for}, in a few queries: most runs were not started by another's end."""
    columns, found = select(trigger_items.c.run_id, trigger_items.c.item), {}
    for begin in range(0, len(run_ids), _AT_ONCE):
        some = trigger_items.c.run_id.in_(run_ids[begin : begin + _AT_ONCE])
        found.update({row.run_id: row.item for row in connection.execute(columns.where(some))})
    return found


def _chain(connection: Connection, item: str | None) -> list[str]:
    """Return the workflows of the runs whose ends led to this item; an item that is a run's end begins with its id."""
    found: list[str] = []
    while len(found) < _DEEPEST:
        run_id = str(item).partition("@")[0]
        if item is None or not RUN_ID.match(run_id):
            break
        found.append(connection.execute(select(runs.c.workflow).where(runs.c.run_id == run_id)).scalar() or "")
        item = _reasons(connection, [run_id]).get(run_id)
    return found


def _write(row: Any) -> OwnWrite:
    receipt, output = json.loads(row.receipt or "null") or {}, json.loads(row.output or "null")
    return OwnWrite(row.uses, marker(row.identity, row.generation), str(receipt.get("id", "")), output)
