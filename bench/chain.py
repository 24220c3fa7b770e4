"""W1: a chain of 200 steps, each durable before the next starts, beside one raw SQLite commit per step."""

from __future__ import annotations

import json
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from engine.orchestra import Orchestra
from engine.people.access import Principal

STEPS = 200
ROUNDS = 5
_OWNER = Principal("bench", "owner")


def measure() -> dict[str, float]:
    """Return {ours, limit} in milliseconds per step and their ratio: medians of the rounds, taken in turn."""
    ours, limits = [], []
    with tempfile.TemporaryDirectory() as folder:
        orchestra = _opened(Path(folder) / "workspace")
        try:
            _run(orchestra)  # warm-up
            for number in range(ROUNDS):
                events = _events(orchestra)
                limits.append(_commits(Path(folder) / f"limit-{number}.db", events))
                ours.append(_run(orchestra))
        finally:
            orchestra.close()
    per_step = [1000 * statistics.median(values) / STEPS for values in (ours, limits)]
    return {"ours": per_step[0], "limit": per_step[1], "ratio": per_step[0] / per_step[1]}


def _opened(root: Path) -> Orchestra:
    for name in ("workflows", "prompts", "logs"):
        (root / name).mkdir(parents=True)
    (root / "config.yaml").write_text("connections: {}\n")
    (root / "workflows" / "chain.json").write_text(json.dumps(_chain()))
    return Orchestra.open(root)


def _chain() -> dict[str, Any]:
    steps = [{"id": "s0", "uses": "flow.set", "with": {"values": {"n": 0}}}]
    for number in range(1, STEPS):
        value = f"{{{{ steps.s{number - 1}.output.n }}}}"
        steps.append({"id": f"s{number}", "uses": "flow.set", "with": {"values": {"n": value}}})
    return {"schema_version": 1, "title": "Chain", "steps": steps}


def _run(orchestra: Orchestra) -> float:
    """Return the seconds from the start of the first step to the end of the last, as the run itself recorded them."""
    run_id = orchestra.runs.start(_OWNER, "chain", {})
    document = orchestra.runs.wait(_OWNER, run_id, 60)
    assert document["status"] == "succeeded", document["error"]
    return float(document["duration_seconds"])


def _events(orchestra: Orchestra) -> list[str]:
    """Return texts as long as the events of the chain."""
    run_id = orchestra.runs.list(_OWNER, limit=1).rows[0].run_id
    steps = orchestra.runs.get(_OWNER, run_id)["steps"]
    kept = ("path", "title", "uses", "status", "started_at", "arguments", "output")
    return [json.dumps({"type": "step_finished", **{name: step[name] for name in kept}}) for step in steps]


def _commits(path: Path, events: list[str]) -> float:
    """Return the seconds for one synced SQLite transaction per event."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE events (run_id TEXT, number INTEGER, event TEXT, PRIMARY KEY (run_id, number))")
    started = time.perf_counter()
    for number, event in enumerate(events):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO events VALUES (?, ?, ?)", ("run", number, event))
        connection.execute("COMMIT")
    seconds = time.perf_counter() - started
    connection.close()
    return seconds
