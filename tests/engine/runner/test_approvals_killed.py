"""A process that approves is killed at the worst moments: the write is made once, and only as it was approved."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engine.orchestra import Orchestra
from tests.engine.conftest import OWNER, Service, post_step, write_workflow
from tests.few import few
from tests.patience import PATIENCE_SECONDS, until

pytestmark = pytest.mark.slow

_APPROVE = """
import os, signal, sys
from pathlib import Path
from engine.orchestra import Orchestra
from engine.people.access import local_user
from engine.runner.effects import fault_points
from engine.runner.worker.worker import Worker

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[2] == "answered":
    Worker.go_on = die
else:
    fault_points.hook = lambda point: die() if point == sys.argv[2] else None
orchestra = Orchestra.open(Path(sys.argv[1]))
[asked] = orchestra.approvals.list(local_user())
orchestra.approvals.approve(local_user(), asked.id)
orchestra.runs.wait(local_user(), asked.run_id, 60)
"""


POINTS = ("answered", "before effect", "after effect", "after record", "before end")


@pytest.mark.parametrize("point", few(POINTS, "answered", "after effect"))
def test_an_approved_write_is_made_once_though_the_process_dies(root: Path, service: Service, point: str) -> None:
    config = root / "config.yaml"
    config.write_text(config.read_text().replace("default: never", "default: always"))
    step = post_step("w", service.url("/w"))
    step["with"] = {**step["with"], "idempotency_header": "X-Key"}  # the service would know a second one
    write_workflow(root, "work", [step])
    with_question = Orchestra.open(root)
    run_id = with_question.runs.start(OWNER, "work", {})
    assert with_question.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "waiting"
    with_question.close()
    process = subprocess.run(
        [sys.executable, "-c", _APPROVE, str(root), point], capture_output=True, timeout=60, check=False
    )
    assert process.returncode == -9, process.stderr.decode()
    seen = service.seen["/w"]
    server = Orchestra.open(root, serve=True)
    try:
        until(lambda: server.runs.get(OWNER, run_id)["status"] == "succeeded")
        assert server.approvals.list(OWNER) == []
        assert service.seen["/w"] == (2 if point == "after effect" else 1)  # its answer was lost, the key is the same
        assert seen == (0 if point in ("answered", "before effect") else 1)
    finally:
        server.close()
