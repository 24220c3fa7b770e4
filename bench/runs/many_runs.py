"""W3: 500 runs of 5 steps started at once, until the log file of each is on disk, in runs per second.

Ours is measured from the call that starts them to the end of the last: acceptance, 5 durable steps and the synced
log of each. The limit is a plain loop that opens a file per run, and appends and syncs one line per step; the lines
are the events of our own run.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.base.figures import ROUNDS, beside
from bench.base.opened import opened
from bench.base.workspace import OWNER, chain
from engine.base.names import run_day
from engine.orchestra import Orchestra
from engine.record.continuation import events_of
from engine.record.events import StepFinished, encoded

WORK = "W3"
RUNS = 500
STEPS = 5
GOAL = 2.0


def measure() -> dict[str, Any]:
    """Return runs per second."""
    ours, limits = [], []
    with opened({"chain": chain(STEPS)}) as (orchestra, root):
        started_at_once(orchestra, RUNS)
        run = orchestra.runs.get(OWNER, orchestra.runs.list(OWNER, limit=1).rows[0].run_id)
        finished = [one for one in events_of(run) if isinstance(one, StepFinished)]
        lines = [encoded(one).encode() + b"\n" for one in finished]
        assert len(lines) == STEPS
        for number in range(ROUNDS):
            limits.append(RUNS / _appended(root / f"limit-{number}", lines))
            ours.append(RUNS / started_at_once(orchestra, RUNS))
    return beside(ours, limits, GOAL, "runs/s")


def started_at_once(orchestra: Orchestra, count: int) -> float:
    """Return the seconds until the document of each run is returned; by then its log is on disk, too."""
    began = time.perf_counter()
    run_ids = orchestra.runs.start_all(OWNER, "chain", [{}] * count)
    statuses = {orchestra.runs.wait(OWNER, run_id, 120)["status"] for run_id in run_ids}
    seconds = time.perf_counter() - began
    assert statuses == {"succeeded"}, statuses
    for run_id in run_ids:
        path = orchestra.workspace.logs / run_day(run_id) / f"{run_id}.json"
        assert '"status": "succeeded"' in path.read_text(encoding="utf-8"), path
    return seconds


def _appended(folder: Path, lines: Sequence[bytes]) -> float:
    folder.mkdir()
    began = time.perf_counter()
    for number in range(RUNS):
        handle = os.open(folder / f"{number}.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for line in lines:
            os.write(handle, line)
            os.fdatasync(handle)
        os.close(handle)
    return time.perf_counter() - began
