"""Work that waits for a thread: the urgent goes first, and none waits for ever."""

from __future__ import annotations

import asyncio
import threading
from functools import partial

from engine.base.statuses import Priority
from engine.base.threads import Workers


def test_urgent_work_goes_first_and_every_tenth_turn_is_that_of_other_work() -> None:
    done: list[str] = []

    async def story() -> None:
        workers, gate = Workers("test", 1), threading.Event()
        first = workers.run(gate.wait)
        await asyncio.sleep(0.1)
        wanted = [(Priority.LOW, "low")] * 2 + [(Priority.NORMAL, "normal")] * 2 + [(Priority.HIGH, "high")] * 18
        waiting = [workers.run(partial(done.append, name), priority) for priority, name in wanted]
        gate.set()
        await asyncio.gather(first, *waiting)

    asyncio.run(story())
    # The first turn was that of what was at work already.
    assert done == [*["high"] * 8, "normal", *["high"] * 9, "low", "high", "normal", "low"]
