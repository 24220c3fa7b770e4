"""A command told to stop: quick, with the right code, nothing lost, and the next one goes on."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from engine.sandbox.walls import walls
from tests.cli.conftest import Orchestra, Running, Start
from tests.patience import until

pytestmark = pytest.mark.slow
SLOW = {"ORCHESTRA_DEMO_LATENCY": "500:600"}
MAILS = ("--input", "limit=10")
"""Some seconds of work from the first write on."""


def _written(workspace: Path) -> str:
    """The run that has written something, empty where none has."""
    with suppress(sqlite3.OperationalError):  # it is yet to be made
        where = f"file:{workspace / '.orchestra' / 'state.db'}?mode=ro"
        with closing(sqlite3.connect(where, uri=True)) as connection:
            found = connection.execute("SELECT run_id FROM effects WHERE state = 'done'").fetchall()
            return "".join(run_id for (run_id,) in found[:1])
    return ""


def _triage(start: Start, workspace: Path, *options: str) -> tuple[Running, str]:
    """The main job in the demo, slowed down and in the middle."""
    running = start("run", "inbox-triage", "--demo", *MAILS, *options, **SLOW)
    return running, until(lambda: _written(workspace), "a first write")


def _issues(orchestra: Orchestra) -> list[str]:
    shown: dict[str, Any] = orchestra("demo", "show", "--json").json
    return sorted(issue["title"] for issue in shown["github"]["issues"])


@pytest.mark.parametrize(
    ("number", "code"),
    [
        pytest.param(signal.SIGINT, 130, id="Ctrl-C", marks=pytest.mark.chaos),
        pytest.param(signal.SIGTERM, 143, id="SIGTERM"),
    ],
)
def test_a_stopped_run_is_interrupted_and_resumed_without_a_double(
    start: Start, orchestra: Orchestra, workspace: Path, number: int, code: int
) -> None:
    running, run_id = _triage(start, workspace)
    assert running.end(number) == code
    assert f"`orchestra runs resume {run_id}` continues it." in running.err
    assert "Traceback" not in running.err
    row = orchestra("runs", "list", "--json").json["runs"][0]
    assert (row["run_id"], row["status"]) == (run_id, "interrupted")
    resumed = orchestra("runs", "resume", run_id, "--json")
    assert (resumed.code, resumed.json["status"]) == (0, "succeeded")
    titles = _issues(orchestra)
    assert orchestra("run", "inbox-triage", "--demo", *MAILS).code == 0
    assert _issues(orchestra) == titles


def test_a_run_whose_output_nobody_reads_any_more_is_interrupted_and_says_how_it_goes_on(
    orchestra: Orchestra, workspace: Path
) -> None:
    read, write = os.pipe()
    os.close(read)  # as `| head -1` does
    command = [sys.executable, "-m", "cli", "run", "inbox-triage", "--demo", *MAILS]
    ended = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, env=os.environ | SLOW, check=False)
    os.close(write)
    row = orchestra("runs", "list", "--json").json["runs"][0]
    assert (ended.returncode, row["status"]) == (1, "interrupted")
    assert ended.stderr == f"Interrupted. Nothing is lost: `orchestra runs resume {row['run_id']}` continues it.\n"


def test_with_json_a_stopped_run_is_still_one_document(start: Start, workspace: Path) -> None:
    running, run_id = _triage(start, workspace, "--json")
    assert running.end(signal.SIGINT) == 130
    run = json.loads(running.out)
    assert (run["run_id"], run["status"]) == (run_id, "interrupted")


def test_a_run_of_a_living_process_is_not_resumed_but_can_be_cancelled(
    start: Start, orchestra: Orchestra, workspace: Path
) -> None:
    running, run_id = _triage(start, workspace)
    shown = orchestra("runs", "show", run_id)
    assert (shown.code, "running" in shown.out, "It stopped" in shown.err) == (0, True, False)
    assert "runs resume" not in shown.err
    refused = orchestra("runs", "resume", run_id)
    assert (refused.code, refused.out) == (4, "")
    assert "belongs to a process that is still working on it" in refused.err
    assert orchestra("runs", "resume", "--all").out == "No run was interrupted or has lost its process.\n"
    cancelled = orchestra("runs", "cancel", run_id, "--json")
    assert (cancelled.code, cancelled.json["status"]) == (0, "cancelled")
    assert running.process.wait(60) == 1


def test_a_killed_run_is_interrupted_and_resumed_with_all_others(
    start: Start, orchestra: Orchestra, workspace: Path
) -> None:
    running, run_id = _triage(start, workspace)
    running.end(signal.SIGKILL)
    assert orchestra("runs", "show", run_id, "--json").json["status"] == "interrupted"
    assert f"`orchestra runs resume {run_id}` retries what is not done." in orchestra("runs", "show", run_id).err
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
    assert orchestra("run", "inbox-triage", "--demo", *MAILS).code == 0
    assert _issues(orchestra) != before
    assert orchestra("triggers", "on", "inbox-triage", "--demo", "--from", "now", "--yes").code == 0
    reset = orchestra("demo", "reset")
    assert "The account is now demo-2. 1 demo run deleted." in reset.out
    assert "Turned off: inbox-triage / new_mail." in reset.out
    assert _issues(orchestra) == before
    assert orchestra("runs", "list", "--json").json["runs"] == []
    assert orchestra("demo", "reset", "--json").json["turned_off"] == []
    assert "github: 2 repositories" in orchestra("demo", "show").out


@pytest.mark.skipif(walls() is None, reason="bubblewrap does not work here")
def test_a_stopped_command_of_a_project_ends_in_its_sandbox_and_shows_what_it_wrote(
    start: Start, orchestra: Orchestra
) -> None:
    assert orchestra("projects", "new", "sums").code == 0
    running = start("projects", "run", "sums", "echo begun; sleep 500; echo ended", "--seconds", "600")
    assert running.line() == "begun"
    assert running.end(signal.SIGINT) == 130
    assert running.err.strip() == "It was stopped."
