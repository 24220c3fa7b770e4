"""Runs that one process accepts and others work on: their state is on a server, and each may die at any moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.base.statuses import RunStatus
from engine.orchestra import Orchestra
from engine.store.postgres.database import PostgresStateDatabase
from engine.store.postgres.journal import PostgresJournalConnection
from tests import postgres
from tests.brokers import BROKERS, require
from tests.engine.conftest import OWNER, Service, get_step, post_step, set_step, write_workflow
from tests.few import rare
from tests.patience import PATIENCE_SECONDS, slowness, until

pytestmark = [pytest.mark.slow, pytest.mark.service]
COUNT = 6
"""Fewer than a process calls at once, so that all are at the same step."""
TAKEOVER_SECONDS = 5.0
_CODE = "import sys, cli; sys.exit(cli.main(sys.argv[1:]))"

Worker = Callable[..., subprocess.Popen[str]]


@pytest.fixture(autouse=True, params=["postgres", *(pytest.param(one, marks=pytest.mark.chaos) for one in BROKERS)])
def state(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A state on a server, in which runs are announced by it, or by a broker."""
    if request.param in BROKERS:
        url, port, name = BROKERS[request.param]
        require(port, name)
        monkeypatch.setenv("ORCHESTRA_QUEUE", url)
    with postgres.schema() as url:
        monkeypatch.setenv("ORCHESTRA_STATE", url)
        monkeypatch.setenv("ORCHESTRA_LIMITS__RUNS_AT_ONCE", "0")
        yield


@pytest.fixture
def worker(root: Path) -> Iterator[Worker]:
    """Start a worker; it works once this returns."""
    started: list[subprocess.Popen[str]] = []

    def start(slots: int = 20) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", _CODE, "worker", "--concurrency", str(slots), "--workspace", str(root)]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        assert started[-1].stdout is not None
        assert "Working on the runs" in started[-1].stdout.readline()
        return started[-1]

    yield start
    for one in started:
        one.kill()
        one.wait()
        assert one.stdout is not None
        one.stdout.close()


@contextmanager
def accepting(root: Path) -> Iterator[Orchestra]:
    """A server that works on nothing itself."""
    opened = Orchestra.open(root, serve=True)
    try:
        yield opened
    finally:
        opened.close()


def test_a_run_is_worked_on_by_another_process(root: Path, service: Service, worker: Worker) -> None:
    write_workflow(root, "work", [get_step("a", service.url("/a"))])
    with accepting(root) as server:
        run_id = server.runs.start(OWNER, "work", {})
        assert server.runs.wait(OWNER, run_id, 0.2)["status"] == RunStatus.QUEUED
        [reason] = server.health.now().reasons
        assert (reason.check, reason.message) == ("workers", "1 run waits, and no process takes runs.")
        worker()
        assert server.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == RunStatus.SUCCEEDED
    assert service.seen["/a"] == 1


@pytest.mark.parametrize("how", [signal.SIGKILL, rare(signal.SIGTERM)])
def test_others_go_on_with_the_runs_of_a_worker_that_ends(
    root: Path, service: Service, worker: Worker, how: signal.Signals
) -> None:
    service.seconds = {f"/slow{number}": 1.0 for number in range(COUNT)}
    write_workflow(
        root,
        "work",
        [
            post_step("a", service.url("/a-{{ inputs.n }}")),
            get_step("b", service.url("/slow{{ inputs.n }}"), needs=["a"]),
        ],
        inputs={"type": "object", "properties": {"n": {"type": "integer"}}},
    )
    with accepting(root) as server:
        first = worker()
        ids = [server.runs.start(OWNER, "work", {"n": number}) for number in range(COUNT)]
        until(lambda: all(service.seen[f"/slow{number}"] for number in range(COUNT)))  # no write is being sent
        worker()
        os.kill(first.pid, how)
        for run_id in ids:
            assert server.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == RunStatus.SUCCEEDED
    assert [service.seen[f"/a-{number}"] for number in range(COUNT)] == [1] * COUNT  # none is made again


def _begun(service: Service, path: str, times: int) -> None:
    until(lambda: service.seen[path] >= times, f"{path} to be asked for")


def test_the_run_of_a_killed_worker_is_begun_by_another_one_within_five_seconds(
    root: Path, service: Service, worker: Worker
) -> None:
    """Of three kills the quickest: a machine that is busy for a moment takes longer, a lease always."""
    paths = [f"/slow{number}" for number in range(3)]
    service.seconds = dict.fromkeys(paths, PATIENCE_SECONDS)
    inputs = {"type": "object", "properties": {"path": {"type": "string"}}}
    write_workflow(root, "work", [get_step("a", service.url("{{ inputs.path }}"))], inputs=inputs)
    took: list[float] = []
    with accepting(root) as server:
        dies = worker()
        for path in paths:
            server.runs.start(OWNER, "work", {"path": path})
            _begun(service, path, 1)
            service.seconds[path] = 0.0
            heir = worker()
            dies.kill()
            killed_at = time.monotonic()
            _begun(service, path, 2)
            took.append((time.monotonic() - killed_at) / slowness())
            if took[-1] < TAKEOVER_SECONDS:
                return
            dies = heir
    pytest.fail(f"after {took} seconds")


