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
    assert main([*asking, "--save", "set issue.title to New"]) == 0
    said = capsys.readouterr()
    proposal = json.loads(said.out)["proposal"]["id"]
    assert f"--restore {proposal}" in said.err
    assert main([*asking, "--save", "rename label to tag"]) == 0
    later = (root / "workflows" / "inbox-triage.json").read_text()
    capsys.readouterr()
    assert main([*asking, "--restore", proposal]) == 1
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


def test_what_is_restored_can_be_saved_at_once_and_a_file_that_is_broken_or_gone_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "workspace"
    init(root)
    asking = ["ask", "--workspace", str(root), "--workflow", "inbox-triage"]
    path = root / "workflows" / "inbox-triage.json"
    assert main([*asking, "--save", "set issue.title to New"]) == 0
    restoring = [*asking, "--restore", capsys.readouterr().err.partition("--restore ")[2].split()[0]]
    assert main([*restoring, "--save"]) == 1
    assert "Add --yes to restore it." in capsys.readouterr().err
    assert '"title": "New"' in path.read_text()
    assert main([*restoring, "--save", "--yes"]) == 0
    assert '"title": "New"' not in path.read_text()
    assert main([*asking, "--accept", "set issue.title to Other"]) == 0
    assert main([*restoring, "--yes"]) == 0  # now there is a draft, which hides the file
    path.write_text('{"title": "A", "title": "B"}')
    capsys.readouterr()
    assert main([*restoring, "--yes"]) == 0
    assert "The file itself: workflows/inbox-triage.json:1:16: The key 'title' appears twice" in capsys.readouterr().err
    assert main([*restoring, "--yes", "--save"]) == 2
    path.unlink()
    capsys.readouterr()
    assert main([*restoring, "--yes"]) == 0
    assert "The file itself: There is no workflow named 'inbox-triage'." in capsys.readouterr().err
    assert main([*restoring, "--yes", "--save"]) == 3
