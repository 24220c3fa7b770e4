"""Back pressure: when runs are refused because too many wait, and for how long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.base.clock import timestamp, utc_now
from engine.base.errors import TooManyRuns
from engine.base.statuses import RunStatus
from engine.runs.starting.admission import Admission
from engine.store.acceptances import RunEntry
from engine.store.people.audit import AuditEntry
from engine.store.sql.base.tables import runs
from engine.store.sql.state import SqlState
from engine.store.sql.workers.owners import SqlOwner
from engine.store.sqlite.database import SqliteStateDatabase

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass
class Scene:
    """A store with runs of which some have ended, and a stopwatch that the test moves."""

    database: SqliteStateDatabase
    owner: str
    seconds: float = 0.0
    queued: list[str] = field(default_factory=list)
    count: int = 0

    def accept(self, count: int) -> None:
        entries = [entry(self.count + number) for number in range(count)]
        SqlState(self.database).acceptances(self.owner).store(entries)
        self.queued += [str(one.run_id) for one in entries]
        self.count += count

    def end(self, count: int, at: datetime = NOON) -> None:
        ended, self.queued = self.queued[:count], self.queued[count:]
        with self.database.writing() as connection:
            values = {"status": RunStatus.SUCCEEDED, "ended_at": timestamp(at)}
            connection.execute(runs.update().where(runs.c.run_id.in_(ended)).values(**values))

    def admission(self, least: int) -> Admission:
        return Admission(SqlState(self.database).runs.backlog, least, lambda: NOON, lambda: self.seconds)


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
def scene(tmp_path: Path) -> Iterator[Scene]:
    with closing(SqliteStateDatabase(tmp_path / "state")) as database:
        owner = SqlOwner(database, tmp_path / "owners", "test", utc_now)
        yield Scene(database, owner.id)
        owner.release()


def refusal(start: Callable[[], None]) -> TooManyRuns:
    with pytest.raises(TooManyRuns) as refused:
        start()
    return refused.value


def test_so_many_may_wait_whatever_the_rate_is(scene: Scene) -> None:
    scene.accept(3)
    scene.admission(3).require()
    scene.accept(1)
    assert refusal(scene.admission(3).require).retry_after_seconds == 60


def test_more_may_wait_if_the_last_minute_has_ended_as_many(scene: Scene) -> None:
    scene.accept(12)
    scene.end(6)
    scene.admission(1).require()
    scene.end(1, NOON - timedelta(seconds=61))
    scene.accept(2)
    refused = refusal(scene.admission(1).require)
    assert (refused.retry_after_seconds, refused.message) == (
        10,  # one too many, at six a minute
        "7 runs wait to begin, and at most 6 may. Nothing was started.",
    )


def test_a_count_is_used_for_a_second(scene: Scene) -> None:
    admission = scene.admission(1)
    admission.require()
    scene.accept(2)
    scene.seconds = 0.9
    admission.require()
    scene.seconds = 1.0
    refusal(admission.require)
