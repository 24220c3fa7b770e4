"""Limits on the runs at work in all processes together, and which of those that wait goes next."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from engine.base.errors import TooManyRuns
from engine.base.statuses import ENDED_RUNS, Priority, RunStatus
from engine.orchestra import Orchestra
from tests import postgres
from tests.engine.conftest import OWNER, Service, get_step, set_step, write_workflow
from tests.few import few
from tests.patience import PATIENCE_SECONDS, until

_CODE = "import sys, cli; sys.exit(cli.main(sys.argv[1:]))"
_INPUTS = {"type": "object", "properties": {"n": {"type": "integer"}}}
MOST, COUNT = 2, 8
_MANY, _KILLS = 60, 8
_PAIRS = (("", "a"), ("a", "b"), ("b", "c"))
LIMITS = ("RUNS_AT_ONCE_PER_USER", "RUNS_AT_ONCE_PER_CONNECTION__WEB")


@pytest.fixture
def shared_state(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with postgres.schema() as url:
        monkeypatch.setenv("ORCHESTRA_STATE", url)
        monkeypatch.setenv("ORCHESTRA_LIMITS__RUNS_AT_ONCE", "0")
        yield


@pytest.fixture
def worker(root: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Start a worker; it works once this returns."""
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        command = [sys.executable, "-c", _CODE, "worker", "--concurrency", "20", "--workspace", str(root)]
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


def _slow_workflow(root: Path, service: Service, seconds: float = 0.3) -> None:
    service.seconds = {f"/slow{number}": seconds for number in range(COUNT)}
    write_workflow(root, "work", [get_step("a", service.url("/slow{{ inputs.n }}"))], inputs=_INPUTS)


@pytest.mark.slow
@pytest.mark.service
@pytest.mark.usefixtures("shared_state")
@pytest.mark.parametrize("limit", few(LIMITS, LIMITS[0]))
def test_a_limit_holds_over_all_processes_and_is_free_again_when_one_is_killed(
    root: Path,
    service: Service,
    worker: Callable[[], subprocess.Popen[str]],
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
) -> None:
    monkeypatch.setenv(f"ORCHESTRA_LIMITS__{limit}", str(MOST))
    _slow_workflow(root, service)
    with closing(Orchestra.open(root, serve=True)) as server:
        first = worker()
        ids = [server.runs.start(OWNER, "work", {"n": number}) for number in range(COUNT)]
        until(lambda: service.at_once == MOST)
        told = server.runs.get(OWNER, ids[-1])
        assert (told["status"], told["sentence"].split(":")[0]) == (RunStatus.QUEUED, "Waiting for its turn")
        worker()
        first.kill()
        for run_id in ids:
            assert server.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == RunStatus.SUCCEEDED
    assert service.most_at_once == MOST


