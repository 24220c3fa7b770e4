"""`orchestra ask --restore`: the text from before a proposal, shown first, and back in the draft when agreed to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli import main
from tests.workspaces import init

pytestmark = pytest.mark.slow


def test_what_was_before_a_proposal_is_shown_and_then_restored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "workspace"
    init(root)
    asking = ["ask", "--workspace", str(root), "--workflow", "inbox-triage", "--json"]
    before = (root / "workflows" / "inbox-triage.json").read_text()
    assert main([*asking, "--save", "set title of issue to New"]) == 0
    said = capsys.readouterr()
    proposal = json.loads(said.out)["proposal"]["id"]
    assert f"--restore {proposal}" in said.err
    assert main([*asking, "--save", "rename label to tag"]) == 0
    later = (root / "workflows" / "inbox-triage.json").read_text()
    capsys.readouterr()
    assert main([*asking, "--restore", proposal]) == 0
    looked = json.loads(capsys.readouterr().out)
    assert not looked["is_restored"]
    assert "New" in looked["diff"]
    assert main([*asking, "--restore", proposal, "--yes"]) == 0
    assert json.loads(capsys.readouterr().out)["is_restored"]
    assert (root / "workflows" / "inbox-triage.json").read_text() == later
    assert main([*asking, "--restore", proposal, "--yes"]) == 0
    assert json.loads(capsys.readouterr().out)["diff"] == ""
    assert before != later
    assert main([*asking, "--restore", "p-none"]) != 0
    assert main(asking) != 0
