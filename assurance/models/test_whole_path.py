"""The way of a person without a key: the demo's mail, and the smallest real model on this machine.

It sorts mail badly. What must hold all the same: what is written fits its schema, once; a killed run goes on; the run
says what was unsure; prompts, collections and agents end with an answer or a clear error.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from assurance.kill.harness import REPOSITORY, Setting, setting
from engine.orchestra import Orchestra
from engine.people.access import Principal

pytestmark = pytest.mark.slow

OWNER = Principal("tester", "owner", confirmed=True)
MAILS = 25
KINDS = {"task", "bug", "nothing", "unsure"}
HOURS = 3_600.0
_RUN = """
import sys
from pathlib import Path
from engine.orchestra import Orchestra
from engine.people.access import Principal

sys.path.append(sys.argv[2])
owner = Principal("tester", "owner", confirmed=True)
orchestra = Orchestra.open(Path(sys.argv[1]), demo=True)
run_id = orchestra.runs.start(owner, "inbox-triage", {"limit": int(sys.argv[3])})
print(run_id, flush=True)
orchestra.runs.wait(owner, run_id, 3600)
"""


@pytest.fixture
def place(packages: Path, tmp_path: Path) -> Iterator[Setting]:
    """A workspace whose only model is the small one; the packages of its server are found."""
    with setting(tmp_path / "workspace") as found:
        config = found.root / "config.yaml"
        lines = config.read_text().splitlines(keepends=True)
        at = next(number for number, line in enumerate(lines) if line.startswith("  llm:"))
        lines[at + 1 : at + 3] = ["    service: local_model\n"]
        config.write_text("".join(lines))
        for prompt in (found.root / "prompts").glob("classify-mail*/1.json"):
            document = json.loads(prompt.read_text())
            document["parameters"]["max_tokens"] = 160  # it repeats itself
            prompt.write_text(json.dumps({**document, "sure_at_least": 0.8}))
        yield found


def kinds(run: Any) -> dict[str, str]:
    """What the model found each mail to be, by the path of its step."""
    asked = [one for one in run["steps"] if str(one["path"]).endswith(".classify")]
    return {one["path"]: one["output"]["kind"] for one in asked if one["output"]}


def killed_in_the_middle(place: Setting, packages: Path) -> str:
    """Begin a run over the inbox in a process of its own, and kill it once the model has answered five times."""
    command = [sys.executable, "-c", _RUN, str(place.root), str(packages), str(MAILS)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as process,
        closing(Orchestra.open(place.root, demo=True)) as orchestra,
    ):
        assert process.stdout is not None
        run_id = process.stdout.readline().strip()
        while len(kinds(orchestra.runs.get(OWNER, run_id))) < 5 and process.poll() is None:
            time.sleep(0.2)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    return run_id


def test_a_killed_run_over_the_inbox_goes_on_and_writes_what_fits_once(place: Setting, packages: Path) -> None:
    run_id = killed_in_the_middle(place, packages)
    with closing(Orchestra.open(place.root, demo=True)) as orchestra:
        answered = kinds(orchestra.runs.get(OWNER, run_id))
        assert orchestra.runs.resume_all(OWNER) == [run_id]
        run = orchestra.runs.wait(OWNER, run_id, HOURS)
    found = kinds(run)
    assert run["status"] in ("succeeded", "failed"), "and not interrupted"
    assert answered.items() <= found.items(), "no answer was asked for again"
    assert set(found.values()) <= KINDS
    failed = [one["error"] for one in run["steps"] if str(one["path"]).endswith(".classify") and one["error"]]
    assert len(found) + len(failed) == MAILS
    assert all(one["message"] and one["remedy"] for one in failed)
    world, written = place.world(), Counter(found.values())
    assert not world.doubles()
    assert (sum(world.pages.values()), sum(world.issues.values())) == (written["task"], written["bug"])
    assert not written["unsure"] or "unsure" in run["sentence"]
