"""A merge that is killed between any two of its files: the workflow is the old one or the new one, and merges again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assurance.kill.one_job import said_by
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.engine.conftest import set_step, write_workflow

pytestmark = pytest.mark.slow

OWNER = Principal("tester", "owner", confirmed=True)
MOST = 20


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
        said_of_it = said_by(root, "merge", workflow="work", branch="try", nth=number)
        assert said_of_it in (["done"], []), "it has ended, or was killed"
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
        if said_of_it:
            break
        before = new
    else:
        pytest.fail("the merge never came to its end")
    orchestra.close()
    assert len(outcomes) >= 4, "killed before each of its files took its place"
    assert outcomes == sorted(outcomes), "once the workflow is the new one, it stays so"
