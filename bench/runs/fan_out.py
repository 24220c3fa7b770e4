"""W2: `foreach` over 200 items, 50 at once, each an HTTP GET that takes 100 ms and a durable result.

Ours is the duration of the loop that the run recorded. The limit sends the same requests over 50 raw asyncio sockets
that stay open, and stores nothing.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from bench.base.figures import ROUNDS, beside
from bench.base.opened import opened
from bench.base.slow_service import serving
from bench.base.workspace import OWNER
from engine.base.clock import moment_of
from engine.orchestra import Orchestra

WORK = "W2"
ITEMS = 200
AT_ONCE = 50
GOAL = 1.25


def measure() -> dict[str, Any]:
    """Return seconds."""
    ours, limits = [], []
    with serving() as port, opened({"fan": _workflow(port)}, _config(port)) as (orchestra, _):
        _run(orchestra), asyncio.run(_limit(port))
        for _ in range(ROUNDS):
            limits.append(asyncio.run(_limit(port)))
            ours.append(_run(orchestra))
    return beside(ours, limits, GOAL, "s")


def _workflow(port: int) -> dict[str, Any]:
    url = f"http://127.0.0.1:{port}/{{{{ item }}}}"
    call = {"id": "get", "uses": "http.request", "connection": "web", "with": {"method": "GET", "url": url}}
    numbers = {"id": "numbers", "uses": "flow.set", "with": {"values": {"all": list(range(ITEMS))}}}
    loop = {"id": "each", "foreach": "{{ steps.numbers.output.all }}", "parallel": AT_ONCE, "steps": [call]}
    return {"schema_version": 1, "title": "Fan-out", "steps": [numbers, loop]}


def _config(port: int) -> str:
    web = f"connections:\n  web:\n    service: http\n    allow_hosts: ['127.0.0.1:{port}']\n"
    return f"{web}limits:\n  calls_at_once: {AT_ONCE}\n"


def _run(orchestra: Orchestra) -> float:
    run_id = orchestra.runs.start(OWNER, "fan", {})
    run: Any = orchestra.runs.wait(OWNER, run_id, 120)
    assert run["status"] == "succeeded", run["error"]
    steps = {step["path"]: step for step in run["steps"]}
    assert all(steps[f"each[{n}].get"]["output"]["json"]["ok"] for n in range(ITEMS))
    loop = steps["each"]
    return (moment_of(loop["ended_at"]) - moment_of(loop["started_at"])).total_seconds()


async def _limit(port: int) -> float:
    """Return the duration of the same requests over raw sockets, 50 at once."""
    numbers = iter(range(ITEMS))
    started = time.perf_counter()
    await asyncio.gather(*(_sent(port, numbers) for _ in range(AT_ONCE)))
    return time.perf_counter() - started


async def _sent(port: int, numbers: Any) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in numbers:
        writer.write(b"GET /%d HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % number)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        await reader.readexactly(int(length.split(b":")[1]))
    writer.close()
    await writer.wait_closed()
