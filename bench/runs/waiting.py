"""The memory that 10,000 waiting runs take in the process that owns them.

They are really started and wait an hour each; memory is measured before, after a first thousand has come and gone,
so that only what waiting runs keep is counted. Resident memory of the process, the smallest of five samples.
"""

from __future__ import annotations

import gc
import time
from pathlib import Path
from typing import Any

from bench.base.figures import absolute
from bench.base.opened import opened
from bench.base.workspace import OWNER
from engine.orchestra import Orchestra

WORK = "waiting_mib"
GOAL = 20.0
RUNS = 10_000
_AT_ONCE = 500


def measure() -> dict[str, Any]:
    """Return mebibytes."""
    with opened({"rest": _rest(3600), "blink": _rest(0)}) as (orchestra, _):
        for _ in range(1_000 // _AT_ONCE):
            _started(orchestra, "blink")
        before = _mebibytes()
        for _ in range(RUNS // _AT_ONCE):
            _started(orchestra, "rest")
        assert len(orchestra.runs.list(OWNER, status="waiting", limit=200).rows) == 200
        after = _mebibytes()
    return absolute([max(0.0, after - before)], GOAL, "MiB")


def _rest(seconds: int) -> dict[str, Any]:
    steps = [
        {"id": "first", "uses": "flow.set", "with": {"values": {"n": 1}}},
        {"id": "rest", "uses": "flow.wait", "with": {"seconds": seconds}},
        {"id": "last", "uses": "flow.set", "with": {"values": {"n": "{{ steps.first.output.n }}"}}},
    ]
    return {"schema_version": 1, "title": "Rest", "steps": steps}


def _started(orchestra: Orchestra, workflow: str) -> None:
    """Start this many runs at once, and wait until this process has nothing to do for any of them."""
    for run_id in orchestra.runs.start_all(OWNER, workflow, [{}] * _AT_ONCE):
        orchestra._families.work.worker.wait(run_id, 120)  # noqa: SLF001 - without building a document for each


def _mebibytes() -> float:
    gc.collect()
    found = []
    for _ in range(5):
        time.sleep(0.2)
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        found.append(next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")))
    return min(found) / 1024
