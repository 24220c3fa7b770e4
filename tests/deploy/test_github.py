"""What GitHub, Renovate and pre-commit read: it parses, takes nothing that may change, and calls what is there."""

from __future__ import annotations

import json
import os
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
by_name = pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)


def _read(file: Path) -> dict[str, Any]:
    found = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def _not_pinned(text: str) -> list[str]:
    """The actions that are not a whole commit with its version beside it."""
    used = re.findall(r"uses: *(.*)", text)
    return [one for one in used if not re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one)]


@by_name
def test_actions_are_pinned_and_may_only_read(file: Path) -> None:
    assert _not_pinned(file.read_text(encoding="utf-8")) == []
    workflow = _read(file)
    assert workflow["permissions"] == {"contents": "read"}
    assert all("permissions" not in job and job["timeout-minutes"] for job in workflow["jobs"].values())


@pytest.mark.parametrize("used", ["actions/checkout@v5", "actions/checkout@08c6903 # v5.0.0", f"a/b@{'0' * 40}"])
def test_this_test_would_see_an_action_that_may_change(used: str) -> None:
    assert _not_pinned(f"- uses: {used}\n") == [used]


@by_name
def test_what_a_job_runs_of_ours_is_there(file: Path) -> None:
    commands = [step["run"] for job in _read(file)["jobs"].values() for step in job["steps"] if "run" in step]
    assert ".ci/run" in commands
    assert all(os.access(ROOT / command, os.X_OK) for command in commands if command.startswith("."))


@pytest.mark.parametrize("file", FORMS, ids=lambda file: file.name)
def test_forms_of_issues_have_what_github_asks_for(file: Path) -> None:
    form = _read(file)
    assert form["name"]
    assert form["description"]
    asked = [one for one in form["body"] if one["type"] != "markdown"]
    assert {one["type"] for one in asked} <= {"textarea", "input"}
    assert len({one["id"] for one in asked}) == len(asked)
    assert all(one["attributes"]["label"] for one in asked)


def test_hooks_are_the_tools_of_the_tests_and_one_fixed_scanner() -> None:
    repos = _read(ROOT / ".pre-commit-config.yaml")["repos"]
    ours = [hook["entry"].split()[0] for one in repos if one["repo"] == "local" for hook in one["hooks"]]
    dev = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["dev"]
    assert {Path(one).name for one in ours} == {"ruff", "mypy"} <= set(dev)
    assert all(re.fullmatch(r"v\d+\.\d+\.\d+", one["rev"]) for one in repos if one["repo"] != "local")
    assert json.loads((ROOT / "renovate.json").read_text())["extends"]
