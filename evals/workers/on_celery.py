"""Celery with Redis as its broker: a task whose five steps take 20 ms each, and commit a row in PostgreSQL each.

Runs in `.venv-peers`: `work URL SLOTS` is a worker, `fill URL RUNS` prints the seconds until all runs have ended.
Celery keeps no history of steps: the rows are what its user would have to write, and a run that is cut off begins anew.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from importlib import import_module
from typing import Any

BROKER = os.environ.get("BENCH_REDIS", "redis://127.0.0.1:6379/9")
STEPS, SECONDS = 5, 0.02
_TABLE = "CREATE TABLE IF NOT EXISTS celery_events (run integer, number integer, event text, PRIMARY KEY (run, number))"
_EVENT = "INSERT INTO celery_events VALUES (%s, %s, %s)"
_own = threading.local()


def _connection(url: str) -> Any:
    if not hasattr(_own, "connection"):
        _own.connection = import_module("psycopg").connect(url, autocommit=True)
    return _own.connection


def _opened(url: str) -> tuple[Any, Any]:
    app = import_module("celery").Celery("bench", broker=BROKER)
    name = f"bench-{url.rpartition('/')[2]}"
    app.conf.update(task_acks_late=True, worker_prefetch_multiplier=1, task_default_queue=name, task_ignore_result=True)

    @app.task(name="chain")  # type: ignore[untyped-decorator]
    def chain(run: int) -> None:
        for number in range(STEPS):
            time.sleep(SECONDS)
            _connection(url).execute(_EVENT, (run, number, "x" * 300))

    return app, chain


def _work(url: str, slots: int) -> None:
    app, _ = _opened(url)
    _connection(url).execute(_TABLE)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    options = ["--pool", "threads", "--concurrency", str(slots), "--loglevel", "ERROR", "--without-gossip"]
    app.worker_main(["worker", *options, "--without-mingle", "--without-heartbeat", "-n", f"{os.getpid()}@bench"])


def _fill(url: str, runs: int) -> None:
    _, chain = _opened(url)
    began = time.perf_counter()
    for run in range(runs):
        chain.delay(run)
    put = time.perf_counter() - began
    while _connection(url).execute("SELECT count(*) FROM celery_events").fetchone()[0] < runs * STEPS:
        time.sleep(0.05)
    sys.stdout.write(f"{time.perf_counter() - began} {put}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    {"work": _work, "fill": _fill}[sys.argv[1]](sys.argv[2], int(sys.argv[3]))
