"""A process that was silent for too long finds out that another has its runs: it stops, and spoils nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import Fenced
from engine.base.statuses import RunStatus
from engine.orchestra import Orchestra
from engine.store.sql.base.tables import owners
from tests.engine.conftest import OWNER, Service, get_step, post_step, set_step, write_workflow
from tests.patience import PATIENCE_SECONDS, until

LONG_AGO = "2026-01-01T00:00:00.000Z"


@pytest.fixture
def silent(root: Path) -> Iterator[Orchestra]:
    opened = Orchestra.open(root)
    yield opened
    opened.close()


@pytest.fixture
def heir(root: Path) -> Iterator[Orchestra]:
    opened = Orchestra.open(root)
    yield opened
    opened.close()


def fall_silent(orchestra: Orchestra) -> None:
    """Make it look as if the process had given no sign of life for long; its lock is held all the same."""
    with orchestra._families.opened.database.writing() as connection:
        mine = owners.update().where(owners.c.owner == orchestra._families.work.worker.owner.id)
        connection.execute(mine.values(heartbeat_at=LONG_AGO))


def taken_over(
    silent: Orchestra, heir: Orchestra, service: Service, steps: Sequence[Mapping[str, Any]], seen: str
) -> str:
    """Start a run, let its process fall silent at a request and another one take over; return the run's id."""
    write_workflow(silent.workspace.root, "work", list(steps))
    run_id = silent.runs.start(OWNER, "work", {})
    until(lambda: service.seen[seen] == 1)
    fall_silent(silent)
    assert heir.runs.resume(OWNER, run_id) == run_id
    return run_id


def test_it_stops_at_once_and_the_other_ends_the_run(silent: Orchestra, heir: Orchestra, service: Service) -> None:
    service.seconds = {"/slow": 1}
    steps = [get_step("a", service.url("/slow")), post_step("b", service.url("/b"), needs=["a"]), set_step("c")]
    run_id = taken_over(silent, heir, service, steps, "/slow")
    with pytest.raises(Fenced, match="Another process has taken over"):
        silent.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert silent.is_taken_over.is_set()
    assert heir.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "succeeded"
    assert not heir.is_taken_over.is_set()
    assert silent.runs.get(OWNER, run_id)["status"] == "succeeded"
    assert service.seen["/b"] == 1


def test_it_hears_of_it_though_it_has_nothing_to_do(silent: Orchestra, heir: Orchestra) -> None:
    fall_silent(silent)
    assert heir.runs.resume_all(OWNER) == []
    assert silent.is_taken_over.wait(PATIENCE_SECONDS)
    write_workflow(silent.workspace.root, "work", [set_step("a")])
    with pytest.raises(Fenced):
        silent.runs.start(OWNER, "work", {})
    assert heir.runs.list(OWNER).rows == []


def test_no_log_of_it_gets_in_the_place_of_a_newer_one(silent: Orchestra, heir: Orchestra, service: Service) -> None:
    service.seconds = {"/slow": 1}
    run_id = taken_over(silent, heir, service, [get_step("a", service.url("/slow"))], "/slow")
    run = heir.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    logs = silent._families.work.worker._logs
    with pytest.raises(Fenced):
        logs.write({**run, "status": RunStatus.RUNNING})
    newest = logs.read(run_id)
    assert newest is not None
    assert newest["status"] == "succeeded"


def test_a_write_on_its_way_is_not_sent_again(silent: Orchestra, heir: Orchestra, service: Service) -> None:
    service.seconds = {"/w": 1}
    run_id = taken_over(silent, heir, service, [post_step("w", service.url("/w"))], "/w")
    ended: Any = heir.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert ended["error"]["type"] == "OutcomeUnknown"
    with pytest.raises(Fenced):
        silent.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    heir.runs.resume(OWNER, run_id, as_done=True)
    assert heir.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "succeeded"
    assert service.seen["/w"] == 1
