"""Waiting, cancelling, interrupting, adopting and listing runs."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import InUse, InvalidInput, NotAllowed, StorageError, UnknownName
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.record.run_log import RunLogs
from engine.record.types.run import Counts
from engine.record.types.run import Run as RunDocument
from engine.store.sql.journal import SqlJournal
from tests.engine.conftest import OWNER, Run, Service, get_step, post_step, set_step, statuses, write_workflow
from tests.patience import PATIENCE_SECONDS, until


def test_a_long_wait_puts_the_run_away_until_it_is_due(root: Path) -> None:
    write_workflow(root, "work", [{"id": "w", "uses": "flow.wait", "with": {"seconds": 3600}}, set_step("after")])
    moments = [datetime(2026, 11, 20, 12, tzinfo=UTC)]
    orchestra = Orchestra(root, clock=lambda: moments[-1])
    try:
        run_id = orchestra.runs.start(OWNER, "work", {})
        waiting = orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
        assert (waiting["status"], waiting["due_at"]) == ("waiting", "2026-11-20T13:00:00.000Z")
        assert statuses(waiting) == {"w": "waiting"}
        moments.append(moments[0] + timedelta(minutes=59))
        time.sleep(1.2)
        assert orchestra.runs.get(OWNER, run_id)["status"] == "waiting"
        moments.append(moments[0] + timedelta(minutes=61))
        until(lambda: orchestra.runs.get(OWNER, run_id)["status"] == "succeeded")
        assert statuses(orchestra.runs.get(OWNER, run_id)) == {"w": "succeeded", "after": "succeeded"}
    finally:
        orchestra.close()


def test_other_branches_go_on_while_one_waits(run: Run, service: Service) -> None:
    service.seconds = {"/slow": 0.4}
    waiting = {"id": "w", "uses": "flow.wait", "with": {"seconds": 500}, "needs": []}
    document = run([waiting, get_step("r", service.url("/slow"), needs=[])])
    assert document["status"] == "waiting"
    assert statuses(document) == {"w": "waiting", "r": "succeeded"}


def test_a_wait_survives_the_process(root: Path) -> None:
    write_workflow(root, "work", [{"id": "w", "uses": "flow.wait", "with": {"seconds": 2.5}}, set_step("after")])
    first = Orchestra.open(root)
    run_id = first.runs.start(OWNER, "work", {})
    first.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    first.close()
    second = Orchestra.open(root, serve=True)
    try:
        until(lambda: second.runs.get(OWNER, run_id)["status"] == "succeeded")
    finally:
        second.close()


def test_cancel_ends_a_read_at_once(orchestra: Orchestra, root: Path, service: Service) -> None:
    service.seconds = {"/slow": 30}
    write_workflow(root, "work", [get_step("r", service.url("/slow")), set_step("after")])
    run_id = orchestra.runs.start(OWNER, "work", {})
    until(lambda: service.seen["/slow"] == 1)
    began = time.monotonic()
    orchestra.runs.cancel(OWNER, run_id)
    document = orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert document["status"] == "cancelled"
    assert statuses(document) == {"r": "cancelled"}
    assert time.monotonic() - began < 20


def test_cancel_waits_for_a_write_in_flight_and_keeps_its_receipt(
    orchestra: Orchestra, root: Path, service: Service
) -> None:
    service.seconds = {"/slow": 0.6}
    write_workflow(root, "work", [post_step("w", service.url("/slow"), once="one")])
    run_id = orchestra.runs.start(OWNER, "work", {})
    until(lambda: service.seen["/slow"] == 1)
    orchestra.runs.cancel(OWNER, run_id)
    assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "cancelled"
    again = orchestra.runs.start(OWNER, "work", {})
    document: Any = orchestra.runs.wait(OWNER, again, PATIENCE_SECONDS)
    assert document["steps"][0]["effect"]["reused"] is True
    assert service.seen["/slow"] == 1


def test_a_waiting_run_can_be_cancelled(orchestra: Orchestra, run: Run) -> None:
    run_id = run([{"id": "w", "uses": "flow.wait", "with": {"seconds": 500}}])["run_id"]
    orchestra.runs.cancel(OWNER, run_id)
    until(lambda: orchestra.runs.get(OWNER, run_id)["status"] == "cancelled")


def test_what_has_ended_cannot_be_cancelled_or_resumed(orchestra: Orchestra, run: Run) -> None:
    run_id = run([set_step("a")])["run_id"]
    with pytest.raises(InUse, match="is succeeded"):
        orchestra.runs.cancel(OWNER, run_id)
    with pytest.raises(InUse, match="nothing to resume"):
        orchestra.runs.resume(OWNER, run_id)


def test_an_interrupted_run_stays_so_until_somebody_resumes_it(
    orchestra: Orchestra, root: Path, service: Service
) -> None:
    service.seconds = {"/slow": 0.5}
    write_workflow(root, "work", [get_step("a", service.url("/a")), get_step("b", service.url("/slow"))])
    run_id = orchestra.runs.start(OWNER, "work", {})
    until(lambda: service.seen["/slow"] == 1)
    orchestra.runs.interrupt(OWNER, run_id)
    assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "interrupted"
    orchestra.runs.resume(OWNER, run_id)
    document = orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert document["status"] == "succeeded"
    assert (service.seen["/a"], service.seen["/slow"]) == (1, 2)


@pytest.mark.slow
def test_the_runs_of_a_killed_process_are_adopted_by_the_server(root: Path, service: Service) -> None:
    service.seconds = {"/slow": 1.0}
    write_workflow(root, "work", [get_step("a", service.url("/a")), get_step("b", service.url("/slow"))])
    code = (
        "import sys; from pathlib import Path; from engine.orchestra import Orchestra; "
        "from engine.people.access import local_user; o = Orchestra.open(Path(sys.argv[1])); "
        "print(o.runs.start(local_user().agreeing(True), 'work', {}), flush=True); import time; time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(root)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    run_id = child.stdout.readline().strip()
    until(lambda: service.seen["/slow"] == 1)
    server = Orchestra.open(root, serve=True)
    try:
        assert server.runs.get(OWNER, run_id)["status"] == "running"
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
        until(lambda: server.runs.get(OWNER, run_id)["status"] == "succeeded")
        assert (service.seen["/a"], service.seen["/slow"]) == (1, 2)
    finally:
        server.close()


def test_a_dead_owner_makes_running_interrupted(root: Path, service: Service, orchestra: Orchestra) -> None:
    service.seconds = {"/slow": 3}
    write_workflow(root, "work", [get_step("b", service.url("/slow"))])
    other = Orchestra.open(root)
    run_id = other.runs.start(OWNER, "work", {})
    until(lambda: orchestra.runs.get(OWNER, run_id)["status"] == "running")
    other.close()
    assert orchestra.runs.get(OWNER, run_id)["status"] == "interrupted"
    assert orchestra.runs.list(OWNER).rows[0].status == "interrupted"
    with pytest.raises(NotAllowed):
        orchestra.runs.resume(Principal("v", "viewer"), run_id)
    assert orchestra.runs.resume_all(OWNER) == [run_id]
    assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "succeeded"


def test_resuming_one_run_leaves_the_other_runs_of_the_dead_process(
    root: Path, service: Service, orchestra: Orchestra
) -> None:
    service.seconds = {"/slow": 1}
    write_workflow(root, "work", [get_step("b", service.url("/slow"))])
    other = Orchestra.open(root)
    one, two = (other.runs.start(OWNER, "work", {}) for _ in range(2))
    until(lambda: service.seen["/slow"] == 2)
    other.close()
    orchestra.runs.resume(OWNER, one)
    assert orchestra.runs.wait(OWNER, one, PATIENCE_SECONDS)["status"] == "succeeded"
    assert orchestra.runs.get(OWNER, two)["status"] == "interrupted"
    assert service.seen["/slow"] == 3
    assert orchestra.runs.resume_all(OWNER) == [two]
    assert orchestra.runs.wait(OWNER, two, PATIENCE_SECONDS)["status"] == "succeeded"


def test_all_that_was_interrupted_is_resumed_together(orchestra: Orchestra, root: Path, service: Service) -> None:
    service.seconds = {"/slow": 0.5}
    write_workflow(root, "work", [get_step("a", service.url("/a")), get_step("b", service.url("/slow"))])
    run_id = orchestra.runs.start(OWNER, "work", {})
    until(lambda: service.seen["/slow"] == 1)
    orchestra.runs.interrupt(OWNER, run_id)
    orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert orchestra.runs.resume_all(OWNER) == [run_id]
    assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "succeeded"
    assert orchestra.runs.resume_all(OWNER) == []


def test_the_list_tells_what_an_open_run_has_done(orchestra: Orchestra, root: Path, service: Service) -> None:
    service.seconds = {"/slow": 0.5}
    write_workflow(root, "waits", [set_step("a"), {"id": "w", "uses": "flow.wait", "with": {"seconds": 3600}}])
    write_workflow(root, "stops", [post_step("a", service.url("/a")), get_step("b", service.url("/slow"))])
    waiting, stopped = (orchestra.runs.start(OWNER, name, {}) for name in ("waits", "stops"))
    until(lambda: service.seen["/slow"] == 1)
    orchestra.runs.interrupt(OWNER, stopped)
    for run_id in (waiting, stopped):
        orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    for _ in range(2):
        rows = {row.run_id: row for row in orchestra.runs.list(OWNER).rows}
        assert rows[waiting].sentence == "Waiting: 1 step done."
        assert rows[stopped].sentence == "Interrupted: 1 step done."
        counts: Counts = {**orchestra.runs.get(OWNER, stopped)["counts"], "new_effects": 1}
        assert rows[stopped].counts == counts
    orchestra.runs.resume(OWNER, stopped)
    orchestra.runs.wait(OWNER, stopped, PATIENCE_SECONDS)
    assert orchestra.runs.list(OWNER, workflow="stops").rows[0].sentence == "Done: 2 steps done."


def test_a_second_server_is_refused(root: Path) -> None:
    first = Orchestra.open(root, serve=True)
    try:
        with pytest.raises(InUse, match=f"process {os.getpid()}"):
            Orchestra.open(root, serve=True)
    finally:
        first.close()
    Orchestra.open(root, serve=True).close()


def test_a_request_key_starts_one_run(orchestra: Orchestra, root: Path) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "default": 1}}}
    write_workflow(root, "work", [set_step("a")], inputs=schema)
    first = orchestra.runs.start(OWNER, "work", {}, request_key="k")
    assert orchestra.runs.start(OWNER, "work", {}, request_key="k") == first
    orchestra.runs.wait(OWNER, first, PATIENCE_SECONDS)
    assert orchestra.runs.start(OWNER, "work", {}, request_key="k") == first
    assert len(orchestra.runs.list(OWNER).rows) == 1
    with pytest.raises(InUse, match="request key"):
        orchestra.runs.start(OWNER, "work", {"n": 2}, request_key="k")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param({"n": "x"}, "'n' does not fit", id="type"),
        pytest.param({"m": 1}, "no input 'm'. There are: n", id="name"),
        pytest.param({}, "'n' is missing", id="missing"),
    ],
)
def test_wrong_inputs_start_nothing(orchestra: Orchestra, root: Path, given: dict[str, object], said: str) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    write_workflow(root, "work", [set_step("a")], inputs=schema)
    with pytest.raises(InvalidInput, match=said):
        orchestra.runs.start(OWNER, "work", given)
    assert orchestra.runs.list(OWNER).rows == []


def test_runs_are_listed_newest_first_by_pages_and_filters(orchestra: Orchestra, root: Path) -> None:
    write_workflow(root, "good", [set_step("a")])
    write_workflow(root, "bad", [{"id": "b", "uses": "flow.assert", "with": {"condition": False}}])
    made = [orchestra.runs.start(OWNER, name, {}) for name in ("good", "bad", "good")]
    for run_id in made:
        orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    page = orchestra.runs.list(OWNER, limit=2)
    rest = orchestra.runs.list(OWNER, limit=2, before=page.next)
    assert {row.run_id for row in (*page.rows, *rest.rows)} == set(made)
    assert rest.next is None
    assert [row.workflow for row in orchestra.runs.list(OWNER, status="failed").rows] == ["bad"]
    assert len(orchestra.runs.list(OWNER, workflow="good").rows) == 2
    assert orchestra.runs.list(OWNER, text="condition is false").rows[0].workflow == "bad"


def test_the_list_can_be_built_anew_from_the_logs(orchestra: Orchestra, run: Run) -> None:
    kept = run([set_step("a")])
    broken = run([set_step("a")])
    path = orchestra.workspace.logs / "2026-01-01"
    log = next(orchestra.workspace.logs.glob(f"*/{broken['run_id']}.json"))
    log.write_text(log.read_text()[:100])
    count, damaged = orchestra.runs.reindex(OWNER)
    assert (count, [*damaged]) == (1, [str(log)])
    assert "This text has no closing double quote" in damaged[str(log)]
    assert [row.run_id for row in orchestra.runs.list(OWNER).rows] == [kept["run_id"]]
    assert not path.exists()


def test_what_is_not_there_is_named(orchestra: Orchestra) -> None:
    with pytest.raises(UnknownName, match="no run named"):
        orchestra.runs.get(OWNER, "20260101T000000Z-abcdefgh")
    for ask in (orchestra.runs.get, orchestra.runs.resume, orchestra.runs.cancel):
        for name in ("20260101T000000Z-abcdefgh", "nope", "../../etc/passwd"):
            with pytest.raises(UnknownName, match="no run named"):
                ask(OWNER, name)
    with pytest.raises(UnknownName, match="no workflow named"):
        orchestra.runs.start(OWNER, "nothing", {})


def test_a_full_disk_stops_the_run_with_a_clear_error_and_the_run_goes_on_later(
    orchestra: Orchestra, root: Path, run: Run
) -> None:
    before = run([set_step("a")])
    journal = orchestra._families.work.worker._journal
    assert isinstance(journal, SqlJournal)
    pages = journal.read("PRAGMA page_count")[0][0]
    journal.read(f"PRAGMA max_page_count = {pages}")
    write_workflow(root, "large", [set_step("a", {"x": "y" * 200_000})])
    run_id = orchestra.runs.start(OWNER, "large", {})
    with pytest.raises(StorageError, match="full"):
        orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert orchestra.runs.get(OWNER, run_id)["status"] in ("queued", "running")
    assert orchestra.runs.get(OWNER, before["run_id"])["status"] == "succeeded"
    journal.read("PRAGMA max_page_count = 1000000")
    until(lambda: orchestra.runs.get(OWNER, run_id)["status"] == "succeeded")


def test_receipts_follow_a_renamed_workflow(orchestra: Orchestra, run: Run, service: Service) -> None:
    step = post_step("w", service.url("/w"), once="for ever")
    run([step])
    orchestra.workflows.rename(OWNER, "work", "labour")
    run_id = orchestra.runs.start(OWNER, "labour", {})
    document: Any = orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert document["steps"][0]["effect"]["reused"] is True
    assert service.seen["/w"] == 1


def test_a_workflow_renamed_while_it_runs_knows_what_the_run_writes(
    orchestra: Orchestra, root: Path, service: Service, run: Run
) -> None:
    write = post_step("w", service.url("/w"), once="for ever")
    write_workflow(root, "work", [{"id": "wait", "uses": "flow.wait", "with": {"seconds": 0.5}}, write])
    run_id = orchestra.runs.start(OWNER, "work", {})
    orchestra.workflows.rename(OWNER, "work", "labour")
    until(lambda: orchestra.runs.get(OWNER, run_id)["status"] == "succeeded")
    orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "labour", {}), PATIENCE_SECONDS)
    assert service.seen["/w"] == 1


def test_a_run_that_is_resumed_after_a_rename_knows_what_was_written_since(
    orchestra: Orchestra, root: Path, service: Service, run: Run
) -> None:
    service.answers = {"/b": [404]}
    loop = {"foreach": "{{ ['a', 'b'] }}", "key": "{{ item }}", "on_item_error": "continue"}
    failed = run([post_step("w", service.url("/{{ item }}"), **loop)])
    orchestra.workflows.rename(OWNER, "work", "labour")
    orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "labour", {}), PATIENCE_SECONDS)
    orchestra.runs.resume(OWNER, failed["run_id"])
    document = orchestra.runs.wait(OWNER, failed["run_id"], PATIENCE_SECONDS)
    assert (document["status"], document["counts"]["reused_effects"]) == ("succeeded", 1)
    assert dict(service.seen) == {"/a": 1, "/b": 2}


def test_resuming_a_run_that_is_just_being_cancelled_waits_for_its_end(
    orchestra: Orchestra, root: Path, service: Service
) -> None:
    service.seconds = {"/slow": 0.6}
    write_workflow(root, "work", [post_step("w", service.url("/slow")), set_step("after")])
    run_id = orchestra.runs.start(OWNER, "work", {})
    until(lambda: service.seen["/slow"] == 1)
    orchestra.runs.cancel(OWNER, run_id)
    orchestra.runs.resume(OWNER, run_id)
    document = orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert document["status"] == "succeeded"
    assert service.seen["/slow"] == 1


def test_whoever_looks_at_a_run_sees_one_moment_of_it(orchestra: Orchestra, root: Path) -> None:
    write_workflow(root, "work", [set_step("a")])
    for _ in range(20):
        run_id = orchestra.runs.start(OWNER, "work", {})
        while (seen := orchestra.runs.get(OWNER, run_id))["status"] != "succeeded":
            assert seen["status"] in ("queued", "running")
            assert (seen["status"] == "running") == (seen["started_at"] is not None)
        assert statuses(seen) == {"a": "succeeded"}


def test_a_run_that_repeats_another_writes_nothing_twice(orchestra: Orchestra, root: Path, service: Service) -> None:
    service.answers = {"/b": [404]}
    loop = post_step("w", service.url("/{{ item }}"), foreach="{{ ['a', 'b'] }}")  # no key: the run is the scope
    write_workflow(root, "work", [loop])
    first = orchestra.runs.start(OWNER, "work", {})
    assert orchestra.runs.wait(OWNER, first, PATIENCE_SECONDS)["status"] == "failed"
    again = orchestra.runs.rerun(OWNER, first)
    document = orchestra.runs.wait(OWNER, again, PATIENCE_SECONDS)
    assert (document["status"], document["origin_run_id"]) == ("succeeded", first)
    assert dict(service.seen) == {"/a": 1, "/b": 2}
    other = orchestra.runs.start(OWNER, "work", {})
    orchestra.runs.wait(OWNER, other, PATIENCE_SECONDS)
    assert dict(service.seen) == {"/a": 2, "/b": 3}


def test_a_run_is_either_running_or_ended_also_while_its_log_is_written(
    orchestra: Orchestra, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_all = RunLogs.write_all

    def slow(logs: RunLogs, runs: Iterable[RunDocument], count: int) -> dict[str, Exception]:
        runs = list(runs)
        time.sleep(0.5 if any(run["ended_at"] for run in runs) else 0)
        return write_all(logs, runs, count)

    monkeypatch.setattr(RunLogs, "write_all", slow)
    write_workflow(root, "work", [set_step("a")])
    run_id = orchestra.runs.start(OWNER, "work", {})
    seen: list[RunDocument] = []
    while not seen or seen[-1]["status"] != "succeeded":
        seen.append(orchestra.runs.get(OWNER, run_id))
    assert all((one["ended_at"] is None) == (one["status"] != "succeeded") for one in seen)
    assert len(seen) > 1


def test_adopted_runs_that_wait_stay_put_away_until_they_are_due(root: Path) -> None:
    write_workflow(root, "work", [{"id": "w", "uses": "flow.wait", "with": {"seconds": 3600}}])
    first = Orchestra.open(root)
    run_ids = [first.runs.start(OWNER, "work", {}) for _ in range(3)]
    for run_id in run_ids:
        first.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    first.close()
    second = Orchestra.open(root)
    try:
        assert sorted(second.runs.resume_all(OWNER)) == sorted(run_ids)
        documents = [second.runs.wait(OWNER, run_id, PATIENCE_SECONDS) for run_id in run_ids]
        assert [document["status"] for document in documents] == ["waiting"] * 3
        assert not any("resumed" in document for document in documents)
    finally:
        second.close()


def test_who_still_waits_for_an_answer_when_the_engine_ends_is_told_so(root: Path) -> None:
    orchestra = Orchestra.open(root)
    worker = orchestra._families.work.worker
    with ThreadPoolExecutor(8) as threads:
        waiting = [threads.submit(worker._call, asyncio.sleep(PATIENCE_SECONDS)) for _ in range(8)]
        until(lambda: len(worker._calls.open) == 8)
        orchestra.close()
        for one in waiting:
            with pytest.raises(StorageError, match="has ended"):
                one.result(PATIENCE_SECONDS)
    with pytest.raises(StorageError, match="has ended"):
        worker._call(asyncio.sleep(0))
