"""`orchestra ask --model`: nothing is sent before it is agreed, words are shown, and the proposal can be accepted."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli import main
from tests.scripted_model.scripted import MODEL, Answer, scripted
from tests.workspaces import init

pytestmark = pytest.mark.slow

TITLE: dict[str, Any] = {"op": "set", "step": "issue", "field": "title", "value": "Report a bug"}
SCRIPT = [
    Answer("I name the step.", [("propose", {"ops": [TITLE], "why": "A better title."})]),
    Answer("It has a title."),
    Answer(calls=[("ask", {"question": "Which title?", "choices": ["Bug", "Fault"]})]),
]


def test_a_model_is_asked_after_agreement(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "workspace"
    init(root)
    with scripted(SCRIPT) as model:
        config = yaml.safe_load((root / "config.yaml").read_text())
        config["connections"]["llm"] = {"service": "openai", "base_url": model.base_url, "model": MODEL}
        (root / "config.yaml").write_text(yaml.safe_dump(config))
        asking = ["ask", "--workspace", str(root), "--workflow", "inbox-triage", "--model"]
        assert main([*asking, "Better title!"]) != 0
        refused = capsys.readouterr()
        assert "The text of the workflow that you edit" in refused.out + refused.err
        assert "--agree" in refused.err
        assert model.requests == []
        assert main([*asking, "--agree", "--accept", "Better title!"]) == 0
        said = capsys.readouterr()
        assert "I name the step." in said.out
        assert "It has a title." in said.out
        assert "Your draft of inbox-triage has it" in said.out + said.err
        assert re.search(r"Made with [\d,]{5,} tokens, an unknown price\.", said.out + said.err)
        assert main([*asking, "--json", "Another!"]) == 0
        [part] = json.loads(capsys.readouterr().out)["turn"]["parts"]
        assert (part["kind"], part["choices"]) == ("question", ["Bug", "Fault"])
        assert main(["ask", "--workspace", str(root), "--model", "Hello"]) != 0


def test_a_prompt_is_changed_after_agreement(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "workspace"
    init(root)
    kept = json.loads((root / "prompts" / "classify-mail.json").read_text())
    said = [{"role": "system", "content": "Sort the mail."}, kept["messages"][-1]]
    changes = [Answer("", [("propose", {"changes": {"messages": said}, "why": "Short."})]), Answer("It is short.")]
    with scripted(changes) as model:
        config = yaml.safe_load((root / "config.yaml").read_text())
        config["connections"]["llm"] = {"service": "openai", "base_url": model.base_url, "model": MODEL}
        (root / "config.yaml").write_text(yaml.safe_dump(config))
        asking = ["ask", "--workspace", str(root), "--prompt", "classify-mail", "Shorter!"]
        assert main(asking) != 0
        assert model.requests == []
        assert main([*asking, "--agree", "--accept"]) == 0
        shown = capsys.readouterr()
        assert "The cases have not been asked" in shown.out + shown.err
        assert "It is the draft of classify-mail now" in shown.out + shown.err
    assert "Sort the mail." in (root / "prompts" / "classify-mail.json").read_text()
