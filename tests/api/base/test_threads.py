"""Reads work one at a time while they are short; what takes long is passed by others, up to a limit."""

from __future__ import annotations

import asyncio
import threading
from functools import partial

from api.base.threads import Threads
from tests.patience import PATIENCE_SECONDS


def test_short_reads_take_turns_in_the_order_of_the_requests() -> None:
    order: list[int] = []
    at_once = most_at_once = 0

    def work(number: int) -> None:
        nonlocal at_once, most_at_once
        at_once += 1
        most_at_once = max(most_at_once, at_once)
        order.append(number)
        at_once -= 1

    async def ask() -> None:
        threads = Threads("short", 4)
        await asyncio.gather(*(threads.run(partial(work, number)) for number in range(50)))

    asyncio.run(ask())
    assert order == list(range(50))
    assert most_at_once == 1


def test_what_takes_long_is_passed_up_to_a_limit() -> None:
    go_on = threading.Event()
    begun = threading.Semaphore(0)

    def long() -> None:
        begun.release()
        assert go_on.wait(PATIENCE_SECONDS)

    async def ask() -> None:
        threads = Threads("long", 3)
        long_ones = [asyncio.create_task(threads.run(long)) for _ in range(2)]
        assert await asyncio.wait_for(threads.run(lambda: "short"), PATIENCE_SECONDS) == "short"
        third = asyncio.create_task(threads.run(long))
        for _ in range(3):
            assert await asyncio.to_thread(begun.acquire, timeout=PATIENCE_SECONDS)
        late = asyncio.create_task(threads.run(lambda: "late"))
        await asyncio.sleep(0.2)
        assert not late.done()
        go_on.set()
        assert await asyncio.wait_for(late, PATIENCE_SECONDS) == "late"
        await asyncio.gather(*long_ones, third)
        assert await threads.run(lambda: "again") == "again"

    asyncio.run(ask())
