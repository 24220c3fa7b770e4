"""What is said of the processes, and which of them can be drained."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from engine.base.clock import utc_now
from engine.base.errors import InvalidInput, UnknownName
from engine.orchestra import Orchestra
from engine.runs.workers import Workers
from tests import postgres
from tests.engine.conftest import OWNER


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with postgres.schema() as url:
        monkeypatch.setenv("ORCHESTRA_STATE", url)
        yield


def test_a_process_that_takes_no_runs_of_others_is_not_drained(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ORCHESTRA_STATE", raising=False)
    with closing(Orchestra.open(root, serve=True)) as server:
        with pytest.raises(InvalidInput, match="takes no runs but its own") as refused:
            server.workers.drain(OWNER, server.own_process)
        assert "SIGTERM" in refused.value.remedy
        assert [one.state for one in server.workers.list(OWNER)] == ["working"]
        with pytest.raises(UnknownName):
            server.workers.drain(OWNER, "worker-1-00000000")


@pytest.mark.service
@pytest.mark.usefixtures("state")
def test_a_server_that_only_accepts_is_told_to_need_a_worker(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRA_LIMITS__RUNS_AT_ONCE", "0")
    with closing(Orchestra.open(root, serve=True)) as server:
        alive, takes = server.workers.check(OWNER)
        assert (alive.ok, alive.text) == (True, "1 server and 0 workers are alive.")
        assert (takes.what, takes.ok) == ("takes runs", False)
        assert "Start `orchestra worker`" in takes.text
        command = [sys.executable, "-m", "cli", "connections", "check", "--json", "--workspace", str(root)]
        said = subprocess.run(command, capture_output=True, text=True, check=False)
        assert said.returncode == 1
        assert [one["ok"] for one in json.loads(said.stdout)["processes"]] == [True, False]
        command = [sys.executable, "-m", "cli", "workers", "list", "--workspace", str(root)]
        said = subprocess.run(command, capture_output=True, text=True, check=False)
        assert "accepts only" in said.stdout
        with closing(Orchestra.open(root, slots=3)):
            assert [one.text for one in server.workers.check(OWNER)] == [
                "1 server and 1 worker are alive.",
                "1 process takes runs.",
            ]


@pytest.mark.service
@pytest.mark.usefixtures("state")
@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, []), (25, ["late"]), (40, ["silent"])], ids=["in time", "two beats missed", "over"]
)
def test_a_process_that_does_not_show_itself_is_named(root: Path, seconds: int, expected: list[str]) -> None:
    with closing(Orchestra.open(root, slots=3)) as worker:
        state, locks = worker._families.opened.state, worker._families.work.worker.owner.locks
        ahead = timedelta(seconds=seconds)
        audit, own = worker._families.opened.audit, worker.own_process
        workers = Workers(state, locks, audit, lambda: utc_now() + ahead, own=own, shares_runs=True)
        found = [one for one in workers.check(OWNER) if one.what not in ("alive", "takes runs")]
        assert [one.what for one in found] == expected
        assert all(worker.own_process in one.text and not one.ok for one in found)


def test_a_workspace_on_one_machine_needs_no_worker(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ORCHESTRA_STATE", raising=False)
    with closing(Orchestra.open(root, serve=True)) as server:
        assert [(one.what, one.ok) for one in server.workers.check(OWNER)] == []
