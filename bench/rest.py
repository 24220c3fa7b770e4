"""The throughput of the API for one client and for 16 at once: lists of runs and of workflows, and execute.

A client is a thread with one connection that stays open. The clients use the processor, too: on two cores the figures
are those of server and clients together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.figures import ROUNDS, absolute, beside
from bench.served import Client, all_at_once, served
from bench.workspace import chain

CLIENTS = 16
_SECONDS = 3.0
_WORKFLOWS = 12
_RUNS = 60


def gained(path: str, goal: float) -> dict[str, Any]:
    """Return the calls per second of 16 clients beside those of one, for a GET of `path`."""
    return _beside(lambda client: client.asked("GET", path), goal)


def executed(goal: float) -> dict[str, Any]:
    """Return the runs per second that 16 clients start by `POST /workflows/execute`."""
    with served(_workflows(), settle_seconds=2.0) as server:
        token = server.token()
        clients = [server.client(token) for _ in range(CLIENTS)]
        found = [all_at_once(clients, _SECONDS, _execute) for _ in range(ROUNDS + 1)]
    return absolute(found[1:], goal, "runs/s")


def mixed_reads(count: int, seconds: float) -> tuple[list[float], float]:
    """Return the duration of each read of this many clients, the shortest first, and the number of reads per second.

    Each client reads the list of runs, one run, the list of workflows and `/health` in turn, without a pause.
    """
    with served(_workflows(), settle_seconds=2.0) as server:
        token = server.token()
        first = server.client(token)
        for _ in range(_RUNS):
            _execute(first)
        run_id = first.asked("GET", "/api/runs")["runs"][0]["run_id"]
        paths = ("/api/runs", f"/api/runs/{run_id}", "/api/workflows", "/health")
        clients = [server.client(token) for _ in range(count)]

        def read(client: Client) -> None:
            client.asked("GET", paths[len(client.seconds) % len(paths)])

        per_second = all_at_once(clients, seconds, read)
    return sorted(one for client in clients for one in client.seconds), per_second


def _beside(call: Callable[[Client], object], goal: float) -> dict[str, Any]:
    ours, limits = [], []
    with served(_workflows(), settle_seconds=2.0) as server:
        token = server.token()
        clients = [server.client(token) for _ in range(CLIENTS)]
        for _ in range(_RUNS):
            _execute(clients[0])
        all_at_once(clients, 1.0, call)
        for _ in range(ROUNDS):
            limits.append(all_at_once(clients[:1], _SECONDS, call))
            ours.append(all_at_once(clients, _SECONDS, call))
    return beside(ours, limits, goal, "calls/s")


def _execute(client: Client) -> None:
    client.asked("POST", "/workflows/execute", {"workflow": "w0", "inputs": {}})


def _workflows() -> dict[str, Any]:
    return {f"w{number}": chain(3) for number in range(_WORKFLOWS)}
