"""A promotion that is killed between any two of its files: the environment runs the version before, or the new one."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.engine.conftest import write_workflow
from tests.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[2]
OWNER = Principal("tester", "owner", confirmed=True)
MOST = 20
_PROMOTE = """
import os, signal, sys
from pathlib import Path
from engine.orchestra import Orchestra
from engine.people.access import Principal
orchestra = Orchestra.open(Path(sys.argv[1]))
left = int(sys.argv[2])

def count(event, _arguments):
    global left
    if event == "os.rename":  # a file takes its place
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(count)
orchestra.environments.promote(Principal("tester", "owner"), "greet", "dev", "prod")
left = -1
orchestra.close()
"""


def greet(root: Path, text: str) -> None:
    """Write the workflow."""
    step = {"id": "say", "uses": "flow.set", "with": {"values": {"text": text}}}
    write_workflow(root, "greet", [step], outputs={"text": "{{ steps.say.output.text }}"})


def test_a_killed_promotion_is_done_or_not_begun(tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    for name in ("workflows", "prompts", "logs"):
        (root / name).mkdir(parents=True)
    (root / "config.yaml").write_text("connections: {}\n")
    greet(root, "0")
    orchestra = Orchestra.open(root)
    orchestra.environments.init(OWNER)
    orchestra.environments.promote(OWNER, "greet", "dev", "prod")
    orchestra.close()
    before, outcomes = "0", []
    for number in range(1, MOST):
        new = str(number)
        greet(root, new)
        command = [sys.executable, "-c", _PROMOTE, str(root), new]
        ended = subprocess.run(command, cwd=REPOSITORY, check=False, timeout=PATIENCE_SECONDS)
        assert ended.returncode in (0, -signal.SIGKILL)
        orchestra = Orchestra.open(root)
        try:
            run_id = orchestra.runs.start(OWNER, "greet", {}, environment="prod")
            said = orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["outputs"]["text"]
            assert said in (before, new)
            if ended.returncode == 0:
                assert said == new
                break
            outcomes.append(said == new)
            assert orchestra.environments.promote(OWNER, "greet", "dev", "prod").is_done
        finally:
            orchestra.close()
        before = new
    else:
        pytest.fail("the promotion never came to its end")
    assert len(outcomes) >= 2, "killed before each of its files took its place"
    assert outcomes == sorted(outcomes), "nothing of it shows until all of it does"
