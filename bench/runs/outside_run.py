"""outside_run: what the check of text from outside at run time costs: runs with it beside runs without it.

Ours has the check `OutsideTextCheck`; for the limit it is left out of the chain. The runs are those of W1 and W3
(a chain of 200 steps, and 500 chains of 5 that start at once), but each step is an HTTP call on loopback whose address
is worked out from the answer before: steps that call nothing are never checked. Processor time of the engine's process
is measured, which waits for disk and service do not dilute. `more` has the ratio for the 500 runs, and for W1 and W3 as
they are, which the check must not touch.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from bench.base.figures import beside
from bench.base.opened import opened
from bench.base.slow_service import serving
from bench.base.workspace import chain as chain_of_nothing
from bench.runs.chain import STEPS as LONG
from bench.runs.chain import ran
from bench.runs.many_runs import RUNS, started_at_once
from bench.runs.many_runs import STEPS as SHORT
from engine.orchestra import Orchestra
from engine.runner.call import chain
from engine.runner.call.arguments import OutsideTextCheck

WORK = "outside_run"
ROUNDS = 9
GOAL = 1.05


def measure() -> dict[str, Any]:
    """Return milliseconds of processor time per step of the chain of calls."""
    with serving(0) as port:
        ours, limits = _in_turn(calls_of(LONG, port), _of_one, config_of(port))
        many = _ratio(*_in_turn(calls_of(SHORT, port), _of_many, config_of(port), rounds=5))
    more = {
        "ratio, 500 runs of 5 calls": many,
        "ratio, W1": _ratio(*_in_turn(chain_of_nothing(LONG), _of_one)),
        "ratio, W3": _ratio(*_in_turn(chain_of_nothing(SHORT), _of_many)),
    }
    return {**beside(ours, limits, GOAL, "ms/step"), "more": more}


def _of_one(orchestra: Orchestra) -> float:
    began = time.process_time()
    ran(orchestra)
    return 1000 * (time.process_time() - began) / LONG


def _of_many(orchestra: Orchestra) -> float:
    began = time.process_time()
    started_at_once(orchestra, RUNS)
    return 1000 * (time.process_time() - began) / RUNS / SHORT


def _in_turn(
    workflow: Any, measured: Callable[[Orchestra], float], config: str = "connections: {}\n", rounds: int = ROUNDS
) -> tuple[list[float], list[float]]:
    """Return milliseconds per step with the check and without it, measured in turn."""
    ours: list[float] = []
    limits: list[float] = []
    with opened({"chain": workflow}, config) as (orchestra, _):
        measured(orchestra)
        for number in range(rounds):
            for is_checked in (True, False) if number % 2 else (False, True):
                with nullcontext() if is_checked else _without_check():
                    (ours if is_checked else limits).append(measured(orchestra))
    return ours, limits


@contextmanager
def _without_check() -> Iterator[None]:
    """Leave the check out of the chain of the runs that start meanwhile."""
    order = chain.ORDER
    chain.ORDER = tuple(one for one in order if one is not OutsideTextCheck)
    try:
        yield
    finally:
        chain.ORDER = order


def _ratio(ours: list[float], limits: list[float]) -> float:
    return statistics.median(ours) / statistics.median(limits)


def calls_of(steps: int, port: int) -> dict[str, Any]:
    """Return a workflow of calls, each with a text from the answer before it, from which only a number may go on."""
    listed = [_call("s0", f"http://127.0.0.1:{port}/0")]
    for number in range(1, steps):
        before = f"{{{{ size(json(steps.s{number - 1}.output.json)) }}}}"
        listed.append(_call(f"s{number}", f"http://127.0.0.1:{port}/{before}"))
    return {"schema_version": 1, "title": "Calls", "steps": listed}


def _call(name: str, url: str) -> dict[str, Any]:
    return {"id": name, "uses": "http.request", "connection": "web", "with": {"method": "GET", "url": url}}


def config_of(port: int) -> str:
    """Return the text of config.yaml with a connection to the service of these calls."""
    return f"connections:\n  web:\n    service: http\n    allow_hosts: ['127.0.0.1:{port}']\n"
