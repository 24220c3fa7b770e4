"""DBOS: a queue of workflows whose five steps take 20 ms each; a worker process, and the one that fills the queue.

Runs in `.venv-peers`: `work URL SLOTS` is a worker, `fill URL RUNS` prints the seconds until all runs have ended.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from importlib import import_module
from typing import Any

STEPS, SECONDS = 5, 0.02


def _opened(url: str, slots: int) -> Any:
    dbos = import_module("dbos")
    settings = {"name": "bench", "system_database_url": url, "run_admin_server": False, "log_level": "ERROR"}
    dbos.DBOS(config={**settings, "application_version": "1", "max_executor_threads": slots})
    logging.getLogger("dbos").setLevel(logging.ERROR)

    @dbos.DBOS.step()  # type: ignore[untyped-decorator]
    async def step(n: int) -> int:
        await asyncio.sleep(SECONDS)
        return n + 1

    @dbos.DBOS.workflow(name="chain")  # type: ignore[untyped-decorator]
    async def chain() -> int:
        n = 0
        for _ in range(STEPS):
            n = int(await step(n))
        return n

    return dbos.DBOS


def _work(url: str, slots: int) -> None:
    dbos = _opened(url, slots)
    dbos.launch()
    dbos.register_queue("runs", worker_concurrency=slots, polling_interval_sec=0.1)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()


def _fill(url: str, runs: int) -> None:
    dbos = import_module("dbos")
    client = dbos.DBOSClient(system_database_url=url)
    options = {"workflow_name": "chain", "queue_name": "runs", "app_version": "1"}
    began = time.perf_counter()
    handles = [client.enqueue(options) for _ in range(runs)]
    put = time.perf_counter() - began
    for one in handles:
        assert one.get_result() == STEPS
    sys.stdout.write(f"{time.perf_counter() - began} {put}\n")


if __name__ == "__main__":
    {"work": _work, "fill": _fill}[sys.argv[1]](sys.argv[2], int(sys.argv[3]))
