"""calls: how many functions of ours a step of a chain calls, the same on every machine, however busy it is.

A chain of 300 steps against one of 200, counted by `sys.setprofile` on the engine's loop: what other threads do (the
log, requests) depends on the time. The goal is for steps without a service; the second figure is for calls of an HTTP
service.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from bench.base.figures import absolute
from bench.base.opened import opened
from bench.base.slow_service import serving
from bench.base.workspace import chain
from bench.runs.chain import ran
from bench.runs.outside_run import calls_of, config_of

WORK = "calls"
GOAL = 70.0
_SHORT, _LONG = 200, 300
_LOOP = "engine"
_OURS = tuple(f"{Path(__file__).resolve().parents[2] / name}/" for name in ("engine", "clients"))


def measure() -> dict[str, Any]:
    """Return calls per step."""
    with serving(0) as port:
        with_service = _per_step(calls_of(_SHORT, port), calls_of(_LONG, port), config_of(port))
    return {
        **absolute([_per_step(chain(_SHORT), chain(_LONG))], GOAL, "calls"),
        "more": {"of an HTTP service": with_service},
    }


def _per_step(short: Any, long: Any, config: str = "connections: {}\n") -> float:
    counts = []
    for workflow in (short, long):
        with _counting() as count, opened({"chain": workflow}, config) as (orchestra, _):
            ran(orchestra)  # what is made once is made now
            before = count[0]
            ran(orchestra)
            counts.append(count[0] - before)
    return (counts[1] - counts[0]) / (_LONG - _SHORT)


@contextmanager
def _counting() -> Iterator[list[int]]:
    """Count the calls of our functions on the loop of an engine that is opened meanwhile."""
    count = [0]

    def called(frame: FrameType, event: str, _argument: object) -> None:
        is_counted = event == "call" and threading.current_thread().name == _LOOP
        count[0] += is_counted and frame.f_code.co_filename.startswith(_OURS)

    threading.setprofile(called)
    try:
        yield count
    finally:
        threading.setprofile(None)
