"""Prefect: a background task of five tasks that take 20 ms each; its API server, a worker process, and one that fills.

Runs in `.venv-peers`: `serve URL PORT` is the server, `work PORT SLOTS` a worker, `fill PORT RUNS` prints the seconds
until all runs have ended.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from typing import Any
from urllib.request import Request, urlopen

STEPS, SECONDS = 5, 0.02
_SETTINGS = {
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_ENABLED": "false",
}


def _serve(url: str, port: int) -> None:
    """Begin the server, say `ready` once it answers, and end it when the input ends."""
    database = url.replace("postgresql://", "postgresql+asyncpg://", 1)
    with tempfile.TemporaryDirectory() as home:
        settings = {**_SETTINGS, "PREFECT_HOME": home, "PREFECT_API_DATABASE_CONNECTION_URL": database}
        command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
        with subprocess.Popen(
            command, env={**os.environ, **settings}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as server:
            while not _answers(port):
                time.sleep(0.2)
            sys.stdout.write(f"ready {server.pid}\n")
            sys.stdout.flush()
            sys.stdin.readline()
            server.terminate()


def _answers(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/api/health", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _chain(port: int) -> Any:
    os.environ.update(_SETTINGS, PREFECT_API_URL=f"http://127.0.0.1:{port}/api")
    prefect = import_module("prefect")

    @prefect.task  # type: ignore[untyped-decorator]
    async def step(n: int) -> int:
        await asyncio.sleep(SECONDS)
        return n + 1

    @prefect.task(name="chain")  # type: ignore[untyped-decorator]
    async def chain() -> int:
        n = 0
        for _ in range(STEPS):
            n = int(await step(n))
        return n

    return chain


def _work(port: str, slots: int) -> None:
    chain = _chain(int(port))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    import_module("prefect.task_worker").serve(chain, limit=slots)


def _fill(port: str, runs: int) -> None:
    chain = _chain(int(port))
    began = time.perf_counter()
    for _ in range(runs):
        chain.delay()
    put = time.perf_counter() - began
    while _completed(int(port)) < runs * (1 + STEPS):  # to wait for each misses those that have ended already
        time.sleep(0.1)
    sys.stdout.write(f"{time.perf_counter() - began} {put}\n")


def _completed(port: int) -> int:
    """Ask the server how many tasks have ended."""
    wanted = json.dumps({"task_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}}).encode()
    headers = {"Content-Type": "application/json"}
    with urlopen(Request(f"http://127.0.0.1:{port}/api/task_runs/count", wanted, headers), timeout=10) as answer:
        return int(answer.read())


if __name__ == "__main__":
    {"serve": _serve, "work": _work, "fill": _fill}[sys.argv[1]](sys.argv[2], int(sys.argv[3]))
