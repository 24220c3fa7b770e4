"""`/health` of a real server while what requests need is broken: it says so within five seconds, and why."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from engine.orchestra import Orchestra
from tests.cli.conftest import is_alive
from tests.cli.serving import LOCAL, Served, served, service
from tests.engine.conftest import Service
from tests.patience import until

pytestmark = pytest.mark.slow
__all__ = ["served", "service"]

Fault = Callable[[Served, Path], AbstractContextManager[None]]


@contextmanager
def full_disk(served: Served, _root: Path) -> Iterator[None]:
    """No file of the server's may grow, as on a full disk."""
    pid = served.serving()
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, before[1]))
    yield
    resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


@contextmanager
def garbled_state(_served: Served, root: Path) -> Iterator[None]:
    """Every page of the state file is rubbish."""
    state = root / ".orchestra" / "state.db"
    whole = state.read_bytes()
    with state.open("r+b") as file:
        file.write(b"\xa5" * len(whole))
    yield
    with state.open("r+b") as file:
        file.write(whole)


@contextmanager
def garbled_page(_served: Served, root: Path) -> Iterator[None]:
    """One page in the middle of the state file is rubbish."""
    state = root / ".orchestra" / "state.db"
    whole = state.read_bytes()
    with state.open("r+b") as file:
        file.seek(len(whole) // 2 // 4096 * 4096)
        file.write(b"\xa5" * 4096)
    yield
    with state.open("r+b") as file:
        file.write(whole)


@contextmanager
def locked_state(_served: Served, root: Path) -> Iterator[None]:
    """Another process keeps the state file to itself."""
    other = sqlite3.connect(root / ".orchestra" / "state.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


@contextmanager
def no_logs(_served: Served, root: Path) -> Iterator[None]:
    """There is a file where the logs would go."""
    logs = root / "logs"
    logs.rename(root / "logs-before")
    logs.touch()
    yield
    logs.unlink()
    (root / "logs-before").rename(logs)


def test_a_fault_shows_within_five_seconds_and_is_over_with_its_cause(
    served: Served, workspace: Path, service: Service
) -> None:
    """All on one server, one after the other, which takes none of them amiss."""
    for fault in (full_disk, garbled_state, garbled_page, locked_state, no_logs):
        _shows_and_is_over(served, workspace, fault)
    _a_deleted_log_folder_is_made_again_and_runs_go_on(served, workspace, service)
    _a_hung_engine_is_told_by_name(served)


def _shows_and_is_over(served: Served, workspace: Path, fault: Fault) -> None:
    served.execute()
    checkpointed(workspace)
    assert served.told()["status"] == "ok", fault
    assert served.ready() == (200, {"ready": True}), fault
    with fault(served, workspace):
        began = time.monotonic()
        while (told := served.told())["status"] == "ok":
            assert time.monotonic() - began < 5, fault
        assert time.monotonic() - began < 5.5, fault
        assert served.health(5) == 503, fault
        assert served.ready() == (503, {"ready": False}), f"{fault}: without a word about the inside"
        assert told["status"] == "failing", fault
        for reason in told["reasons"]:
            assert set(reason) == {"check", "message", "remedy"}, fault
            assert reason["message"], fault
            assert reason["remedy"], fault
            assert str(workspace.parent) not in str(reason), fault
    until(lambda: served.told()["status"] == "ok", f"the end of {fault}")
    assert served.execute().json()["status"] == "succeeded", fault


def checkpointed(root: Path) -> None:
    """Bring everything into the state file, so that damage to it is met."""
    with sqlite3.connect(root / ".orchestra" / "state.db") as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    other.close()


def unlinked_log(root: Path) -> None:
    (root / ".orchestra" / "state.db-wal").unlink()


def unlinked_state(root: Path) -> None:
    (root / ".orchestra" / "state.db").unlink()


def exchanged_state(root: Path) -> None:
    state = root / ".orchestra" / "state.db"
    shutil.copyfile(state, state.with_name("other"))
    state.with_name("other").replace(state)


@pytest.mark.parametrize(
    "away", [unlinked_log, *(pytest.param(one, marks=pytest.mark.chaos) for one in (unlinked_state, exchanged_state))]
)
def test_a_state_file_that_was_taken_away_shows_and_nothing_more_is_written(
    served: Served, workspace: Path, service: Service, away: Callable[[Path], None]
) -> None:
    assert served.execute().json()["status"] == "succeeded"
    away(workspace)
    began = time.monotonic()
    while served.told()["status"] == "ok":
        assert time.monotonic() - began < 5
    assert "was taken away, or another was put in its place" in served.told()["reasons"][0]["message"]
    refused = served.execute()
    assert refused.status_code == 507, refused.text
    assert service.seen["/before"] == 1


def test_what_was_only_in_a_deleted_log_of_the_state_is_saved_when_the_server_stops(
    served: Served, workspace: Path
) -> None:
    run_id = served.execute().json()["run_id"]
    unlinked_log(workspace)
    assert served.running.end(signal.SIGTERM) == 0
    opened = Orchestra.open(workspace)
    try:
        assert [row.run_id for row in opened.runs.list(LOCAL).rows] == [run_id]
        assert opened.proof.held(LOCAL) is None
    finally:
        opened.close()


def test_what_was_only_there_when_the_server_is_killed_comes_from_the_logs(
    served: Served, workspace: Path, service: Service
) -> None:
    run_id = served.execute().json()["run_id"]
    unlinked_log(workspace)
    os.kill(served.running.process.pid, signal.SIGSTOP)  # it would start the next one at once
    child = served.serving()
    os.kill(child, signal.SIGKILL)
    until(lambda: not is_alive(child), "its end")
    served.running.end(signal.SIGKILL)
    opened = Orchestra.open(workspace)
    try:
        assert [row.run_id for row in opened.runs.list(LOCAL).rows] == [run_id]
        assert opened.proof.held(LOCAL) is None
        again = opened.runs.wait(LOCAL, opened.runs.rerun(LOCAL, run_id), 60)
        assert again["counts"]["reused_effects"] == 2
        assert (service.seen["/before"], service.seen["/after"]) == (1, 1)
    finally:
        opened.close()


def _a_deleted_log_folder_is_made_again_and_runs_go_on(served: Served, workspace: Path, service: Service) -> None:
    service.seconds, slow = {"/slow": 1.0}, service.seen["/slow"]
    accepted = served.post(
        "/workflows/execute", {"workflow": "work", "inputs": {}, "wait_seconds": 0, "confirmed": True}
    )
    until(lambda: service.seen["/slow"] == slow + 1, "the read between the writes")
    shutil.rmtree(workspace / "logs")
    run_id = accepted.json()["run_id"]
    until(lambda: served.run(run_id)["status"] == "succeeded", "the end of the run")
    assert stat.S_IMODE((workspace / "logs").stat().st_mode) == 0o700
    assert list((workspace / "logs").glob(f"*/{run_id}.json"))
    shutil.rmtree(workspace / "logs")
    assert served.told()["status"] == "ok"
    assert (workspace / "logs").is_dir()
    assert served.execute().json()["status"] == "succeeded"


def _a_hung_engine_is_told_by_name(served: Served) -> None:
    served.hang("engine")
    began = time.monotonic()
    while (told := served.told())["status"] == "ok":
        assert time.monotonic() - began < 5
    assert [reason["check"] for reason in told["reasons"]] == ["engine"]
    os.kill(served.serving(), signal.SIGKILL)
    until(lambda: served.health(5) == 200, "a sound engine")
