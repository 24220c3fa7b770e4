"""Interrupted runs: whoever goes on with one, or ends it, finds it whole."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import InUse, StorageError
from engine.orchestra import Orchestra
from engine.record.run_log import RunLogs
from engine.record.types.run import Run
from engine.runner.worker import worker
from engine.runner.worker.execution import Execution
from tests.engine.conftest import OWNER, Service, get_step, write_workflow
from tests.patience import PATIENCE_SECONDS, until


def test_nobody_else_goes_on_with_a_run_before_its_interruption_is_in_its_log(
    root: Path, service: Service, orchestra: Orchestra, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.seconds = {"/slow": 0.5}
    write_workflow(root, "work", [get_step("a", service.url("/slow"))], outputs={"n": "{{ 1 }}"})
    may_write, writes, write_all = threading.Event(), threading.Event(), RunLogs.write_all

    def slowly(self: RunLogs, runs: Iterable[Run], *group: Any) -> dict[str, Exception]:
        runs = list(runs)
        if any(run["status"] == "interrupted" for run in runs):
            writes.set()
            assert may_write.wait(PATIENCE_SECONDS)
        return write_all(self, runs, *group)

    monkeypatch.setattr(RunLogs, "write_all", slowly)
    run_id = orchestra.runs.start(OWNER, "work", {})
    until(lambda: service.seen["/slow"] == 1)
    orchestra.runs.interrupt(OWNER, run_id)
    assert writes.wait(PATIENCE_SECONDS)
    other = Orchestra.open(root)
    try:
        with pytest.raises(InUse, match="still working"):
            other.runs.resume(OWNER, run_id)
        may_write.set()
        orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
        other.runs.resume(OWNER, run_id)
        document = other.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
        assert (document["status"], document["outputs"]) == ("succeeded", {"n": 1})
    finally:
        may_write.set()
        other.close()


def test_called_runs_end_with_an_interrupted_caller_that_is_cancelled(
    root: Path, service: Service, orchestra: Orchestra
) -> None:
    service.seconds = {"/slow": 0.5}
    write_workflow(root, "inner", [get_step("a", service.url("/slow"))])
    write_workflow(root, "middle", [{"id": "call", "uses": "workflow.run", "with": {"workflow": "inner"}}])
    write_workflow(root, "work", [{"id": "call", "uses": "workflow.run", "with": {"workflow": "middle"}}])
    run_id = orchestra.runs.start(OWNER, "work", {})
    until(lambda: service.seen["/slow"] == 1)
    orchestra.runs.interrupt(OWNER, run_id)
    assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "interrupted"
    orchestra.runs.cancel(OWNER, run_id)
    orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    rows = orchestra.runs.list(OWNER).rows
    assert {row.workflow: row.status for row in rows} == dict.fromkeys(("work", "middle", "inner"), "cancelled")


def test_an_interrupted_run_whose_log_is_refused_does_not_go_on_by_itself(
    root: Path, service: Service, orchestra: Orchestra, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.seconds = {"/slow": 0.3}
    write_workflow(root, "work", [get_step("a", service.url("/slow"))])
    write_all = RunLogs.write_all

    def refused(self: RunLogs, runs: Iterable[Run], *group: Any) -> dict[str, Exception]:
        runs = list(runs)
        full: dict[str, Exception] = {
            run["run_id"]: StorageError("full") for run in runs if run["status"] == "interrupted"
        }
        return full or write_all(self, runs, *group)

    monkeypatch.setattr(RunLogs, "write_all", refused)
    monkeypatch.setattr(worker, "_STALLED_SECONDS", 0.05)
    run_id = orchestra.runs.start(OWNER, "work", {})
    until(lambda: service.seen["/slow"] == 1)
    orchestra.runs.interrupt(OWNER, run_id)
    with pytest.raises(StorageError, match="full"):
        orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    time.sleep(0.3)
    assert orchestra.runs.get(OWNER, run_id)["status"] == "interrupted"
    orchestra.runs.resume(OWNER, run_id)
    assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "succeeded"
    assert service.seen["/slow"] == 2


def test_a_run_that_breaks_down_is_told_to_those_who_wait_and_taken_up_again(
    root: Path, service: Service, orchestra: Orchestra, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_workflow(root, "work", [get_step("a", service.url("/a"))])
    run, broken = Execution.run, threading.Event()

    async def breaks_down_once(self: Execution) -> None:
        if not broken.is_set():
            broken.set()
            raise TypeError("a bug")
        await run(self)

    monkeypatch.setattr(Execution, "run", breaks_down_once)
    monkeypatch.setattr(worker, "_STALLED_SECONDS", 2.0)
    run_id = orchestra.runs.start(OWNER, "work", {})
    with pytest.raises(TypeError, match="a bug"):
        orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    until(lambda: orchestra.runs.get(OWNER, run_id)["status"] == "succeeded")
