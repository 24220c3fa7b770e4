"""A process that spends: `python -m tests.engine.budgets.spender WORKSPACE RUNS [WRONG]`; 0 runs: resume what is left.

It prints "ready", waits for a line, and prints the status of each run once it has ended or waits.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from engine.base.errors import InUse
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.store.spending import BucketLevel, Decide, Reservation, Verdict
from engine.store.sql import spending
from engine.store.sql.base.database import Cursor

OWNER = Principal("tester", "owner", confirmed=True)


def counted_afterwards() -> None:
    """A call counts only once it is answered."""

    def reserved(self: spending.SqlSpending, cursor: Cursor, wanted: Reservation, decide: Decide) -> Verdict:
        verdict = decide(BucketLevel(spending._spent(cursor, wanted.buckets), {}))
        if verdict.is_pause:
            cursor.execute(spending._PAUSE, (wanted.run_id, wanted.at))
        return verdict

    spending.SqlSpending._reserved = reserved  # type: ignore[method-assign]


WRONG: Mapping[str, Callable[[], None]] = {"counted afterwards": counted_afterwards}


def main() -> None:
    """Start runs, or go on with those of dead processes."""
    root, count, *wrong = sys.argv[1:]
    for name in wrong:
        WRONG[name]()
    orchestra = Orchestra.open(Path(root))
    try:
        _say("ready")
        sys.stdin.readline()
        run_ids = [orchestra.runs.start(OWNER, "work", {}) for _ in range(int(count))] or _resumed(orchestra)
        for run_id in run_ids:
            _say(orchestra.runs.wait(OWNER, run_id, 120)["status"])
    finally:
        orchestra.close()


def _resumed(orchestra: Orchestra) -> list[str]:
    for row in orchestra.runs.list(OWNER).rows:
        try:
            orchestra.runs.resume(OWNER, row.run_id)
        except InUse:
            continue
    return [row.run_id for row in orchestra.runs.list(OWNER).rows]


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
