"""Runs that wait for a process to take them, and those that are at work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import NamedTuple

from engine.base.errors import Fenced
from engine.base.statuses import Priority
from engine.store.claims import Draining, TakenRun
from engine.store.run_limits import LimitedRun, LimitedRuns, LimitReached, RunLimits
from engine.store.runs import SUSPECT
from engine.store.sql.base.conditions import AT_WORK
from engine.store.sql.base.database import Cursor, StateDatabase
from engine.store.sql.base.places import places
from engine.store.sql.workers.deaths import IS_SUSPECT
from engine.store.sql.workers.owners import OWNER_ROW

_COLUMNS = "run_id, priority, parent_run_id, started_by, connections, cancel_requested"
_READY = (
    " is_at_work = 0 AND ended_at IS NULL AND lane IS NULL"
    " AND (status IN ('queued', 'running') OR (status = 'waiting' AND (due_at <= ? OR cancel_requested = 1)))"
)
_NOBODYS = (
    f" FROM runs WHERE owner IS NULL AND{_READY}"  # noqa: S608 - conditions of ours
    " AND NOT EXISTS (SELECT 1 FROM runs AS caller WHERE caller.run_id = runs.parent_run_id"
    " AND caller.ended_at IS NULL AND caller.status IN ('queued', 'running'))"
)
_MINE = f" FROM runs WHERE owner = ? AND{_READY}"
_ANY = f"SELECT 1{_NOBODYS} ORDER BY priority, run_id LIMIT 1"
"""In the order of an index that has only runs of nobody; without it, PostgreSQL reads all that are open."""
_ANY_OF_MINE = f"SELECT 1{_MINE} LIMIT 1"
_LOOK = f"SELECT EXISTS (SELECT 1 FROM owners WHERE owner = ? AND is_draining = 1), ({_ANY})"  # noqa: S608
"""Whether the process is draining, and whether there is a run of nobody to take."""
_TAKE = "UPDATE runs SET owner = ?, is_at_work = 1 WHERE run_id = ?"
_GIVE_BACK = "UPDATE runs SET is_at_work = 0 WHERE run_id = ? AND owner = ?"
_AT_WORK_HERE = f"SELECT run_id FROM runs WHERE {AT_WORK} AND owner = ?"  # noqa: S608 - conditions of ours
_TOPS_AT_WORK = (
    "WITH RECURSIVE busy(run_id, parent_run_id) AS ("  # noqa: S608 - a condition of ours
    f" SELECT run_id, parent_run_id FROM runs WHERE {AT_WORK}"
    " UNION SELECT runs.run_id, runs.parent_run_id FROM runs JOIN busy ON runs.run_id = busy.parent_run_id)"
    " SELECT runs.run_id, runs.started_by, runs.connections FROM busy JOIN runs ON runs.run_id = busy.run_id"
    " WHERE busy.parent_run_id IS NULL"
)
"""The topmost callers of the runs at work."""
_ONE = "SELECT run_id, parent_run_id, started_by, connections FROM runs WHERE run_id = ?"
_WAITS = f"SELECT {_COLUMNS} FROM runs WHERE run_id = ? AND{_READY}"  # noqa: S608 - conditions of ours
_FRESH = (
    "SELECT run_id, acceptance FROM runs WHERE run_id IN ({places})"
    " AND coalesce(owner, '') = ? AND coalesce(status, '') = 'queued'"
    " AND cancel_requested = 0 AND NOT EXISTS (SELECT 1 FROM events WHERE events.run_id = runs.run_id)"
    " AND NOT EXISTS (SELECT 1 FROM run_deaths WHERE run_deaths.run_id = runs.run_id)"
)
"""By run id: PostgreSQL would rather read all former versions of the rows of the owner, or of this status."""
_STANDING = (
    f"SELECT EXISTS ({OWNER_ROW}), CASE WHEN EXISTS (SELECT 1 FROM run_deaths WHERE in_a_row >= {SUSPECT})"  # noqa: S608
    f" THEN NOT EXISTS (SELECT 1 FROM runs WHERE owner = ? AND {AT_WORK} AND {IS_SUSPECT}) ELSE 1 = 0 END"
)
"""Whether a process still owns its runs, and whether there are suspects while it works on none.

