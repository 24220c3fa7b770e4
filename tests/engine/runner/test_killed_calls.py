"""A run that calls others is killed at the worst moments: each called run is there once, and all of them end."""

from __future__ import annotations

import subprocess
import sys
import time
from itertools import product
from pathlib import Path

import pytest

from engine.orchestra import Orchestra
from tests.engine.conftest import OWNER, Service, get_step, set_step, write_workflow
from tests.few import few
from tests.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.slow

_RUN = """
import sys, time
from pathlib import Path
from engine.orchestra import Orchestra
from engine.people.access import local_user
from engine.runner.effects import fault_points

left = int(sys.argv[3])

def stop(point):
    global left
    if point == sys.argv[2]:
        left -= 1
        if left == 0:
            import os, signal
            os.kill(os.getpid(), signal.SIGKILL)

fault_points.hook = stop
orchestra = Orchestra.open(Path(sys.argv[1]))
run_id = orchestra.runs.start(local_user().agreeing(True), "work", {})
print(run_id, flush=True)
orchestra.runs.wait(local_user(), run_id, 60)
"""


_POINTS = ("accepted", "before end", "after end")


@pytest.mark.parametrize(("time_of_it", "point"), few(product((1, 2, 3), _POINTS), *enumerate(_POINTS, 1)))
def test_each_called_run_is_made_once_and_ends(root: Path, service: Service, point: str, time_of_it: int) -> None:
    write_workflow(root, "one", [get_step("r", service.url("/r")), set_step("done")], outputs={"n": "{{ 1 }}"})
    call = {"id": "c", "uses": "workflow.run", "with": {"workflow": "one"}}
    loop = {"id": "each", "foreach": "{{ [1, 2] }}", "key": "{{ string(item) }}", "steps": [call]}
    write_workflow(root, "work", [loop], outputs={"n": "{{ steps.each.output.map(x, x.c.n) }}"})
    process = subprocess.run(
        [sys.executable, "-c", _RUN, str(root), point, str(time_of_it)], capture_output=True, timeout=60, check=False
    )
    assert process.returncode == -9
    server = Orchestra.open(root, serve=True)
    try:
        ends_at = time.monotonic() + PATIENCE_SECONDS
        rows = server.runs.list(OWNER).rows
        while not rows or any(row.ended_at is None for row in rows):
            assert time.monotonic() < ends_at, rows
            time.sleep(0.05)
            rows = server.runs.list(OWNER).rows
        (parent,) = [row.run_id for row in rows if row.workflow == "work"]
        document = server.runs.get(OWNER, parent)
        assert (document["status"], document["outputs"]) == ("succeeded", {"n": [1, 1]})
        children = sorted(row.run_id for row in rows if row.workflow == "one")
        assert children == sorted(step["child_run_id"] for step in document["steps"] if step.get("child_run_id"))
        assert len(children) == 2
    finally:
        server.close()
