"""The throughput of the API for one client and for 16 at once: lists of runs and of workflows, and execute.

A client is a connection that stays open (`fleet.py`). The clients use the processor, too: on two cores the
figures are those of server and clients together.
"""

from __future__ import annotations

import json
from typing import Any

from bench.base.figures import ROUNDS, absolute, beside
from bench.base.served import Served, served
from bench.base.workspace import chain
from bench.server.fleet import Calls, called, request

CLIENTS = 16
_SECONDS = 3.0
_WORKFLOWS = 12
_RUNS = 60
_EXECUTE = ("POST", "/workflows/execute", json.dumps({"workflow": "w0", "inputs": {}}).encode())


def gained(path: str, goal: float) -> dict[str, Any]:
    """Return the calls per second of 16 clients beside those of one, for a GET of `path`."""
    ours, limits = [], []
    with served(_workflows(), settle_seconds=2.0) as server:
        token = _with_runs(server)
        asked = [request("GET", path, token)]
        called(server.port, asked, CLIENTS, 1.0)
        for _ in range(ROUNDS):
            limits.append(called(server.port, asked, 1, _SECONDS).per_second)
            ours.append(called(server.port, asked, CLIENTS, _SECONDS).per_second)
    return beside(ours, limits, goal, "calls/s")


def executed(goal: float) -> dict[str, Any]:
    """Return the runs per second that 16 clients start by `POST /workflows/execute`."""
    method, path, body = _EXECUTE
    with served(_workflows(), settle_seconds=2.0) as server:
        asked = [request(method, path, server.token(), body)]
        found = [called(server.port, asked, CLIENTS, _SECONDS).per_second for _ in range(ROUNDS + 1)]
    return absolute(found[1:], goal, "runs/s")


def mixed_reads(count: int, seconds: float) -> Calls:
    """Let so many clients read the list of runs, one run, the list of workflows and `/health` in turn."""
    with served(_workflows(), settle_seconds=2.0) as server:
        token = _with_runs(server)
        run_id = server.client(token).asked("GET", "/api/runs")["runs"][0]["run_id"]
        paths = ("/api/runs", f"/api/runs/{run_id}", "/api/workflows", "/health")
        return called(server.port, [request("GET", path, token) for path in paths], count, seconds)


def _with_runs(server: Served) -> str:
    """Have some runs in the workspace; return a token."""
    token = server.token()
    client = server.client(token)
    for _ in range(_RUNS):
        client.asked("POST", _EXECUTE[1], json.loads(_EXECUTE[2]))
    return token


def _workflows() -> dict[str, Any]:
    return {f"w{number}": chain(3) for number in range(_WORKFLOWS)}
