"""The worker of `evals.workers.slow_worker` without a queue: it takes its share of the runs at once, and asks no more.

Everything else is the same: only how a run comes to its worker differs. `SHARE` is `0/2`: the first of two.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from engine.store.claims import TakenRun
from engine.store.run_limits import RunLimits
from engine.store.sql.workers.claims import SqlClaims
from evals.workers import slow_worker

_TAKE_ALL = (
    "UPDATE runs SET owner = ?, is_at_work = 1 WHERE owner IS NULL AND ended_at IS NULL AND status = 'queued'"
    " AND abs(hashtext(run_id)) % ? = ? RETURNING run_id, acceptance"
)


class _NoQueue(SqlClaims):
    share, shares = 0, 1

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._mine: list[TakenRun] = []

    def claim(self, owner: str, now: str, most: int, limits: RunLimits, most_of_mine: int = 0) -> list[TakenRun]:
        """Take the next of its own runs, without asking anybody."""
        if not self._mine:
            with self._database.inserting() as cursor:
                rows = cursor.execute(_TAKE_ALL, (owner, self.shares, self.share)).fetchall()
            self._mine = [TakenRun(*row) for row in sorted(rows)]
        taken, self._mine = self._mine[:most], self._mine[most:]
        return taken


if __name__ == "__main__":
    from engine.runner.call import chain
    from engine.store.sql import state

    share, _, shares = sys.argv.pop(1).partition("/")
    _NoQueue.share, _NoQueue.shares = int(share), int(shares)
    vars(state)["SqlClaims"] = _NoQueue
    vars(chain)["LastLink"] = slow_worker.SlowLink
    sys.exit(import_module("cli").main(sys.argv[1:]))
