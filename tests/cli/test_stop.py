"""A command told to stop: quick, with the right code, nothing lost, and the next one goes on."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Orchestra, Running, Start
from tests.patience import until

pytestmark = pytest.mark.slow
SLOW = {"ORCHESTRA_DEMO_LATENCY": "300:400"}


def _run_id(orchestra: Orchestra) -> str:
    """The id of the one run, once it works."""
    until(lambda: orchestra("runs", "list", "--status", "running", "--json").json["runs"], "a running run")
    run_id: str = orchestra("runs", "list", "--json").json["runs"][0]["run_id"]
    return run_id


def _written(orchestra: Orchestra, run_id: str) -> bool:
    """Whether the run has begun to write."""
    return bool(orchestra("runs", "show", run_id, "--json").json["counts"]["new_effects"])


def _triage(start: Start, orchestra: Orchestra, *options: str) -> tuple[Running, str]:
    """The main job in the demo, slowed down and in the middle."""
    running = start("run", "inbox-triage", "--demo", *options, **SLOW)
    run_id = _run_id(orchestra)
    until(lambda: _written(orchestra, run_id), "a first write")
    return running, run_id


def _issues(orchestra: Orchestra) -> list[str]:
    shown: dict[str, Any] = orchestra("demo", "show", "--json").json
    return sorted(issue["title"] for issue in shown["github"]["issues"])


@pytest.mark.parametrize(
    ("number", "code"),
    [pytest.param(signal.SIGINT, 130, id="Ctrl-C"), pytest.param(signal.SIGTERM, 143, id="SIGTERM")],
)
def test_a_stopped_run_is_interrupted_and_resumed_without_a_double(
    start: Start, orchestra: Orchestra, number: int, code: int
) -> None:
    running, run_id = _triage(start, orchestra)
    assert running.end(number) == code
    assert f"`orchestra runs resume {run_id}` continues it." in running.err
    assert "Traceback" not in running.err
    row = orchestra("runs", "list", "--json").json["runs"][0]
    assert (row["run_id"], row["status"]) == (run_id, "interrupted")
    resumed = orchestra("runs", "resume", run_id, "--json")
    assert (resumed.code, resumed.json["status"]) == (0, "succeeded")
    titles = _issues(orchestra)
    assert orchestra("run", "inbox-triage", "--demo").code == 0
    assert _issues(orchestra) == titles


def test_with_json_a_stopped_run_is_still_one_document(start: Start, orchestra: Orchestra) -> None:
    running, run_id = _triage(start, orchestra, "--json")
    assert running.end(signal.SIGINT) == 130
    run = json.loads(running.out)
    assert (run["run_id"], run["status"]) == (run_id, "interrupted")


def test_a_run_of_a_living_process_is_not_resumed_but_can_be_cancelled(start: Start, orchestra: Orchestra) -> None:
    running, run_id = _triage(start, orchestra)
    refused = orchestra("runs", "resume", run_id)
    assert (refused.code, refused.out) == (4, "")
    assert "belongs to a process that is still working on it" in refused.err
    assert orchestra("runs", "resume", "--all").out == "No run was interrupted or has lost its process.\n"
    cancelled = orchestra("runs", "cancel", run_id, "--json")
    assert (cancelled.code, cancelled.json["status"]) == (0, "cancelled")
    assert running.process.wait(60) == 1


def test_a_killed_run_is_interrupted_and_resumed_with_all_others(start: Start, orchestra: Orchestra) -> None:
    running, run_id = _triage(start, orchestra)
    running.end(signal.SIGKILL)
    assert orchestra("runs", "show", run_id, "--json").json["status"] == "interrupted"
    resumed = orchestra("runs", "resume", "--all", "--json")
    assert resumed.code == 0, resumed
    assert [(run["run_id"], run["status"]) for run in resumed.json["runs"]] == [(run_id, "succeeded")]


def test_demo_start_ends_with_its_stand_ins(start: Start, workspace: Path) -> None:
    first = start("demo", "start", "--json")
    line = json.loads(first.line())
    assert {"gmail", "notion", "github", "openai"} <= set(line)
    assert line["openai"]["base_url"].endswith("/v1")
    second = start("demo", "start", "--json")
    assert json.loads(second.line()) == line
    assert second.process.poll() is None
    assert first.end(signal.SIGINT) == 0
    assert second.process.wait(60) == 0
    third = start("demo", "start")
    assert third.line().split() == ["SERVICE", "BASE", "URL", "TOKEN"]
    until(lambda: line["github"]["base_url"] in third.out, "the same ports")
    assert third.end(signal.SIGTERM) == 0


def test_demo_reset_makes_everything_as_new(orchestra: Orchestra) -> None:
    before = _issues(orchestra)
    assert orchestra("run", "inbox-triage", "--demo").code == 0
    assert _issues(orchestra) != before
    assert orchestra("demo", "reset", "--json").json["generation"] == 2
    assert _issues(orchestra) == before
    assert orchestra("runs", "list", "--json").json["runs"] == []
    assert "github: 2 repositories" in orchestra("demo", "show").out
