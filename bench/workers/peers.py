"""Other engines that do the same work: their worker processes, each with 100 slots, and one that fills their queue."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.workers.place import database, done

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-peers" / "bin" / "python"
PEERS = {"dbos": "bench.workers.on_dbos", "celery": "bench.workers.on_celery"}
WORKERS, SLOTS, RUNS = 2, 100, 1000
_SETTLE_SECONDS = 3.0
_PATIENCE_SECONDS = 120


def measured() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the runs per second of each peer, and what each run cost. Needs `.venv-peers`."""
    if not PYTHON.exists():
        sys.exit("The environment of the peers is missing: run `make bench-workers`.")
    for name, module in PEERS.items():
        yield name, _measured(module)


def _measured(module: str) -> dict[str, Any]:
    with database() as url:
        command = [str(PYTHON), "-m", module]
        working = [*command, "work", url, str(SLOTS)]
        workers = []
        try:
            for _ in range(WORKERS):  # one after the other: each may make the tables
                workers.append(subprocess.Popen(working, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
                assert workers[-1].stdout is not None
                assert workers[-1].stdout.readline() == b"ready\n"
            time.sleep(_SETTLE_SECONDS)
            pids = [one.pid for one in workers]
            before = done(url, pids)
            filling = [*command, "fill", url, str(RUNS)]
            filled = subprocess.run(filling, cwd=ROOT, stdout=subprocess.PIPE, check=True, timeout=_PATIENCE_SECONDS)
            seconds, put = map(float, filled.stdout.split())
            cost = done(url, pids).since(before, RUNS)
            return {"runs_per_second": RUNS / seconds, "put_seconds": put, **cost}
        finally:
            for one in workers:
                one.kill()
                one.wait()
