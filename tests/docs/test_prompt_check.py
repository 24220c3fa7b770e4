"""The check of prompts for GitHub Actions that the page shows: it passes with recorded answers, and asks nobody."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import StandIns
from tests.docs.pages import ROOT, blocks
from tests.workspaces import init

pytestmark = pytest.mark.service
CASES = "prompts/classify-mail.cases"


def orchestra(words: list[str], root: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a workspace, without the keys of whoever runs the tests."""
    known = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    command = [sys.executable, "-m", "cli", *words, "--workspace", str(root)]
    return subprocess.run(command, cwd=ROOT, env={**known, **environment}, capture_output=True, text=True, check=False)


def test_the_check_passes_without_keys_and_fails_where_a_prompt_gets_worse(tmp_path: Path, standins: StandIns) -> None:
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

    recorded = orchestra(["prompts", "test", "--yes"], root, CHECK_KEY=model.token)
    assert recorded.returncode == 0, recorded.stdout + recorded.stderr
    model_calls = standins.requests("openai")
    passed = orchestra(check[1:], root)
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert "3 of 3 cases passed" in passed.stdout

    prompt = root / "prompts" / "classify-mail.json"
    document = json.loads(prompt.read_text())
    document["messages"][-1]["content"] = "Say nothing about {{ subject }}: {{ text }}"
    prompt.write_text(json.dumps(document))
    worse = orchestra(check[1:], root)
    assert worse.returncode == 1, worse.stdout + worse.stderr
    assert "No answer to this case is recorded" in worse.stdout
    assert standins.requests("openai") == model_calls
