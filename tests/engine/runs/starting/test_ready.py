"""Runs that are started together: each has its own outcome, also if a name changes or a key comes twice meanwhile."""

from __future__ import annotations

from pathlib import Path

from clients.errors import Timeout
from engine.base.errors import InUse
from engine.orchestra import Orchestra
from engine.runs.starting.ready import ReadyRun
from engine.store.acceptances import RunEntry
from tests.engine.conftest import OWNER, set_step, write_workflow
from tests.patience import PATIENCE_SECONDS


def test_runs_that_are_started_together_have_their_own_outcomes(orchestra: Orchestra, root: Path) -> None:
    write_workflow(root, "one", [set_step("only")])
    ready = [orchestra.runs.ready(OWNER, "one", {}, request_key=key) for key in ("a", "a", "b")]
    other = orchestra.runs.ready(OWNER, "one", {}, request_key="b", only="only")
    first, again, second, misused = orchestra.runs.begin_each([*ready, other])
    assert first == again != second
    assert isinstance(misused, InUse)
    assert [orchestra.runs.ready(OWNER, "one", {}, request_key="b")] == [second]


def test_a_run_whose_workflow_is_renamed_before_it_is_stored_follows_it(orchestra: Orchestra, root: Path) -> None:
    for name in ("one", "two"):
        write_workflow(root, name, [set_step("before")])
    ready = [orchestra.runs.ready(OWNER, name, {}) for name in ("one", "two")]
    orchestra.workflows.rename_step(OWNER, "one", "before", "after")
    for outcome, path in zip(orchestra.runs.begin_each(ready), ("after", "before"), strict=True):
        assert isinstance(outcome, str)
        assert [step["path"] for step in orchestra.runs.wait(OWNER, outcome, PATIENCE_SECONDS)["steps"]] == [path]


def test_an_error_of_one_run_that_is_checked_again_is_not_that_of_the_others(orchestra: Orchestra, root: Path) -> None:
    def again() -> RunEntry:
        raise Timeout("The service did not answer.")

    for name in ("one", "two"):
        write_workflow(root, name, [set_step("before")])
    stale = orchestra.runs.ready(OWNER, "one", {})
    orchestra.workflows.rename_step(OWNER, "one", "before", "after")
    assert isinstance(stale, ReadyRun)
    right = orchestra.runs.ready(OWNER, "two", {})
    failed, started = orchestra.runs.begin_each([ReadyRun(stale.entry, again), right])
    assert isinstance(failed, Timeout)
    assert isinstance(started, str)
    assert orchestra.runs.wait(OWNER, started, PATIENCE_SECONDS)["status"] == "succeeded"
