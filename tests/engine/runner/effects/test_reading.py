"""When a read that does not return is given up."""

from __future__ import annotations

import asyncio

import pytest

from clients.deadline import TimeLimit
from engine.runner.effects.reading import AttemptWatch


def _watched(*, is_renewed: bool, is_over: bool = False) -> None:
    async def read() -> None:
        limit = TimeLimit(0.0, 3600.0)
        limit.ends_at -= 60.0  # long over, as when the thread does not heed it
        async with asyncio.timeout(None) as patience:
            watch = AttemptWatch(limit, patience)
            watch.begin()
            if is_renewed:
                limit.renew(60.0)
            if is_over:
                watch.end()
            for _ in range(5):
                await asyncio.sleep(0)
            watch.end()
            assert patience.when() is None

    asyncio.run(read())


def test_a_read_is_given_up_after_its_limit_unless_it_goes_on_or_has_ended() -> None:
    with pytest.raises(TimeoutError):
        _watched(is_renewed=False)
    _watched(is_renewed=True)
    _watched(is_renewed=False, is_over=True)
