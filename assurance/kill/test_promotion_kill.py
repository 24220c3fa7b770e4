"""A promotion that is killed between any two of its files: the environment runs the version before, or the new one."""

from __future__ import annotations

from pathlib import Path

import pytest

from assurance.kill.one_job import said_by
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.engine.conftest import write_workflow
from tests.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.slow

OWNER = Principal("tester", "owner", confirmed=True)
MOST = 20


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
        said_of_it = said_by(root, "promote", workflow="greet", nth=number)
        assert said_of_it in (["done"], []), "it has ended, or was killed"
        orchestra = Orchestra.open(root)
        try:
            run_id = orchestra.runs.start(OWNER, "greet", {}, environment="prod")
            said = orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["outputs"]["text"]
            assert said in (before, new)
            if said_of_it:
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
