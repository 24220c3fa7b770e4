"""The worker of `evals.workers.slow_worker` to which PgQueuer hands the ids of runs, and what puts them there.

Everything else is the same: only how a run comes to its worker differs. Its heartbeats are left out, so it does a
little less than it would have to. `put URL` makes its tables, if need be, and puts in the runs that wait. Both take the
library from `.venv-peers`.
"""

from __future__ import annotations

import asyncio
import sys
import time
import uuid
from collections.abc import Sequence
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import psycopg

from engine.store.claims import TakenRun
from engine.store.run_limits import RunLimits
from engine.store.sql.base.places import places
from engine.store.sql.workers.claims import SqlClaims
from evals.workers import slow_worker

PACKAGES = Path(__file__).parents[2] / ".venv-peers/lib" / f"python3.{sys.version_info[1]}" / "site-packages"
_TAKE = (
    "UPDATE runs SET owner = ?, is_at_work = 1 WHERE run_id IN ({places}) AND owner IS NULL AND ended_at IS NULL"
    " RETURNING run_id, acceptance"
)
_WAITING = "SELECT run_id FROM runs WHERE owner IS NULL AND status = 'queued' ORDER BY run_id"
_HEARTBEAT = timedelta(seconds=30)
_LOOK_SECONDS = 0.005


def _queries(connection: psycopg.AsyncConnection[Any]) -> Any:
    return import_module("pgqueuer.queries").Queries.from_psycopg_connection(connection)


class _PgQueuer(SqlClaims):
    url = ""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._runner, self._id = asyncio.Runner(), uuid.uuid4()
        self._queries: Any = None
        self._taken: Sequence[Any] = ()
        parameter = import_module("pgqueuer.ports.repository").EntrypointExecutionParameter
        self._entrypoints = {"run": parameter(concurrency_limit=0)}

    def claim(self, owner: str, now: str, most: int, limits: RunLimits, most_of_mine: int = 0) -> list[TakenRun]:
        """Take the runs whose ids the queue hands out, and acknowledge those of the last time."""
        jobs = self._runner.run(self._handed_out(most)) if most > 0 else []
        if not jobs:
            return []
        run_ids = [one.payload.decode() for one in jobs]
        with self._database.inserting() as cursor:
            rows = cursor.execute(_TAKE.format(places=places(run_ids)), (owner, *run_ids)).fetchall()
        return [TakenRun(*row) for row in sorted(rows)]

    async def _handed_out(self, most: int) -> Sequence[Any]:
        if self._queries is None:
            self._queries = _queries(await psycopg.AsyncConnection.connect(self.url, autocommit=True))
        if self._taken:
            await self._queries.log_jobs([(one, "successful", None) for one in self._taken])
        self._taken = await self._queries.dequeue(most, self._entrypoints, self._id, None, _HEARTBEAT)
        return self._taken

    def wait(self, seconds: float, *, takes: bool = True) -> bool:
        """Look again at once: its own notifications are no faster."""
        time.sleep(_LOOK_SECONDS)
        return True


async def _put(url: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        queries = _queries(connection)
        [is_there] = await (await connection.execute("SELECT to_regclass('pgqueuer') IS NOT NULL")).fetchone() or (0,)
        if not is_there:
            await queries.install()
        run_ids = [run_id async for (run_id,) in await connection.execute(_WAITING)]
        if run_ids:
            await queries.enqueue(["run"] * len(run_ids), [one.encode() for one in run_ids], [0] * len(run_ids))


if __name__ == "__main__":
    sys.path.append(str(PACKAGES))
    if sys.argv[1] == "put":
        asyncio.run(_put(sys.argv[2]))
        sys.exit()
    from engine.runner.call import chain
    from engine.store.sql import state

    _PgQueuer.url = sys.argv.pop(1)
    vars(state)["SqlClaims"] = _PgQueuer
    vars(chain)["LastLink"] = slow_worker.SlowLink
    sys.exit(import_module("cli").main(sys.argv[1:]))
