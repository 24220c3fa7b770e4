"""W7: a loop over 10,000 items with a key, two steps that call nothing for each.

Ours is the duration of the run that it recorded, per item. The limit commits two events per item, one transaction for
each item, with the same tables, pragmas and a warmed file. `more` has what a run adds to the memory of its process at
most, in MiB.
"""

from __future__ import annotations

import resource
from typing import Any

from bench.base.figures import beside
from bench.base.opened import opened
from bench.base.workspace import OWNER
from bench.runs.chain import Limit
from engine.orchestra import Orchestra
from engine.record.continuation import events_of
from engine.record.events import encoded

WORK = "W7"
ITEMS = 10_000
GOAL = 4.0
ROUNDS = 3


def measure() -> dict[str, Any]:
    """Return milliseconds per item."""
    ours, limits = [], []
    with opened({"items": workflow(ITEMS), "few": workflow(100)}) as (orchestra, root):
        ran(orchestra, "few")
        before = mebibytes()
        run = ran(orchestra, "items")
        grown = mebibytes() - before
        events = [encoded(event) for event in events_of(run)]
        texts = ["\n".join(events[place : place + 2]) for place in range(0, 2 * ITEMS, 2)]
        limit = Limit(root / "limit")
        limit.seconds(texts)
        for _ in range(ROUNDS):
            limits.append(1000 * limit.seconds(texts) / ITEMS)
            ours.append(1000 * ran(orchestra, "items")["duration_seconds"] / ITEMS)
        limit.close()
    return {**beside(ours, limits, GOAL, "ms/item"), "more": {"MiB": grown}}


def workflow(items: int) -> dict[str, Any]:
    """Return a workflow with a loop over that many items."""
    numbers = {"id": "numbers", "uses": "flow.set", "with": {"values": {"all": list(range(items))}}}
    twice = {"id": "twice", "uses": "flow.set", "with": {"values": {"n": "{{ item * 2 }}"}}}
    named = {"id": "named", "uses": "flow.set", "with": {"values": {"name": "item {{ steps.twice.output.n }}"}}}
    loop = {"id": "each", "foreach": "{{ steps.numbers.output.all }}", "key": "{{ item }}", "steps": [twice, named]}
    return {"schema_version": 1, "title": "Items", "steps": [numbers, loop]}


def ran(orchestra: Orchestra, name: str) -> Any:
    """Run a workflow to its end and return its document."""
    run_id = orchestra.runs.start(OWNER, name, {})
    run = orchestra.runs.wait(OWNER, run_id, 600)
    assert run["status"] == "succeeded", run["error"]
    return run


def mebibytes() -> float:
    """Return the most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