If it dies with two of them, it is unknown which one is to blame.
"""
_MOST_PAGES = 20  # a claim looks at no more of them, however many runs the limits keep back


class _Waiting(NamedTuple):
    """A run that waits, with its columns."""

    run_id: str
    priority: int
    parent_run_id: str | None
    started_by: str
    connections: str
    cancel_requested: int


class SqlClaims:
    """Reads and changes who works on rows of `runs`; any thread."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database
        self._turns = count(1)

    def claim(self, owner: str, now: str, most: int, limits: RunLimits, most_of_mine: int = 0) -> list[TakenRun]:
        """Let a process work on at most `most` runs of nobody, and at most `most_of_mine` of its own; return these.

        `now`, RFC 3339: waits until then are over. Raises Draining (it may take no new ones), Fenced (it was silent for
        too long, and others may have its runs).
        """
        with self._database.asking() as cursor:
            is_draining, has_any = cursor.execute(_LOOK, (owner, now)).fetchone() if most > 0 else (False, None)
            if is_draining:
                raise Draining
            has_mine = most_of_mine > 0 and cursor.execute(_ANY_OF_MINE, (owner, now)).fetchone() is not None
        # so far it has only read: a process that finds nothing keeps nobody from writing
        if not has_any and not has_mine:
            return []
        with self._database.inserting() as cursor:  # which lets in one writer at a time: nobody else takes these
            known, takes_suspects = cursor.execute(_STANDING, (owner, owner)).fetchone()
            if not known:
                raise Fenced
            choice = _Choice(cursor, limits, takes_suspects=bool(takes_suspects))
            if has_mine:
                choice.take(_MINE, (owner, now), most_of_mine, self._turns)
            if has_any:
                choice.take(_NOBODYS, (now,), most, self._turns)
            cursor.executemany(_TAKE, [(owner, run_id) for run_id in choice.taken])
        fresh = self._fresh(owner, choice.taken)
        return [TakenRun(run_id, fresh.get(run_id)) for run_id in choice.taken]

    def _fresh(self, owner: str, run_ids: Sequence[str]) -> dict[str, str]:
        """Return the acceptances of the runs that nobody has worked on yet, in one read."""
        if not run_ids:
            return {}
        with self._database.asking() as cursor:
            return dict(cursor.execute(_FRESH.format(places=places(run_ids)), (*run_ids, owner)).fetchall())

    def at_work(self, owner: str) -> list[str]:
        """Return the runs that a process works on."""
        with self._database.asking() as cursor:
            return [run_id for (run_id,) in cursor.execute(_AT_WORK_HERE, (owner,)).fetchall()]

    def give_back(self, owner: str, run_ids: Sequence[str]) -> None:
        """Record that a process does not work on runs that it has claimed."""
        with self._database.inserting() as cursor:
            cursor.executemany(_GIVE_BACK, [(run_id, owner) for run_id in run_ids])

    def obstacle(self, run_id: str, now: str, limits: RunLimits) -> LimitReached | None:
        """Return the limit that a run waits for, if any."""
        with self._database.asking() as cursor:
            row = cursor.execute(_WAITS, (run_id, now)).fetchone()
            if row is None or not limits.are_set:
                return None
            return _crowd(cursor, limits).obstacle(_topmost(cursor, _Waiting(*row)))

    def wait(self, seconds: float, *, takes: bool = True) -> bool:
        """Wait until there may be something to claim, at most `seconds`. Return whether somebody has announced it."""
        return self._database.wait_for_runs(seconds, takes=takes)