@pytest.mark.chaos
@pytest.mark.service
@pytest.mark.usefixtures("shared_state")
def test_no_limit_is_exceeded_while_workers_are_killed_again_and_again(
    root: Path,
    service: Service,
    worker: Callable[[], subprocess.Popen[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ORCHESTRA_LIMITS__RUNS_AT_ONCE_PER_USER", str(MOST + 1))
    monkeypatch.setenv("ORCHESTRA_LIMITS__RUNS_AT_ONCE_PER_CONNECTION__WEB", str(MOST))
    service.seconds = {f"/slow{number}": 0.1 for number in range(_MANY)}
    write_workflow(root, "chain", _chain(service), inputs=_INPUTS)
    chance = random.Random(20261124)
    with closing(Orchestra.open(root, serve=True)) as server:
        ids = server.runs.start_all(OWNER, "chain", [{"n": number} for number in range(_MANY)])
        crew = [worker() for _ in range(3)]
        for _ in range(_KILLS):
            time.sleep(chance.uniform(0.5, 2.0))
            one = crew.pop(chance.randrange(len(crew)))
            one.kill()
            crew.append(worker())
        for run_id in ids:
            until(lambda one=run_id: server.runs.get(OWNER, one)["status"] in ENDED_RUNS)  # type: ignore[misc]
        statuses = Counter(server.runs.get(OWNER, run_id)["status"] for run_id in ids)
    assert statuses == {RunStatus.SUCCEEDED: _MANY}
    assert service.most_at_once == MOST


def _chain(service: Service) -> list[dict[str, object]]:
    """Return steps one after the other, so that each run has one request under way."""
    urls = service.url("/slow{{ inputs.n }}")
    return [get_step(step, urls, **({"needs": [before]} if before else {})) for before, step in _PAIRS]


@pytest.mark.parametrize("limit", LIMITS)
def test_with_a_state_in_a_file_commands_and_the_server_share_a_limit(
    root: Path, service: Service, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setenv(f"ORCHESTRA_LIMITS__{limit}", str(MOST))
    _slow_workflow(root, service, 0.1)
    with closing(Orchestra.open(root, serve=True)) as server, closing(Orchestra.open(root)) as command:
        ids = [each.runs.start(OWNER, "work", {"n": n}) for n in range(COUNT // 2) for each in (server, command)]
        for n, run_id in enumerate(ids):
            told = (server, command)[n % 2].runs.wait(OWNER, run_id, PATIENCE_SECONDS)
            assert told["status"] == RunStatus.SUCCEEDED
    assert service.most_at_once == MOST


def test_under_a_limit_runs_wait_call_and_are_cancelled_and_resumed_as_ever(
    root: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRA_LIMITS__RUNS_AT_ONCE_PER_USER", "1")
    _slow_workflow(root, service, 0.5)
    called = {"id": "calls", "uses": "workflow.run", "with": {"workflow": "work", "inputs": {"n": 1}}}
    waits = {"id": "waits", "uses": "flow.wait", "with": {"seconds": 1}, "needs": ["calls"]}
    write_workflow(root, "outer", [called, waits, set_step("ends", needs=["waits"])])
    asks = {"id": "asks", "uses": "flow.approve", "with": {"message": "Go on?"}}
    write_workflow(root, "asks", [asks, get_step("a", service.url("/slow2"), needs=["asks"])])
    service.answers = {"/slow3": [404]}
    with closing(Orchestra.open(root, serve=True)) as server:
        ids = [server.runs.start(OWNER, name, {}) for name in ("asks", "outer", "outer")]
        cancelled, fails = (server.runs.start(OWNER, "work", {"n": n}) for n in (4, 3))
        server.runs.cancel(OWNER, cancelled)
        until(lambda: server.approvals.list(OWNER))  # a run that waits holds no place
        assert server.runs.wait(OWNER, cancelled, PATIENCE_SECONDS)["status"] == RunStatus.CANCELLED
        until(lambda: server.runs.get(OWNER, fails)["status"] == RunStatus.FAILED)
        server.runs.resume(OWNER, fails)
        server.approvals.approve(OWNER, server.approvals.list(OWNER)[0].id)
        for run_id in (*ids, fails):
            until(lambda one=run_id: server.runs.get(OWNER, one)["status"] == RunStatus.SUCCEEDED)  # type: ignore[misc]
    assert (service.most_at_once, service.seen["/slow4"]) == (1, 0)


@pytest.mark.service
@pytest.mark.usefixtures("shared_state")
def test_what_a_person_waits_for_goes_before_what_was_started_in_bulk(root: Path, service: Service) -> None:
    _slow_workflow(root, service, 0.2)
    with closing(Orchestra.open(root, serve=True)) as server:
        bulk = server.runs.start_all(OWNER, "work", [{"n": number} for number in range(4)])
        own = server.runs.start(OWNER, "work", {"n": 4})
        urgent = server.runs.start(OWNER, "work", {"n": 5}, priority=Priority.HIGH)
        with closing(Orchestra.open(root, slots=1)):
            for run_id in (*bulk, own, urgent):
                assert server.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == RunStatus.SUCCEEDED
    assert list(service.seen) == [f"/slow{number}" for number in (5, 4, 0, 1, 2, 3)]


@pytest.mark.service
@pytest.mark.usefixtures("shared_state")
def test_what_one_server_has_accepted_counts_for_the_back_pressure_of_another(
    root: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRA_LIMITS__MOST_WAITING_RUNS", "3")
    _slow_workflow(root, service)
    with closing(Orchestra.open(root, serve=True)) as server, closing(Orchestra.open(root, slots=0)) as other:
        for number in range(4):
            server.runs.start(OWNER, "work", {"n": number})
        with pytest.raises(TooManyRuns):
            other.runs.start(OWNER, "work", {"n": 4})
