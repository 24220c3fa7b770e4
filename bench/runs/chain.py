"""W1: a chain of 200 steps, each durable before the next starts, beside one raw SQLite commit per step.

Ours is the duration that the run itself recorded. The limit commits the texts of the same events one by one, with
the same tables, pragmas and a warmed file. The warm-up run checks that each step is a commit of its own.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from bench.base.figures import ROUNDS, beside
from bench.base.opened import opened
from bench.base.workspace import OWNER, chain
from engine.orchestra import Orchestra
from engine.record.continuation import events_of
from engine.record.events import encoded
from engine.store.sql.journal import SqlJournal
from engine.store.sqlite.database import SqliteStateDatabase

WORK = "W1"
STEPS = 200
GOAL = 2.0
_INSERT = "INSERT INTO events (run_id, number, event) VALUES (?, ?, ?)"


def measure() -> dict[str, Any]:
    """Return milliseconds per step."""
    ours, limits = [], []
    with opened({"chain": chain(STEPS)}) as (orchestra, root):
        run = counted(orchestra, STEPS)
        events = [encoded(event) for event in events_of(run)]
        limit = Limit(root / "limit")
        limit.seconds(events)
        for _ in range(ROUNDS):
            limits.append(1000 * limit.seconds(events) / STEPS)
            ours.append(1000 * ran(orchestra)["duration_seconds"] / STEPS)
        limit.close()
    return beside(ours, limits, GOAL, "ms/step")


def ran(orchestra: Orchestra) -> Any:
    """Run the chain to its end and return its document."""
    run_id = orchestra.runs.start(OWNER, "chain", {})
    run = orchestra.runs.wait(OWNER, run_id, 120)
    assert run["status"] == "succeeded", run["error"]
    return run


def counted(orchestra: Orchestra, steps: int) -> Any:
    """Run the chain once and assert that it made at least one commit per step."""
    journal = orchestra._families.work.worker._journal  # noqa: SLF001 - to count the commits
    assert isinstance(journal, SqlJournal)
    connection = journal._connection  # noqa: SLF001 - as above
    statements: list[str] = []
    connection.raw.set_trace_callback(statements.append)  # type: ignore[attr-defined]
    run = ran(orchestra)
    connection.raw.set_trace_callback(None)  # type: ignore[attr-defined]
    commits = statements.count("COMMIT")
    assert commits >= steps, f"{commits} commits for {steps} steps"
    return run


class Limit:
    """A state file with the engine's own tables and pragmas, written in a plain loop."""

    def __init__(self, folder: Path) -> None:
        self._database = SqliteStateDatabase(folder)
        self._connection = self._database.raw_connection()
        self._runs = 0

    def seconds(self, events: list[str]) -> float:
        """Return the time of one synced transaction per event."""
        self._runs += 1
        execute = self._connection.execute
        started = time.perf_counter()
        for number, event in enumerate(events):
            execute("BEGIN IMMEDIATE")
            execute(_INSERT, (f"run-{self._runs}", number, event))
            execute("COMMIT")
        seconds = time.perf_counter() - started
        execute("DELETE FROM events")
        return seconds

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
        self._database.close()
