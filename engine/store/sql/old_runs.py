"""Choose and remove the rows of old runs; their receipts are kept for ever."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import or_, select

from engine.base.statuses import OPEN_RUNS
from engine.store.sql.base.database import StateDatabase
from engine.store.sql.base.tables import bounces, effects, meta, runs

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

_LEAVING = "leaving."
_SOURCES = ("replay", "from_run")


class SqlOldRuns:
    """Finds and removes rows of runs that have ended; safe for any thread and process."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def ended_before(self, time: str, *, demo: bool | None = None) -> list[str]:
        """Return the runs that ended before a time (RFC 3339, UTC) and may go, oldest first; `demo` filters them."""
        which = runs.c.ended_at < time
        return self._may_go(which if demo is None else which & (runs.c.demo == int(demo)))

    def beyond(self, count: int) -> list[str]:
        """Return the ended runs that may be removed, except the newest `count`, oldest first."""
        ended = select(runs.c.run_id).where(runs.c.ended_at.is_not(None)).order_by(runs.c.run_id.desc())
        with self._database.reading() as connection:
            # "9" is higher than every id, which begins with the year.
            newest = connection.execute(ended.offset(count - 1).limit(1)).scalar() if count else "9"
        return [] if newest is None else self._may_go(runs.c.run_id < newest)

    def take_off(self, run_ids: Sequence[str]) -> list[str]:
        """Remove the rows of the runs that may still go; return their ids. They are `leaving` until `forget`."""
        with self._database.writing() as connection:
            needed = _referred_to(connection) | _in_doubt(connection, run_ids)
            may_go = [run_id for run_id in run_ids if run_id not in needed]
            ended = runs.c.run_id.in_(may_go) & runs.c.ended_at.is_not(None)
            gone = sorted(connection.execute(runs.delete().where(ended).returning(runs.c.run_id)).scalars())
            if gone:
                connection.execute(bounces.delete().where(bounces.c.run_id.in_(gone)))
                connection.execute(meta.insert(), [{"key": f"{_LEAVING}{run_id}", "value": ""} for run_id in gone])
        return gone

    def leaving(self) -> list[str]:
        """Return the removed runs that may still have files, because a process died before it deleted them."""
        with self._database.reading() as connection:
            return left_by(connection)

    def forget(self, run_ids: Sequence[str]) -> None:
        """Record that the files of these runs are deleted."""
        with self._database.writing() as connection:
            connection.execute(meta.delete().where(meta.c.key.in_([f"{_LEAVING}{run_id}" for run_id in run_ids])))

    def _may_go(self, which: ColumnElement[bool]) -> list[str]:
        columns = select(runs.c.run_id, runs.c.parent_run_id)
        ended = columns.where(runs.c.ended_at.is_not(None), which).order_by(runs.c.run_id)
        with self._database.reading() as connection:
            needed = _referred_to(connection) | _in_doubt(connection)
            found = {one.run_id: one.parent_run_id for one in connection.execute(ended) if one.run_id not in needed}
            callers = select(runs.c.parent_run_id).where(runs.c.parent_run_id.is_not(None))
            listed = set(connection.execute(select(runs.c.run_id).where(runs.c.run_id.in_(callers))).scalars())
        return list(_with_their_callers(found, listed))


def left_by(connection: Connection) -> list[str]:
    """Return the removed runs that may still have files."""
    keys = connection.execute(select(meta.c.key).where(meta.c.key.startswith(_LEAVING))).scalars()
    return [key.removeprefix(_LEAVING) for key in keys]


def _with_their_callers(found: dict[str, str | None], listed: set[str]) -> dict[str, str | None]:
    """Return the runs whose callers go, too: a caller that stays needs them to be undone or resumed."""
    while stays := [one for one, caller in found.items() if caller in listed and caller not in found]:
        for one in stays:
            del found[one]
    return found


def _referred_to(connection: Connection) -> set[str]:
    """Return the runs that an open run comes from, was called by, has called, or takes answers from."""
    is_open = runs.c.status.in_(OPEN_RUNS)
    relatives = select(runs.c.origin_run_id, runs.c.parent_run_id).where(is_open)
    called = select(runs.c.run_id).where(runs.c.parent_run_id.in_(select(runs.c.run_id).where(is_open)))
    # Coarse, but it spares reading the acceptances of all open runs, which are long.
    asks = or_(*(runs.c.acceptance.contains(f'"{name}"') for name in _SOURCES))
    asking = select(runs.c.acceptance).where(is_open, asks)
    found = {run_id for row in connection.execute(relatives) for run_id in row if run_id}
    found.update(connection.execute(called).scalars())
    found.update(one for text in connection.execute(asking).scalars() for one in _sources(json.loads(text)))
    return found


def _in_doubt(connection: Connection, run_ids: Sequence[str] | None = None) -> set[str]:
    """Return the runs with a write whose outcome is unknown; of `run_ids`, or of all."""
    which = select(effects.c.run_id).where(effects.c.state.in_(("intent", "unknown")))
    if run_ids is not None:
        which = which.where(effects.c.run_id.in_(run_ids))
    return set(connection.execute(which).scalars())


def _sources(acceptance: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    options = acceptance.get("options") or {}
    yield from (options[name] for name in _SOURCES if name in options)
