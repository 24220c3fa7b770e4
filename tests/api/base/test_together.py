"""Requests that are done together: each has its own outcome, context and place in the line."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from functools import partial

import pytest

from api.base.threads import Threads
from api.base.together import Together
from tests.patience import PATIENCE_SECONDS

_name: ContextVar[str] = ContextVar("name", default="")


class _Work:
    """What is asked, and the groups in which it was finished."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.begun, self.go_on = threading.Semaphore(0), threading.Event()

    def prepare(self, number: int) -> int:
        if number < 0:
            raise ValueError(number)
        return number

    def slow(self, number: int) -> int:
        self.begun.release()
        assert self.go_on.wait(PATIENCE_SECONDS)
        return number

    def finish(self, prepared: Sequence[int]) -> Sequence[str | Exception]:
        self.groups.append(list(prepared))
        if 99 in prepared:
            raise OSError("disk")
        return [KeyError(number) if number == 13 else str(number) for number in prepared]


def outcomes(work: _Work, *prepare: Callable[[], int]) -> list[str | BaseException]:
    together: Together[int, str] = Together(Threads("together", 4))

    async def ask() -> list[str | BaseException]:
        found = asyncio.gather(*(together.run(one, work.finish) for one in prepare), return_exceptions=True)
        return await asyncio.wait_for(found, PATIENCE_SECONDS)

    return asyncio.run(ask())


def test_what_waits_is_finished_together_and_each_has_its_own_outcome() -> None:
    work = _Work()
    found = outcomes(work, *(partial(work.prepare, number) for number in (1, -2, 13, 4)))
    assert [work.groups, found[0], found[3]] == [[[1, 13, 4]], "1", "4"]
    assert isinstance(found[1], ValueError)
    assert isinstance(found[2], KeyError)


def test_everyone_hears_why_it_could_not_be_finished() -> None:
    work = _Work()
    found = outcomes(work, partial(work.prepare, 1), partial(work.prepare, 99))
    assert [type(one) for one in found] == [OSError, OSError]


def test_what_takes_long_is_passed_by_those_behind_it() -> None:
    work = _Work()
    together: Together[int, str] = Together(Threads("long", 2))

    async def ask() -> None:
        long = asyncio.create_task(together.run(partial(work.slow, 1), work.finish))
        behind = asyncio.create_task(together.run(partial(work.slow, 2), work.finish))
        for _ in range(2):
            assert await asyncio.to_thread(work.begun.acquire, timeout=PATIENCE_SECONDS)
        work.go_on.set()
        assert list(await asyncio.wait_for(asyncio.gather(long, behind), PATIENCE_SECONDS)) == ["1", "2"]

    asyncio.run(ask())


def test_what_came_before_a_slow_request_does_not_wait_for_it() -> None:
    work = _Work()
    together: Together[int, str] = Together(Threads("before", 4))

    async def ask() -> None:
        first = asyncio.create_task(together.run(partial(work.prepare, 1), work.finish))
        slow = asyncio.create_task(together.run(partial(work.slow, 2), work.finish))
        assert await asyncio.wait_for(first, PATIENCE_SECONDS) == "1"
        assert not slow.done()
        work.go_on.set()
        assert await asyncio.wait_for(slow, PATIENCE_SECONDS) == "2"

    asyncio.run(ask())


def test_an_error_that_no_future_takes_is_told_too() -> None:
    found = outcomes(work := _Work(), partial(next, iter(())), partial(work.prepare, 1))
    assert [type(found[0]), found[1]] == [RuntimeError, "1"]


def test_a_request_whose_client_has_gone_is_not_begun() -> None:
    work = _Work()
    together: Together[int, str] = Together(Threads("gone", 1))

    async def ask() -> None:
        first = asyncio.create_task(together.run(partial(work.slow, 1), work.finish))
        assert await asyncio.to_thread(work.begun.acquire, timeout=PATIENCE_SECONDS)
        gone, last = (asyncio.create_task(together.run(partial(work.prepare, n), work.finish)) for n in (2, 3))
        await asyncio.sleep(0)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        work.go_on.set()
        assert list(await asyncio.wait_for(asyncio.gather(first, last), PATIENCE_SECONDS)) == ["1", "3"]

    asyncio.run(ask())
    assert 2 not in [number for group in work.groups for number in group]


def test_each_is_prepared_in_the_context_of_its_request() -> None:
    work, seen = _Work(), []

    def named(number: int) -> int:
        seen.append(_name.get())
        return number

    async def ask() -> None:
        together: Together[int, str] = Together(Threads("context", 1))

        async def one(name: str) -> str:
            _name.set(name)
            return await together.run(partial(named, 1), work.finish)

        await asyncio.gather(*(asyncio.create_task(one(name)) for name in ("a", "b")))

    asyncio.run(ask())
    assert seen == ["a", "b"]
