"""A process is killed while a debug run is paused, and at the worst moments of a step: each write is made once."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from engine.orchestra import Orchestra
from tests.engine.conftest import OWNER, set_step, write_workflow
from tests.few import rare
from tests.patience import PATIENCE_SECONDS, until
from tests.workspaces import init

pytestmark = pytest.mark.slow

_STEP = """
import os, signal, sys
from pathlib import Path
from engine.orchestra import Orchestra
from engine.people.access import local_user
from engine.runner.effects import fault_points
from engine.runner.worker.worker import Worker

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

orchestra, p = Orchestra.open(Path(sys.argv[1])), local_user()
run_id = orchestra.debugging.start(p, "work", {}, breakpoints=["issue"])
[paused] = orchestra.debugging.wait(p, run_id, 60).paused
assert paused.path == "each[0].issue"
print(run_id, flush=True)
if sys.argv[2] == "paused":
    die()
elif sys.argv[2] == "stepped":
    Worker.start = die
else:
    fault_points.hook = lambda point: die() if point == sys.argv[2] else None
orchestra.debugging.step(p, run_id)
orchestra.debugging.wait(p, run_id, 60)
"""
_LOOP = {
    "id": "each",
    "foreach": "{{ ['ant', 'bee'] }}",
    "as": "name",
    "key": "{{ name }}",
    "steps": [
        {
            "id": "issue",
            "uses": "github.create_issue",
            "connection": "github",
            "approve": "never",
            "with": {"repository": "acme/app", "title": "mark {{ name }}"},
        },
        set_step("note", {"number": "{{ steps.issue.output.number }}"}),
    ],
}


def titles(orchestra: Orchestra) -> Counter[str]:
    """How many issues of each title this workflow has opened on the stand-in."""
    issues = orchestra.demo.show(OWNER)["github"]["issues"]
    return Counter(one["title"] for one in issues if one["title"].startswith("mark"))


@pytest.mark.parametrize(
    "point",
    [
        "paused",
        rare("stepped"),
        "after effect",
        rare("before effect"),
        rare("after record"),
    ],
)
def test_a_run_goes_on_where_it_was_and_writes_once_though_the_process_dies(tmp_path: Path, point: str) -> None:
    root = tmp_path / "workspace"
    init(root)
    write_workflow(root, "work", [_LOOP])
    process = subprocess.run(
        [sys.executable, "-c", _STEP, str(root), point], capture_output=True, timeout=60, check=False
    )
    assert process.returncode == -9, process.stderr.decode()
    run_id = process.stdout.decode().strip()
    server = Orchestra.open(root, serve=True)
    debugging = server.debugging
    try:
        view = debugging.view(OWNER, run_id)
        if point == "paused":
            assert ([one.path for one in view.paused], view.status) == (["each[0].issue"], "waiting")
            assert titles(server) == {}
            assert server._families.work.worker.task_of(run_id) is None, "a paused run holds no task"
            debugging.step(OWNER, run_id)
        [paused] = until(lambda: debugging.wait(OWNER, run_id, PATIENCE_SECONDS).paused)
        assert (paused.path, titles(server)) == ("each[0].note", {"mark ant": 1})
        assert server._families.work.worker.task_of(run_id) is None, "a paused run holds no task"
        debugging.go_on(OWNER, run_id, "loop")
        until(lambda: debugging.view(OWNER, run_id).status == "succeeded")
        assert titles(server) == {"mark ant": 1, "mark bee": 1}
    finally:
        server.close()
