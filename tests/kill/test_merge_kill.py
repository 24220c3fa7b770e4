"""A merge that is killed between any two of its files: the workflow is the old one or the new one, and merges again."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.engine.conftest import set_step, write_workflow
from tests.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[2]
OWNER = Principal("tester", "owner", confirmed=True)
MOST = 20
_MERGE = """
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
orchestra.branches.merge(Principal("tester", "owner"), "work", "try", keep=True)
left = -1
orchestra.close()
"""


def change(orchestra: Orchestra, name: str, step: str, title: str) -> None:
    """Change the title of a step."""
    orchestra.editing.edit_file(OWNER, name, [{"op": "set", "step": step, "field": "title", "value": title}])


def test_a_killed_merge_is_done_or_not_begun_and_can_be_repeated(tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    for name in ("workflows", "prompts", "logs"):
        (root / name).mkdir(parents=True)
    (root / "config.yaml").write_text("connections: {}\n")
    write_workflow(root, "work", [set_step("one"), set_step("two")], id="work")
    orchestra = Orchestra.open(root)
    orchestra.branches.create(OWNER, "work", "try")
    before, outcomes = None, []
    for number in range(1, MOST):
        new, other = f"branch {number}", f"main {number}"
        change(orchestra, "work@try", "one", new)
        change(orchestra, "work", "two", other)
        orchestra.close()
        command = [sys.executable, "-c", _MERGE, str(root), str(number)]
        ended = subprocess.run(command, cwd=REPOSITORY, check=False, timeout=PATIENCE_SECONDS)
        assert ended.returncode in (0, -signal.SIGKILL)
        orchestra = Orchestra.open(root)
        one, two = json.loads((root / "workflows" / "work.json").read_text())["steps"]
        assert (one.get("title") in (before, new), two["title"]) == (True, other), "whole, and main's own change stays"
        outcomes.append(one.get("title") == new)
        repeated = orchestra.branches.merge(OWNER, "work", "try", keep=True)
        assert repeated.conflicts == []
        one, two = json.loads((root / "workflows" / "work.json").read_text())["steps"]
        assert (one["title"], two["title"]) == (new, other)
        [status] = orchestra.branches.list(OWNER, "work")
        assert (status.ahead, status.behind) == ([], [])
        if ended.returncode == 0:
            break
        before = new
    else:
        pytest.fail("the merge never came to its end")
    orchestra.close()
    assert len(outcomes) >= 4, "killed before each of its files took its place"
    assert outcomes == sorted(outcomes), "once the workflow is the new one, it stays so"
