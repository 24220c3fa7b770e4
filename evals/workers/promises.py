"""How soon a run begins, how soon the runs of a killed worker go on elsewhere, and what an idle worker takes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from datetime import datetime

from bench.base.workspace import OWNER
from evals.workers.crew import Crew
from evals.workers.place import done, mebibytes, processor_seconds

_REAL = ("-c", "import cli; cli.process()")
_RUNS_PER_SECOND, _LATENCY_RUNS = 10, 200
_KILLS, _AT_ONCE = 7, 20
_IDLE_SECONDS = 10.0
_MANY, _WAKING_PER_SECOND, _WAKING_RUNS = 8, 20, 200
_STARTED = "SELECT run_id, started_at FROM runs WHERE run_id = ANY(%s)"
_OWNERS = "SELECT owner FROM runs WHERE run_id = ANY(%s) AND ended_at IS NULL"
_PID = "SELECT pid FROM owners WHERE owner = %s"


def start_latency(crew: Crew) -> dict[str, float]:
    """Return the milliseconds from the call that accepts a run until a worker works on it, at 10 runs a second."""
    crew.hire(2, 100)
    crew.worked_off(20)
    asked: dict[str, float] = {}
    began = time.monotonic()
    for number in range(_LATENCY_RUNS):
        time.sleep(max(0.0, began + number / _RUNS_PER_SECOND - time.monotonic()))
        at = time.time()
        asked[crew.orchestra.runs.start(OWNER, "chain", {})] = at
    time.sleep(2)
    found = crew.rows(_STARTED, list(asked))
    crew.dismiss()
    waited = sorted(1000 * (datetime.fromisoformat(at).timestamp() - asked[run_id]) for run_id, at in found)
    assert len(waited) == _LATENCY_RUNS
    return {"p50_ms": statistics.median(waited), "p99_ms": waited[int(0.99 * _LATENCY_RUNS)]}


def takeover(crew: Crew) -> list[float]:
    """Return the seconds from each `kill -9` of a worker until another one owns all of its runs."""
    crew.hire(2, 100)
    found = []
    for _ in range(_KILLS):
        run_ids = crew.orchestra.runs.start_all(OWNER, "long", [{}] * _AT_ONCE)
        owner = _owner(crew, run_ids)
        [(pid,)] = crew.rows(_PID, owner)
        [victim] = [one for one in crew.workers if one.pid == pid]
        victim.kill()
        killed_at = time.monotonic()
        victim.wait()
        while owner in _owners(crew, run_ids):
            time.sleep(0.02)
        found.append(time.monotonic() - killed_at)
        for run_id in run_ids:
            crew.orchestra.runs.cancel(OWNER, run_id)
        crew.workers.remove(victim)
        crew.hire(1, 100)
    crew.dismiss()
    return found


def waking(crew: Crew) -> dict[str, float]:
    """Return the processor time (ms a second) of PostgreSQL and of eight workers with free slots, at 20 runs/s."""
    crew.hire(_MANY, 10)
    crew.worked_off(20)
    before, began = done(crew.url, crew.pids), time.monotonic()
    for number in range(_WAKING_RUNS):
        time.sleep(max(0.0, began + number / _WAKING_PER_SECOND - time.monotonic()))
        crew.orchestra.runs.start(OWNER, "chain", {})
    time.sleep(1)
    seconds, after = time.monotonic() - began, done(crew.url, crew.pids)
    crew.dismiss()
    return {
        "server_ms": 1000 * (after.server_seconds - before.server_seconds) / seconds,
        "workers_ms": 1000 * (after.worker_seconds - before.worker_seconds) / seconds,
    }


def idle(crew: Crew) -> dict[str, float]:
    """Return the memory (MiB) of a worker that has nothing to do, and its processor time (% of a core)."""
    crew.hire(2, 100, _REAL)
    before = [processor_seconds(pid) for pid in crew.pids]
    time.sleep(_IDLE_SECONDS)
    used = [processor_seconds(pid) - was for pid, was in zip(crew.pids, before, strict=True)]
    memory = [mebibytes(pid) for pid in crew.pids]
    crew.dismiss()
    return {"idle_mib": max(memory), "idle_percent": 100 * max(used) / _IDLE_SECONDS}


def _owner(crew: Crew, run_ids: Sequence[str]) -> str:
    """Wait until a worker has begun, and return its id."""
    while not (owners := [one for one in _owners(crew, run_ids) if one is not None]):
        time.sleep(0.02)
    time.sleep(0.3)
    return owners[0]


def _owners(crew: Crew, run_ids: Sequence[str]) -> list[str | None]:
    return [owner for (owner,) in crew.rows(_OWNERS, list(run_ids))]
