"""`orchestra ask` without a model: commands, explanations with a diagram, and what is no command."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cli import main
from tests.workspaces import init


def test_a_step_is_meant_and_explained_with_a_drawing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "workspace"
    init(root)
    asking = ["ask", "--workspace", str(root), "--demo", "--workflow", "inbox-triage"]
    assert main([*asking, "explain"]) == 0
    drawn = "mails -> [each_mail: classify -> task, issue, unsure -> label]"
    assert drawn in capsys.readouterr().out.splitlines()
    assert main([*asking, "--step", "issue", "explain"]) == 0
    assert "each_mail, classify -> issue" in capsys.readouterr().out.splitlines()
    assert main([*asking, "--json", "retry issue 5 times"]) == 0
    ops = json.loads(capsys.readouterr().out)["proposal"]["ops"]
    assert [one["step"] for one in ops] == ["issue"]
    assert main([*asking, "--step", "nope", "explain"]) == 2
    assert "There is no step 'nope'. There are: classify, each_mail" in capsys.readouterr().err


def test_what_is_no_command_says_what_would_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "workspace"
    init(root)
    asking = ["ask", "--workspace", str(root), "--demo", "--workflow"]
    assert main([*asking, "nofile", "how do I undo a run"]) == 3
    said = capsys.readouterr()
    assert "There is no workflow named 'nofile'." in said.err
    assert said.out == ""
    assert main([*asking, "inbox-triage", "please remove the issue"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("This is not a command, so nothing is changed.")
    assert "  remove STEP\n" in said.out
    assert main([*asking, "inbox-triage", "set issue.repository to acme/other", "--accept"]) == 2
    said = capsys.readouterr()
    assert re.search(r"1 part of the proposal needs a tick of its own: .*\. Agree with `--tick ID`\.", said.err)
    assert main(["ask", "--workspace", str(root), "--prompt", "classify-mail", "shorter"]) == 2
    assert "--model" not in capsys.readouterr().err


def test_a_failed_run_is_resumed_by_the_command_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "workspace"
    init(root)
    step = {"id": "no", "uses": "flow.fail", "with": {"message": "Not today."}}
    document = {"schema_version": 1, "title": "Fails", "steps": [step]}
    (root / "workflows" / "fails.json").write_text(json.dumps(document))
    at = ["--workspace", str(root), "--demo"]
    assert main(["run", "fails", *at]) == 1
    assert main(["ask", *at, "--workflow", "fails", "why did it fail"]) == 0
    [run_id] = re.findall(r"orchestra runs resume (\S+)`, with `--newest`", capsys.readouterr().out)
    assert main(["runs", "resume", run_id, *at]) == 1


def test_connections_that_are_missing_are_named_once_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "workspace"
    init(root)
    (root / "config.yaml").write_text("connections: {}\n")
    asking = ["ask", "--workspace", str(root), "--workflow", "inbox-triage", "retry issue 5 times", "--accept"]
    assert main(asking) == 2
    said = capsys.readouterr().err
    assert "Add one: `orchestra connections add gmail`. Add one (anthropic, gemini, local_model, openai): " in said
    assert "`orchestra connections add anthropic`. Add one: " in said
    assert said.count("Add one: `orchestra connections add github`. Then ask again.") == 1


def test_steps_that_stay_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "workspace"
    init(root)
    step = {"uses": "github.create_issue", "with": {"repository": "acme/app", "title": "A"}}
    ends = {}
    for count in (1, 2, 3):
        text = {"schema_version": 1, "title": "T", "steps": [{"id": f"s{one}", **step} for one in range(count)]}
        (root / "workflows" / f"w{count}.json").write_text(json.dumps(text))
        assert main(["ask", "--workspace", str(root), "--demo", "--workflow", f"w{count}", "retry s0 5 times"]) == 0
        ends[count] = re.findall(r"\d+ other step.*", capsys.readouterr().err)
    assert ends == {1: [], 2: ["1 other step stays as it is."], 3: ["2 other steps stay as they are."]}
