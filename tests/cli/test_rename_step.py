"""`workflows rename-step` on the demo: what was written before is found again, also without the state file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Orchestra

pytestmark = pytest.mark.slow


def kept(result: Any) -> tuple[int, int]:
    """Writes that were there already, and all writes."""
    effects = [step["effect"]["reused"] for step in result.json["steps"] if step["effect"]]
    return sum(effects), len(effects)


def test_a_renamed_step_knows_what_it_wrote(orchestra: Orchestra, workspace: Path) -> None:
    run = ("run", "inbox-triage", "--demo", "--input", "limit=10", "--json")
    first = orchestra(*run)
    assert (first.code, kept(first)[0]) == (0, 0)
    total = kept(first)[1]
    world = orchestra("demo", "show", "--json").json
    assert orchestra("workflows", "move", "inbox-triage", "each_mail.issue=40,0").code == 0
    for old, new in (("task", "todo"), ("issue", "bug_report"), ("each_mail", "every_mail"), ("classify", "sort")):
        assert orchestra("workflows", "rename-step", "inbox-triage", old, new).code == 0
    written = json.loads((workspace / "workflows" / "inbox-triage.json").read_text())
    assert written["outputs"]["tasks"] == "{{ size(steps.every_mail.output.filter(m, has(m.todo))) }}"
    positions = json.loads((workspace / "workflows" / "inbox-triage.layout.json").read_text())["positions"]
    assert "every_mail.bug_report" in positions
    assert orchestra("validate", "inbox-triage").code == 0
    second = orchestra(*run)
    assert (second.code, kept(second)) == (0, (total, total))
    assert second.json["outputs"] == first.json["outputs"]
    for path in (workspace / ".orchestra").glob("state.db*"):
        path.unlink()
    assert orchestra("reindex").code == 0
    third = orchestra(*run)
    assert (third.code, kept(third)) == (0, (total, total))
    assert orchestra("demo", "show", "--json").json == world


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param(("pure", "frist", "x"), 3, "Did you mean 'first'?", id="unknown-step"),
        pytest.param(("pur", "first", "x"), 3, "Did you mean 'pure'?", id="unknown-workflow"),
        pytest.param(("pure", "first", "first"), 2, "is called 'first' already", id="the same"),
        pytest.param(("pure", "first", "each"), 4, "already a step 'each'", id="taken"),
        pytest.param(("pure", "first", "Big"), 2, "lower-case", id="no-id"),
    ],
)
def test_a_rename_that_cannot_be_says_why(
    orchestra: Orchestra, workspace: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    before = (workspace / "workflows" / "pure.json").read_text()
    result = orchestra("workflows", "rename-step", *arguments)
    assert result.code == code, result.err
    assert said in result.err
    assert (workspace / "workflows" / "pure.json").read_text() == before


def test_a_rename_is_told_as_json(orchestra: Orchestra) -> None:
    result = orchestra("workflows", "rename-step", "pure", "first", "begin", "--json")
    assert (result.code, result.json["document"]["steps"][0]["id"]) == (0, "begin")
