"""`orchestra ask` without a model: `--step` says which step `this` means, and explanations have a diagram."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli import main
from tests.workspaces import init


def test_a_step_is_meant_and_explained_with_a_drawing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "workspace"
    init(root)
    asking = ["ask", "--workspace", str(root), "--demo", "--workflow", "inbox-triage"]
    assert main([*asking, "explain this workflow"]) == 0
    drawn = "mails -> [each_mail: classify -> task, issue, unsure -> label]"
    assert drawn in capsys.readouterr().out.splitlines()
    assert main([*asking, "--step", "issue", "what does this do?"]) == 0
    assert "each_mail, classify -> issue" in capsys.readouterr().out.splitlines()
    assert main([*asking, "--step", "issue", "--step", "label", "--json", "retry them 5 times"]) == 0
    ops = json.loads(capsys.readouterr().out)["proposal"]["ops"]
    assert [one["step"] for one in ops] == ["issue", "label"]
    assert main([*asking, "--step", "nope", "what does this do?"]) == 2
    assert "There is no step 'nope'. There are: classify, each_mail" in capsys.readouterr().err
