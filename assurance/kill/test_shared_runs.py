"""What only the fence protects, and runs that a worker has taken and then lost from sight, or left when it died."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from assurance.kill.counting import Counting, counting
from assurance.kill.harness import REPOSITORY
from assurance.kill.wrong import nobody_looks
from engine.base.statuses import ENDED_RUNS, RunStatus
from engine.orchestra import Orchestra
from engine.runner.worker.poller import Poller
from engine.workflows.new_workspace import init
from tests import postgres
from tests.engine.conftest import OWNER, set_step, write_workflow
from tests.patience import PATIENCE_SECONDS, until

pytestmark = [pytest.mark.slow, pytest.mark.service]
RUNS = 20
LEASE_SECONDS = 1
_LOST_SECONDS = 15.0
_CODE = """
import sys
from assurance.kill.wrong import WRONG
if sys.argv[1]:
    WRONG[sys.argv[1]]()
import cli
sys.exit(cli.main(sys.argv[2:]))
"""

Worker = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def web() -> Iterator[Counting]:
    with counting() as service:
        yield service


@pytest.fixture
def root(tmp_path: Path, web: Counting) -> Iterator[Path]:
    place = tmp_path / "workspace"
    init(place)
    with postgres.schema() as url:
        lines = [
            f"state: '{url}'",
            f"limits: {{runs_at_once: 0, lease_seconds: {LEASE_SECONDS}}}",
            "approvals: {default: never}",
            f"connections: {{web: {{service: http, allow_hosts: ['127.0.0.1:{web.port}']}}}}",
        ]
        (place / "config.yaml").write_text("\n".join(lines))
        yield place


@pytest.fixture
def worker(root: Path) -> Iterator[Worker]:
    """Start a worker, perhaps one that is wrong on purpose; it works once this returns."""
    started: list[subprocess.Popen[str]] = []

    def start(wrong: str = "") -> subprocess.Popen[str]:
        command = [sys.executable, "-c", _CODE, wrong, "worker", "--concurrency", "5", "--workspace", str(root)]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY))
        assert started[-1].stdout is not None
        assert "Working on the runs" in started[-1].stdout.readline()
        return started[-1]

    yield start
    for one in started:
        one.kill()
        one.wait()
        assert one.stdout is not None
        one.stdout.close()


def _written_by_a_frozen_worker(root: Path, web: Counting, worker: Worker, wrong: str) -> int:
    """Freeze a worker in a read before a write, let another take over, cancel; return how many writes came later.

    No receipt, no intent and no number of an event stands in the way of the first one when it wakes up.
    """

    def request(name: str, method: str) -> dict[str, object]:
        fields = {"method": method, "url": web.url(f"/{name}")}
        return {"id": name, "uses": "http.request", "connection": "web", "with": fields}

    write_workflow(root, "work", [request("read", "GET"), {**request("write", "POST"), "needs": ["read"]}])
    web.delays["GET /read"] = 4.0
    with closing(Orchestra.open(root, serve=True)) as server:
        first = worker(wrong)
        run_id = server.runs.start(OWNER, "work", {})
        web.wait_for("GET /read")
        first.send_signal(signal.SIGSTOP)
        web.delays["GET /read"] = PATIENCE_SECONDS
        worker()
        until(lambda: web.seen["GET /read"] == 2, "the other worker")
        server.runs.cancel(OWNER, run_id)
        until(lambda: server.runs.get(OWNER, run_id)["status"] == RunStatus.CANCELLED)
        first.send_signal(signal.SIGCONT)
        ends_at = time.monotonic() + 8
        while time.monotonic() < ends_at and not web.seen["POST /write"]:
            time.sleep(0.1)
        return web.seen["POST /write"]


def test_a_frozen_worker_writes_nothing_for_a_run_that_was_taken_over_and_cancelled(
    root: Path, web: Counting, worker: Worker
) -> None:
    assert _written_by_a_frozen_worker(root, web, worker, "") == 0


@pytest.mark.control
def test_without_the_fence_it_does(root: Path, web: Counting, worker: Worker) -> None:
    assert _written_by_a_frozen_worker(root, web, worker, "no fence") == 1


def _ended(root: Path, worker: Worker, wrong: str, seconds: float) -> int:
    """Let a worker that loses what it has taken work on runs; return how many have ended in time."""
    write_workflow(root, "work", [set_step("one"), set_step("two", needs=["one"])])
    with closing(Orchestra.open(root, serve=True)) as server:
        ids = [server.runs.start(OWNER, "work", {}) for _ in range(RUNS)]
        worker(wrong)
        ends_at = time.monotonic() + seconds

        def ended() -> int:
            return sum(server.runs.get(OWNER, one)["status"] in ENDED_RUNS for one in ids)

        while ended() < RUNS and time.monotonic() < ends_at:
            time.sleep(0.2)
        return ended()


def test_runs_that_were_taken_and_not_begun_are_found(root: Path, worker: Worker) -> None:
    assert _ended(root, worker, "claims without work", PATIENCE_SECONDS) == RUNS


@pytest.mark.control
def test_if_nobody_looks_for_them_they_are_lost(root: Path, worker: Worker) -> None:
    assert _ended(root, worker, "forgets what it took", _LOST_SECONDS) < RUNS


def _ended_after_a_death(root: Path, web: Counting, worker: Worker, wrong: str, seconds: float) -> bool:
    """Kill the worker that works on a run while another one is there; return whether the run has ended in time."""
    fields = {"method": "GET", "url": web.url("/read")}
    write_workflow(root, "work", [{"id": "read", "uses": "http.request", "connection": "web", "with": fields}])
    web.delays["GET /read"] = PATIENCE_SECONDS
    with closing(Orchestra.open(root, serve=True)) as server:
        first = worker(wrong)
        run_id = server.runs.start(OWNER, "work", {})
        web.wait_for("GET /read")
        worker(wrong)
        web.delays["GET /read"] = 0.0
        first.kill()
        ends_at = time.monotonic() + seconds
        while server.runs.get(OWNER, run_id)["status"] not in ENDED_RUNS and time.monotonic() < ends_at:
            time.sleep(0.2)
        return server.runs.get(OWNER, run_id)["status"] in ENDED_RUNS


@pytest.mark.chaos
def test_the_run_of_a_worker_that_died_is_taken_over(root: Path, web: Counting, worker: Worker) -> None:
    assert _ended_after_a_death(root, web, worker, "", PATIENCE_SECONDS)


@pytest.mark.control
def test_if_nobody_adopts_it_is_left(
    root: Path, web: Counting, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Poller, "_look_for_dead", nobody_looks)  # the server in this process would, too
    assert not _ended_after_a_death(root, web, worker, "nobody adopts", _LOST_SECONDS)
