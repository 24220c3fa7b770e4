"""Other engines that do the same work: their worker processes, each with 100 slots, and one that fills their queue."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.base.served import free_port
from evals.workers.place import database, done

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-peers" / "bin" / "python"
PEERS = {"dbos": "evals.workers.on_dbos", "celery": "evals.workers.on_celery", "prefect": "evals.workers.on_prefect"}
WORKERS, SLOTS = 2, 100
RUNS = {"dbos": 1000, "celery": 1000, "prefect": 40}
"""Each as many as take it some seconds."""
_SETTLE_SECONDS = 3.0
_PATIENCE_SECONDS = 120


def measured() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the runs per second of each peer, and what each run cost. Needs `.venv-peers`."""
    if not PYTHON.exists():
        sys.exit("The environment of the peers is missing: run `make bench-workers`.")
    for name in PEERS:
        yield name, _measured(name)


def _measured(name: str) -> dict[str, Any]:
    runs = RUNS[name]
    with database() as url, ExitStack() as running:
        pids, place = [], url
        if name == "prefect":  # its workers speak to a server of its own, which counts as one of them
            place = str(free_port())
            pids.append(int(_begun(running, name, "serve", url, place).split()[1]))
        working = [
            _begun(running, name, "work", place, str(SLOTS)) for _ in range(WORKERS)
        ]  # the first makes the tables
        pids += [int(line.split()[-1]) for line in working]
        time.sleep(_SETTLE_SECONDS)
        before = done(url, pids)
        filling = _command(name, "fill", place, str(runs))
        filled = subprocess.run(filling, cwd=ROOT, stdout=subprocess.PIPE, check=True, timeout=_PATIENCE_SECONDS)
        seconds, put = map(float, filled.stdout.split())
        return {"runs_per_second": runs / seconds, "put_seconds": put, **done(url, pids).since(before, runs)}


def _begun(running: ExitStack, name: str, *arguments: str) -> str:
    """Start a process that ends with the block; return the line by which it says that it is ready, and its id."""
    process = subprocess.Popen(
        _command(name, *arguments), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    running.callback(_ended, process)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("ready"), line
    return f"{line} {process.pid}"


def _ended(process: subprocess.Popen[str]) -> None:
    """End a process, which ends what it has begun once its input ends."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(_SETTLE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _command(name: str, *arguments: str) -> list[str]:
    return [str(PYTHON), "-m", PEERS[name], *arguments]