def test_runs_that_wait_leave_the_only_slot_of_a_worker_to_others(root: Path, service: Service, worker: Worker) -> None:
    write_workflow(root, "asks", [{"id": "ask", "uses": "flow.approve", "with": {"message": "Go on?"}}])
    write_workflow(root, "pauses", [{"id": "pause", "uses": "flow.wait", "with": {"seconds": 3600}}])
    write_workflow(root, "calls", [{"id": "call", "uses": "workflow.run", "with": {"workflow": "pauses"}}])
    write_workflow(root, "work", [get_step("a", service.url("/a"))])
    with accepting(root) as server:
        worker(slots=1)
        waiting = [server.runs.start(OWNER, name, {}) for name in ("asks", "pauses", "calls")]
        until(lambda: {server.runs.get(OWNER, one)["status"] for one in waiting} == {RunStatus.WAITING})
        for _ in range(2):
            run_id = server.runs.start(OWNER, "work", {})
            assert server.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == RunStatus.SUCCEEDED
        [listed] = [one for one in server.workers.list(OWNER) if one.kind == "worker"]
        assert (listed.slots, listed.runs) == (1, 0)
        assert {server.runs.get(OWNER, one)["status"] for one in waiting} == {RunStatus.WAITING}
        [question] = server.approvals.list(OWNER)
        server.approvals.approve(OWNER, question.id)
        until(lambda: server.runs.get(OWNER, waiting[0])["status"] == RunStatus.SUCCEEDED)
    assert service.seen["/a"] == 2


def test_one_that_waits_is_woken_by_whoever_is_there(root: Path, worker: Worker) -> None:
    write_workflow(root, "work", [{"id": "ask", "uses": "flow.approve", "with": {"message": "Go on?"}}])
    with accepting(root) as server:
        first = worker()
        run_id = server.runs.start(OWNER, "work", {})
        until(lambda: server.runs.get(OWNER, run_id)["status"] == RunStatus.WAITING)
        first.terminate()
        first.wait(PATIENCE_SECONDS)
        [question] = server.approvals.list(OWNER)
        server.approvals.approve(OWNER, question.id)
        worker()
        until(lambda: server.runs.get(OWNER, run_id)["status"] == RunStatus.SUCCEEDED)


def test_a_run_that_nobody_has_taken_can_be_cancelled(root: Path, service: Service, worker: Worker) -> None:
    write_workflow(root, "work", [get_step("a", service.url("/a"))])
    with accepting(root) as server:
        run_id = server.runs.start(OWNER, "work", {})
        server.runs.cancel(OWNER, run_id)
        worker()
        until(lambda: server.runs.get(OWNER, run_id)["status"] == RunStatus.CANCELLED)
    assert service.seen["/a"] == 0


def test_a_worker_that_is_drained_ends_when_it_has_done_what_it_had(
    root: Path, service: Service, worker: Worker
) -> None:
    service.seconds = {"/slow": 2.0}
    write_workflow(root, "work", [get_step("a", service.url("/slow"))])
    with accepting(root) as server:
        first = worker()
        run_id = server.runs.start(OWNER, "work", {})
        until(lambda: service.seen["/slow"] == 1)
        [listed] = [one for one in server.workers.list(OWNER) if one.kind == "worker"]
        assert (listed.pid, listed.runs, listed.slots, listed.state) == (first.pid, 1, 20, "working")
        server.workers.drain(OWNER, listed.id)
        assert first.wait(PATIENCE_SECONDS) == 0
        assert server.runs.get(OWNER, run_id)["status"] == RunStatus.SUCCEEDED
        later = server.runs.start(OWNER, "work", {})
        assert server.runs.wait(OWNER, later, 1.0)["status"] == RunStatus.QUEUED


def test_one_of_several_servers_watches_triggers_and_another_goes_on(root: Path, tmp_path: Path) -> None:
    address = os.environ["ORCHESTRA_STATE"]
    with closing(PostgresStateDatabase(address)) as one, closing(PostgresStateDatabase(address)) as other:
        first, second = one.locks(tmp_path), other.locks(tmp_path)
        assert [first.leads("triggers"), second.leads("triggers"), first.leads("triggers")] == [True, False, True]
        first.close()
        until(lambda: second.leads("triggers"))
        second.close()


def test_many_who_wait_for_runs_ask_the_state_together_and_not_on_the_loop(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    asking, read = PostgresStateDatabase.asking, PostgresJournalConnection.read

    def counted(self: PostgresStateDatabase) -> Any:
        asked.append(threading.current_thread().name)
        return asking(self)

    def counted_read(self: PostgresJournalConnection, *question: Any) -> Any:
        asked.append(threading.current_thread().name)
        return read(self, *question)

    write_workflow(root, "work", [set_step("a")])
    with accepting(root) as server, ThreadPoolExecutor(30) as people:
        ids = [server.runs.start(OWNER, "work", {}) for _ in range(30)]
        monkeypatch.setattr(PostgresStateDatabase, "asking", counted)
        monkeypatch.setattr(PostgresJournalConnection, "read", counted_read)
        waiting = [people.submit(server._families.work.worker.wait, run_id, 1.0) for run_id in ids]
        for one in waiting:
            one.result(PATIENCE_SECONDS)
        assert 2 < len(asked) < 150  # one by one, it would be about 600
        assert asked.count("engine") < 60  # each looks once at the end whether this process was taken over
