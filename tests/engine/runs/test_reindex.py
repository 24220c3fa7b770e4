"""The state file is lost: what the logs tell is in the new one, and nothing happens twice."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import InUse, StorageError
from engine.orchestra import Orchestra
from engine.store.sql.base.tables import effects
from engine.store.sql.workers.owners import SqlOwner
from engine.store.sqlite.database import SqliteStateDatabase
from tests.engine.conftest import OWNER, Service, get_step, post_step, set_step, statuses, write_workflow
from tests.patience import PATIENCE_SECONDS, until

Opened = Callable[[], Orchestra]


@pytest.fixture
def opened(root: Path) -> Iterator[Opened]:
    """Opens the workspace, as often as a test wants."""
    every: list[Orchestra] = []

    def open_it() -> Orchestra:
        every.append(Orchestra.open(root))
        return every[-1]

    yield open_it
    for one in every:
        one.close()


def lose_state(root: Path) -> None:
    """Delete the state file; logs and all else stay."""
    for path in (root / ".orchestra").glob("state.db*"):
        path.unlink()


def ran(orchestra: Orchestra, name: str = "work") -> Any:
    """Run a workflow to its end."""
    return orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, name, {}), PATIENCE_SECONDS)


def resumed(orchestra: Orchestra, run_id: str, **how: Any) -> Any:
    """Go on with a run to its end."""
    orchestra.runs.resume(OWNER, run_id, **how)
    return orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)


def keyed_loop(service: Service) -> dict[str, Any]:
    """Writes one thing for each of two keys."""
    return post_step("w", service.url("/{{ item }}"), foreach="{{ ['a', 'b'] }}", key="{{ item }}")


def test_receipts_come_back_from_the_logs(root: Path, service: Service, opened: Opened) -> None:
    write_workflow(root, "work", [keyed_loop(service)])
    first = opened()
    before = ran(first)
    first.close()
    lose_state(root)
    second = opened()
    assert [row.run_id for row in second.runs.list(OWNER).rows] == [before["run_id"]]
    again = ran(second)
    assert again["counts"]["reused_effects"] == 2
    effects = [step["effect"] for step in again["steps"] if step["effect"]]
    assert all("note" not in effect for effect in effects)  # the arguments are known to be the same
    assert [step["output"] for step in again["steps"]] == [step["output"] for step in before["steps"]]
    assert dict(service.seen) == {"/a": 1, "/b": 1}


def test_reindex_adds_receipts_and_overwrites_none(root: Path, service: Service, opened: Opened) -> None:
    write_workflow(root, "work", [keyed_loop(service)])
    orchestra = opened()
    ran(orchestra)
    newer = {"receipt": '{"id":"newer","url":""}'}
    with orchestra._families.opened.database.writing() as connection:
        assert connection.execute(effects.update().where(effects.c.identity.like('%"a"]')).values(newer)).rowcount == 1
        assert connection.execute(effects.delete().where(effects.c.identity.like('%"b"]'))).rowcount == 1
    assert orchestra.runs.reindex(OWNER) == (1, {})
    again = ran(orchestra)
    assert [step["effect"]["receipt"]["id"] for step in again["steps"] if step["effect"]] == ["newer", "200"]
    assert again["counts"]["reused_effects"] == 2
    assert dict(service.seen) == {"/a": 1, "/b": 1}


def test_an_interrupted_run_is_listed_and_goes_on(root: Path, service: Service, opened: Opened) -> None:
    service.seconds = {"/slow": 0.5}
    write_workflow(root, "work", [post_step("a", service.url("/a")), get_step("b", service.url("/slow"))])
    first = opened()
    run_id = first.runs.start(OWNER, "work", {})
    until(lambda: service.seen["/slow"] == 1)
    first.runs.interrupt(OWNER, run_id)
    before = first.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    first.close()
    lose_state(root)
    second = opened()
    row = second.runs.list(OWNER).rows[0]
    assert (row.run_id, row.status, row.sentence) == (run_id, "interrupted", "Interrupted: 1 step done.")
    seen = second.runs.get(OWNER, run_id)
    assert (seen["status"], seen["counts"]) == ("interrupted", before["counts"])
    assert second.runs.reindex(OWNER) == (1, {})
    document = resumed(second, run_id)
    assert (document["status"], statuses(document)) == ("succeeded", {"a": "succeeded", "b": "succeeded"})
    assert dict(service.seen) == {"/a": 1, "/slow": 2}


def test_an_answer_is_no_output_of_a_call_that_was_not_made(root: Path, service: Service, opened: Opened) -> None:
    """The run is lost, and its question is not, as where a part of the state was damaged."""
    write_workflow(root, "work", [post_step("w", service.url("/a"), approve="always")])
    first = opened()
    run_id = first.runs.start(OWNER, "work", {})
    until(lambda: first.runs.get(OWNER, run_id)["status"] == "waiting")
    first.close()
    with closing(sqlite3.connect(root / ".orchestra" / "state.db")) as db, db:
        db.execute("UPDATE approvals SET state = 'approved', answered_at = asked_at, answered_by = 'owner'")
        db.execute("DELETE FROM events")
        db.execute("DELETE FROM runs")
    second = opened()
    document = resumed(second, run_id)
    assert (document["status"], document["error"]["type"]) == ("failed", "OutcomeUnknown")
    assert resumed(second, run_id, redo=True)["status"] == "succeeded"
    assert dict(service.seen) == {"/a": 1}


def test_a_wait_ends_when_it_would_have_ended(root: Path) -> None:
    write_workflow(root, "work", [{"id": "w", "uses": "flow.wait", "with": {"seconds": 3600}}, set_step("after")])
    moments = [datetime(2026, 11, 20, 12, tzinfo=UTC)]
    first = Orchestra(root, clock=lambda: moments[-1])
    run_id = first.runs.start(OWNER, "work", {})
    first.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    first.close()
    lose_state(root)
    moments.append(moments[0] + timedelta(minutes=30))
    second = Orchestra(root, clock=lambda: moments[-1])
    try:
        assert second.runs.get(OWNER, run_id)["status"] == "interrupted"
        document = resumed(second, run_id)
        assert (document["status"], document["due_at"]) == ("waiting", "2026-11-20T13:00:00.000Z")
    finally:
        second.close()


def test_a_write_of_unknown_outcome_stays_a_question(root: Path, service: Service, opened: Opened) -> None:
    service.answers = {"/w": [500]}
    write_workflow(root, "work", [post_step("w", service.url("/w"))])
    first = opened()
    run_id = ran(first)["run_id"]
    first.close()
    lose_state(root)
    second = opened()
    assert resumed(second, run_id)["error"]["type"] == "OutcomeUnknown"
    assert service.seen["/w"] == 1
    assert resumed(second, run_id, redo=True)["status"] == "succeeded"
    assert service.seen["/w"] == 2


def test_the_receipt_of_a_write_in_flight_when_a_run_was_cancelled_is_in_its_log(
    root: Path, service: Service, opened: Opened
) -> None:
    service.seconds = {"/slow": 0.6}
    write_workflow(root, "work", [post_step("w", service.url("/slow"), once="one")])
    first = opened()
    run_id = first.runs.start(OWNER, "work", {})
    until(lambda: service.seen["/slow"] == 1)
    first.runs.cancel(OWNER, run_id)
    assert first.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "cancelled"
    first.close()
    lose_state(root)
    second = opened()
    assert [run["steps"][0]["effect"]["reused"] for run in (resumed(second, run_id), ran(second))] == [True, True]
    assert service.seen["/slow"] == 1


@pytest.fixture
def died(root: Path, service: Service, opened: Opened) -> str:
    """The id of a run whose process died after a write that its log does not tell of; the state file is lost, too."""
    service.seconds = {"/slow": 1}
    write_workflow(root, "work", [post_step("w", service.url("/w"), once="one"), get_step("b", service.url("/slow"))])
    first = opened()
    run_id = first.runs.start(OWNER, "work", {})
    until(lambda: service.seen["/slow"] == 1)
    first.close()
    lose_state(root)
    return run_id


def test_what_a_dead_run_may_have_written_is_asked_and_not_sent(died: str, service: Service, opened: Opened) -> None:
    orchestra = opened()
    assert orchestra.runs.get(OWNER, died)["status"] == "interrupted"
    assert resumed(orchestra, died)["error"]["type"] == "OutcomeUnknown"
    assert service.seen["/w"] == 1
    assert resumed(orchestra, died, redo=True)["status"] == "succeeded"
    assert service.seen["/w"] == 2


def test_a_new_run_does_not_repeat_it_either_until_the_dead_one_has_ended(
    died: str, root: Path, service: Service, opened: Opened
) -> None:
    orchestra = opened()
    assert ran(orchestra)["error"]["type"] == "OutcomeUnknown"
    assert service.seen["/w"] == 1
    orchestra.runs.cancel(OWNER, died)
    orchestra.runs.wait(OWNER, died, PATIENCE_SECONDS)
    write_workflow(root, "work", [post_step("w", service.url("/w"), once="another")])
    assert ran(orchestra)["status"] == "succeeded"


def test_receipts_of_a_renamed_workflow_come_back_under_its_new_name(
    root: Path, service: Service, opened: Opened
) -> None:
    write_workflow(root, "work", [keyed_loop(service)])
    first = opened()
    ran(first)
    first.workflows.rename(OWNER, "work", "labour")
    first.close()
    lose_state(root)
    assert ran(opened(), "labour")["counts"]["reused_effects"] == 2
    assert dict(service.seen) == {"/a": 1, "/b": 1}


def test_a_crash_before_the_logs_were_read_loses_nothing(root: Path, service: Service, opened: Opened) -> None:
    write_workflow(root, "work", [keyed_loop(service)])
    first = opened()
    ran(first)
    first.close()
    lose_state(root)
    SqliteStateDatabase(root / ".orchestra").close()  # made anew, and no more than that
    assert ran(opened())["counts"]["reused_effects"] == 2


def test_a_state_file_deleted_under_a_living_process_is_not_replaced(root: Path, opened: Opened) -> None:
    first = opened()
    lose_state(root)
    with pytest.raises(InUse, match="a process still works with it"):
        opened()
    owner = first._families.work.worker.owner
    assert isinstance(owner, SqlOwner)
    owner._lock.close()  # what the system does when a process ends
    assert opened().runs.list(OWNER).rows == []


def taken(state: Path) -> None:
    state.unlink()


def replaced(state: Path) -> None:
    state.write_bytes(state.rename(state.with_name("aside")).read_bytes())


@pytest.mark.parametrize("away", [taken, replaced])
def test_nothing_is_accepted_into_a_state_file_that_nobody_will_find(
    opened: Opened, root: Path, away: Callable[[Path], None]
) -> None:
    write_workflow(root, "work", [set_step("a")])
    orchestra = opened()
    assert orchestra.health.now().status == "ok"
    away(root / ".orchestra" / "state.db")
    for start in (
        lambda: orchestra.runs.start(OWNER, "work", {}),
        lambda: orchestra.runs.start_all(OWNER, "work", [{}, {}]),
    ):
        with pytest.raises(StorageError, match="was taken away, or another was put in its place"):
            start()
    until(lambda: orchestra.health.now().status == "failing")  # what was seen a moment ago is shared
    assert not list((root / "logs").rglob("*.json"))


def _half(run: Any) -> None:
    run["started_by"] = "\ud800"


def _titled(run: Any) -> None:
    run["definition"]["workflow"]["title"] = ["no", "text"]


def _large(run: Any) -> None:
    written = {"identity": "w/a/b", "outcome": "done", "reused": False, "receipt": None, "generation": 2**70}
    run["steps"][0]["effect"] = written


@pytest.mark.parametrize(("change", "is_listed"), [(_half, False), (_large, False), (_titled, True)])
def test_a_log_that_somebody_has_put_there_keeps_no_workspace_from_opening(
    root: Path, opened: Opened, change: Callable[[Any], None], is_listed: bool
) -> None:
    """It is reported as one that cannot be read, or listed as far as it can be."""
    write_workflow(root, "work", [set_step("a", {"x": "1"})])
    first = opened()
    run = ran(first)
    first.close()
    [log] = (root / "logs").rglob(f"{run['run_id']}.json")
    other = f"{run['run_id'][:-8]}aaaaaaaa"
    document = json.loads(log.read_text())
    document["run_id"] = other
    change(document)
    log.with_name(f"{other}.json").write_text(json.dumps(document))
    listed = [one.run_id for one in opened().runs.list(OWNER).rows]
    assert (run["run_id"] in listed, other in listed) == (True, is_listed)
