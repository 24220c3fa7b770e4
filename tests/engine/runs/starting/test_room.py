"""Back pressure: when runs are refused because too many wait, and for how long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine.base.clock import timestamp
from engine.base.errors import TooManyRuns
from engine.base.statuses import RunStatus
from engine.runs.starting.room import Room
from engine.store.acceptances import RunEntry
from engine.store.people.audit import AuditEntry
from tests.engine.store.memory import MemoryAcceptances, MemoryState

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass
class Scene:
    """A store with runs of which some have ended, and a stopwatch that the test moves."""

    state: MemoryState
    seconds: float = 0.0

    def accept(self, count: int) -> None:
        first = len(self.state.runs_)
        MemoryAcceptances(self.state, "me").store([entry(first + number) for number in range(count)])

    def end(self, count: int, at: datetime = NOON) -> None:
        queued = [one.run_id for one in self.state.runs_.values() if one.status == RunStatus.QUEUED]
        for run_id in queued[:count]:
            self.state.runs.change(run_id, status=RunStatus.SUCCEEDED.value, ended_at=timestamp(at))

    def room(self, least: int) -> Room:
        return Room(self.state.runs.backlog, least, lambda: NOON, lambda: self.seconds)


def entry(number: int) -> RunEntry:
    acceptance: Any = {
        "run_id": f"20261120T120000Z-{number:08}",
        "workflow": "work",
        "definition": {"workflow": {}},
        "demo": False,
        "started_by": "me",
        "origin_run_id": None,
        "parent_run_id": None,
        "queued_at": timestamp(NOON),
        "options": {},
    }
    return RunEntry(acceptance, "Work", AuditEntry(timestamp(NOON), "me", "runs.start", "work", ""))


@pytest.fixture
def scene() -> Scene:
    state = MemoryState()
    state.owners.add("me")
    return Scene(state)


def refusal(start: Callable[[], None]) -> TooManyRuns:
    with pytest.raises(TooManyRuns) as refused:
        start()
    return refused.value


def test_so_many_may_wait_whatever_the_rate_is(scene: Scene) -> None:
    scene.accept(3)
    scene.room(3).require()
    scene.accept(1)
    assert refusal(scene.room(3).require).retry_after_seconds == 60


def test_more_may_wait_if_the_last_minute_has_ended_as_many(scene: Scene) -> None:
    scene.accept(12)
    scene.end(6)
    scene.room(1).require()
    scene.end(1, NOON - timedelta(seconds=61))
    scene.accept(2)
    refused = refusal(scene.room(1).require)
    assert (refused.retry_after_seconds, refused.message) == (
        10,  # one too many, at six a minute
        "7 runs wait to begin, and at most 6 may. Nothing was started.",
    )


def test_a_count_is_used_for_a_second(scene: Scene) -> None:
    room = scene.room(1)
    room.require()
    scene.accept(2)
    scene.seconds = 0.9
    room.require()
    scene.seconds = 1.0
    refusal(room.require)
