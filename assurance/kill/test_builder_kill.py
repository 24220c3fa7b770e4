"""Kills while a program is built: its history is the one of a run that nobody has disturbed, each write once."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.projects.projects import Projects
from engine.sandbox.walls import walls
from tests.patience import PATIENCE_SECONDS
from tests.workspaces import init

pytestmark = [pytest.mark.chaos, pytest.mark.skipif(walls() is None, reason="bubblewrap does not work here")]
OWNER = Principal("owner", "owner")
_CHANCE = random.Random(20261123)
_LONGEST_LIFE_SECONDS = 6.0
_MOST_KILLS = 8
"""Of one program, so that it ends on a slow machine, too."""
HISTORY = ["Edit words.py", "Write words.py", "Acceptance tests", "Begin"]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the workflow that builds programs, which asks nobody."""
    folder = tmp_path_factory.mktemp("builder-kill") / "workspace"
    init(folder)
    with closing(Orchestra.open(folder, demo=True)) as orchestra:
        orchestra.workflows.create_from_sample(OWNER, "build-software", "build-software")
    file = folder / "workflows" / "build-software.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    document["steps"] = [one for one in document["steps"] if one["id"] != "approve"]
    file.write_text(json.dumps(document), encoding="utf-8")
    return folder


def lived(workspace: Path, *arguments: str, seconds: float | None) -> bool:
    """Run a command, and kill its processes after so long; return whether it was killed."""
    command = [sys.executable, "-m", "cli", *arguments, "--demo", "--workspace", str(workspace)]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True) as process:
        try:
            process.wait(seconds if seconds is not None else PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            return True
    return False


def killed_until_done(workspace: Path, project: str) -> int:
    """Build a program with kills at random moments until its run has ended; return how many kills hit a process."""
    kills, before, deadline = 0, newest(workspace)["run_id"], time.monotonic() + 4 * PATIENCE_SECONDS
    begin = ["run", "build-software", "--input", f"project={project}"]
    while True:
        found = newest(workspace)
        if found["run_id"] == before:
            todo = begin  # it died before the run was accepted: whoever started it sees that, and starts it again
        elif found["status"] == "succeeded":
            return kills
        else:  # one that has died three times in a row is set aside, and a person resumes it
            todo = ["runs", "resume", found["run_id"] if found["status"] == "failed" else "--all"]
        assert time.monotonic() < deadline, f"the run does not end: {found}"
        seconds = None if kills >= _MOST_KILLS else _CHANCE.uniform(1.0, _LONGEST_LIFE_SECONDS)
        kills += lived(workspace, *todo, seconds=seconds)


def newest(workspace: Path) -> dict[str, Any]:
    """The newest run of the workflow."""
    command = [sys.executable, "-m", "cli", "runs", "list", "--json", "--demo", "--workspace", str(workspace)]
    listed = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    runs = listed["runs"] if isinstance(listed, dict) else listed
    return next((one for one in runs if one["workflow"] == "build-software"), {"status": "none", "run_id": ""})


def wrong(workspace: Path, project: str) -> list[str]:
    """What differs from the history of an undisturbed run."""
    projects = Projects.in_folder(workspace / "projects")
    log = projects.log(project, 50)
    found = [one.message for one in log]
    return [] if found == HISTORY and log[0].is_green else [f"{project}: {found}, green: {log[0].is_green}"]


@pytest.mark.parametrize(
    "kills",
    [
        pytest.param(4, id="few"),
        pytest.param(100, id="hundred"),
    ],
)
def test_a_program_that_is_built_amid_kills_has_the_history_of_one_that_is_not(workspace: Path, kills: int) -> None:
    done, number, faults = 0, 0, list[str]()
    while done < kills:
        number += 1
        project = f"killed-{kills}-{number}"
        done += killed_until_done(workspace, project)
        faults += wrong(workspace, project)
    sys.stdout.write(f"\n{number} programs, {done} kills, {len(faults)} with another history\n")
    assert faults == []
