"""Those who wait for runs are answered at once, and those who ask again ask together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import cast

import pytest

from engine.runner.worker import standings
from engine.runner.worker.standings import Standings
from engine.store.runs import RunStanding, RunStore
from tests.patience import PATIENCE_SECONDS


class _Looks:
    """A store that knows no run, and counts how often it is asked."""

    def __init__(self) -> None:
        self.looks: list[Sequence[str]] = []

    def standings(self, run_ids: Sequence[str]) -> dict[str, RunStanding]:
        self.looks.append(run_ids)
        return {}


def test_waiting_for_runs_in_turn_costs_no_beat_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting for 500 runs that all wait took 25 seconds: a beat for each."""
    monkeypatch.setattr(standings, "_LOOK_SECONDS", 3600)
    store = _Looks()

    async def asked() -> None:
        common = Standings(cast("RunStore", store))
        for number in range(5):
            async with asyncio.timeout(PATIENCE_SECONDS):
                assert await common.of(f"run-{number}") is None

    asyncio.run(asked())
    assert store.looks == [[f"run-{number}"] for number in range(5)]


def test_all_who_ask_again_share_a_look() -> None:
    """Two hundred who ask four times each: a handful of looks and not eight hundred."""
    store = _Looks()

    async def asked() -> None:
        common = Standings(cast("RunStore", store))

        async def waits(run_id: str) -> None:
            for _ in range(4):
                await common.of(run_id)
                await common.pause()

        await asyncio.gather(*(waits(f"run-{number}") for number in range(200)))

    asyncio.run(asked())
    assert sum(map(len, store.looks)) == 800
    assert len(store.looks) < 20


def test_the_end_releases_who_waits_for_a_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the loop would be gone before they are."""
    monkeypatch.setattr(standings, "_LOOK_SECONDS", 3600)

    async def closed() -> None:
        common = Standings(cast("RunStore", _Looks()))
        paused = asyncio.ensure_future(common.pause())
        await asyncio.sleep(0)
        common.close()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await paused

    asyncio.run(closed())
