"""Work that waits for a thread: the urgent goes first, and none waits for ever."""

from __future__ import annotations

import asyncio
import threading
from functools import partial

import pytest

from engine.base.statuses import Priority
from engine.base.threads import WorkerThreads, shared_property
from tests.patience import PATIENCE_SECONDS


def test_urgent_work_goes_first_and_every_tenth_turn_is_that_of_other_work() -> None:
    done: list[str] = []

    async def story() -> None:
        workers, gate = WorkerThreads("test", 1), threading.Event()
        first = workers.run(gate.wait)
        await asyncio.sleep(0.1)
        wanted = [(Priority.LOW, "low")] * 2 + [(Priority.NORMAL, "normal")] * 2 + [(Priority.HIGH, "high")] * 18
        waiting = [workers.run(partial(done.append, name), priority) for priority, name in wanted]
        gate.set()
        await asyncio.gather(first, *waiting)

    asyncio.run(story())
    # The first turn was that of what was at work already.
    assert done == [*["high"] * 8, "normal", *["high"] * 9, "low", "high", "normal", "low"]


def test_a_thread_that_cannot_be_started_costs_one_piece_of_work_and_not_the_pool(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start = threading.Thread.start
    tries: list[int] = []

    def refuse_twice(self: threading.Thread) -> None:
        tries.append(1)
        if self.name.startswith("test") and len(tries) <= 2:
            raise RuntimeError("can't start new thread")
        start(self)

    async def story() -> None:
        workers = WorkerThreads("test", 1)
        for _ in range(2):
            with pytest.raises(RuntimeError):
                workers.run(lambda: 7)
        assert await asyncio.wait_for(workers.run(lambda: 7), 20) == 7

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse_twice)
        asyncio.run(story())


def test_what_threads_share_is_made_once_however_many_ask_at_the_same_time() -> None:
    entered: list[str] = []
    others = threading.Event()

    class Holder:
        @shared_property
        def store(self) -> list[str]:
            """What all of them change."""
            entered.append(threading.current_thread().name)
            others.wait(0.2)  # a second thread that got in would be seen
            return []

    holder = Holder()
    asking = [threading.Thread(target=lambda: holder.store.append("written")) for _ in range(4)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert len(entered) == 1
    assert holder.store == ["written"] * 4
    assert Holder.store.__doc__ == "What all of them change."


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, GeneratorExit, StopIteration])
def test_work_that_wants_to_end_the_program_only_fails(kind: type[BaseException]) -> None:
    def work() -> None:
        raise kind("3")

    async def story() -> str:
        workers = WorkerThreads("test", 1)
        with pytest.raises(RuntimeError, match=f"{kind.__name__}: 3"):
            await asyncio.wait_for(workers.run(work), PATIENCE_SECONDS)
        return "alive"

    assert asyncio.run(story()) == "alive"