class _Choice:
    """The choice of a claim, inside its transaction."""

    def __init__(self, cursor: Cursor, limits: RunLimits, *, takes_suspects: bool) -> None:
        """Begin with nothing; `takes_suspects`: one run whose process has died again and again may be among them."""
        self._cursor, self._limits, self._takes_suspects = cursor, limits, takes_suspects
        self._crowd = _crowd(cursor, limits) if limits.are_set else None
        self._passed_over: list[str] = []
        self.taken: list[str] = []

    def take(self, which: str, values: tuple[str, ...], most: int, turns: Iterator[int]) -> None:
        """Take at most `most` of the runs that a condition selects, the most urgent first."""
        wanted = len(self.taken) + most
        self._take_suspect(which, values)
        for _ in range(_MOST_PAGES):
            missing = wanted - len(self.taken)
            if not missing:
                return
            found = self._page(which, values, missing)
            for one in self._with_shares(found, which, values, turns):
                self._take(one)
            if len(found) < missing:
                return

    def _take_suspect(self, which: str, values: tuple[str, ...]) -> None:
        """Take one of the runs whose process has died again and again, if there may be one."""
        found = self._page(which, values, 1, suspects=True) if self._takes_suspects else []
        for one in found:
            before = len(self.taken)
            self._take(one)
            self._takes_suspects = len(self.taken) == before

    def _take(self, run: _Waiting) -> None:
        if self._crowd is not None and not run.cancel_requested:  # whoever is cancelled only ends
            topmost = _topmost(self._cursor, run)
            if self._crowd.obstacle(topmost) is not None:
                self._passed_over.append(run.run_id)
                return
            self._crowd.add(topmost)
        self.taken.append(run.run_id)

    def _with_shares(
        self, found: Sequence[_Waiting], which: str, values: tuple[str, ...], turns: Iterator[int]
    ) -> list[_Waiting]:
        """Return a page with less urgent runs at the turns that are due to them."""
        chosen = {one.run_id: one for one in found}
        for turn in [next(turns) for _ in found]:
            owed = Priority.of_turn(turn)
            if owed is not None and all(one.priority < owed.rank for one in chosen.values()):
                for one in self._page(which, values, 1, owed.rank):
                    chosen.popitem()  # the last one, which is the least urgent
                    chosen[one.run_id] = one
        return list(chosen.values())

    def _page(
        self, which: str, values: tuple[str, ...], most: int, rank: int | None = None, *, suspects: bool = False
    ) -> list[_Waiting]:
        """Return the most urgent of these runs, or the oldest of a rank, without runs that a limit keeps back."""
        left_out, more = self._left_out()
        ranked = "" if rank is None else f" AND priority = {rank}"
        kind = f" AND {'' if suspects else 'NOT '}{IS_SUSPECT}"
        statement = f"SELECT {_COLUMNS}{which}{kind}{left_out}{ranked} ORDER BY priority, run_id LIMIT ?"
        return [_Waiting(*row) for row in self._cursor.execute(statement, (*values, *more, most)).fetchall()]

    def _left_out(self) -> tuple[str, list[str]]:
        """Return the condition that leaves out runs that a limit keeps back, and its parameters."""
        known = [*self.taken, *self._passed_over]
        parts, values = ([f" AND run_id NOT IN ({places(known)})"], known) if known else ([], [])
        if self._crowd is None:
            return "".join(parts), values
        free = "parent_run_id IS NOT NULL OR cancel_requested = 1"  # these are looked at one by one
        users, connections = self._crowd.full_users, self._crowd.full_connections
        if users:
            parts.append(f" AND ({free} OR started_by NOT IN ({places(users)}))")
        # the column has blanks around each name; names may have `_`, which LIKE would take for any character
        parts += [f" AND ({free} OR connections NOT LIKE ? ESCAPE '!')" for _ in connections]
        return "".join(parts), [*values, *users, *(f"% {one.replace('_', '!_')} %" for one in connections)]


def _crowd(cursor: Cursor, limits: RunLimits) -> LimitedRuns:
    rows = cursor.execute(_TOPS_AT_WORK).fetchall()
    return LimitedRuns(limits, [LimitedRun(run_id, by, connections.split()) for run_id, by, connections in rows])


def _topmost(cursor: Cursor, run: _Waiting) -> LimitedRun:
    """Return the run at the top of the calls of a run."""
    found, above = LimitedRun(run.run_id, run.started_by, run.connections.split()), run.parent_run_id
    while above is not None:
        row = cursor.execute(_ONE, (above,)).fetchone()
        if row is None:
            break
        run_id, above, started_by, connections = row
        found = LimitedRun(run_id, started_by, connections.split())
    return found
