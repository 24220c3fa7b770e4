"""The check of prompts for GitHub Actions that the page shows: it passes with recorded answers, and asks nobody."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import pytest
import yaml

from cli import main
from tests.conftest import StandIns
from tests.docs.pages import blocks
from tests.workspaces import init

pytestmark = pytest.mark.service
CASES = "prompts/classify-mail.cases"


def orchestra(words: list[str], root: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Run a command in a workspace; return its exit code, and what it said."""
    capsys.readouterr()
    code = main([*words, "--workspace", str(root)])
    return code, capsys.readouterr().out


def test_the_check_passes_without_keys_and_fails_where_a_prompt_gets_worse(
    tmp_path: Path, standins: StandIns, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs = yaml.safe_load(blocks("docs/prompts.md", "yaml")[0])["jobs"]
    check = shlex.split(jobs["prompts"]["steps"][-1]["run"])
    assert check[0] == ".venv/bin/orchestra"
    root, model = tmp_path / "workspace", standins["openai"]
    init(root)
    llm = {"service": "openai", "base_url": model.base_url, "api_key": "env:CHECK_KEY", "model": "demo-extractive"}
    (root / "config.yaml").write_text(yaml.safe_dump({"connections": {"llm": llm}}))
    for case in [*(root / CASES).glob("*.json")][3:]:
        case.unlink()
    for case in (root / "prompts").glob("*.cases/*.json"):
        if case.parent != root / CASES:
            case.unlink()

    monkeypatch.setenv("CHECK_KEY", model.token)
    code, said = orchestra(["prompts", "test", "--yes"], root, capsys)
    assert code == 0, said
    monkeypatch.delenv("CHECK_KEY")
    for name in list(os.environ):
        if name.endswith(("_KEY", "_TOKEN")):  # those of whoever runs the tests
            monkeypatch.delenv(name)
    model_calls = standins.requests("openai")
    code, said = orchestra(check[1:], root, capsys)
    assert code == 0, said
    assert "3 of 3 cases passed" in said

    prompt = root / "prompts" / "classify-mail.json"
    document = json.loads(prompt.read_text())
    document["messages"][-1]["content"] = "Say nothing about {{ subject }}: {{ text }}"
    prompt.write_text(json.dumps(document))
    code, said = orchestra(check[1:], root, capsys)
    assert code == 1, said
    assert "No answer to this case is recorded" in said
    assert standins.requests("openai") == model_calls
