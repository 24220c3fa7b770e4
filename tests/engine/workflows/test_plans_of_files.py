"""A plan is kept as long as the file and all that it refers to stay, and not a moment longer."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from engine.base.definitions import PromptDefinition
from engine.base.errors import InvalidFile, UnknownName
from engine.compiler.compiler import CompilerContext
from engine.files.fingerprint import stamp
from engine.workflows.compiled_files import CompiledFiles
from engine.workspace.workspace import Workspace
from tests.patience import PATIENCE_SECONDS


def settle(path: Path) -> None:
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while stamp(path) is None and time.monotonic() < ends_at:
        time.sleep(0.02)


def write(root: Path, value: str, uses: str = "flow.set") -> Path:
    (root / "workflows").mkdir(exist_ok=True)
    path = root / "workflows" / "one.json"
    step = {"id": "a", "uses": uses, "with": {"values": {"n": value}}}
    path.write_text(json.dumps({"schema_version": 1, "title": "One", "steps": [step]}))
    return path


def no_prompt(name: str) -> PromptDefinition:
    raise UnknownName("prompt", name)


@pytest.fixture
def connections() -> dict[str, str]:
    return {}


@pytest.fixture
def plans(tmp_path: Path, connections: dict[str, str]) -> CompiledFiles:
    file_store = Workspace(tmp_path).workflows
    return CompiledFiles(file_store, lambda: CompilerContext(dict(connections), no_prompt))


def test_an_unchanged_workflow_is_compiled_once(tmp_path: Path, plans: CompiledFiles) -> None:
    settle(write(tmp_path, "1"))
    assert plans.plan("one") is plans.plan("one")


def test_a_change_shows_at_once(tmp_path: Path, plans: CompiledFiles) -> None:
    settle(write(tmp_path, "1"))
    plans.plan("one")
    write(tmp_path, "2")
    assert plans.plan("one").document["steps"][0]["with"]["values"] == {"n": "2"}


def test_a_mistake_shows_at_once(tmp_path: Path, plans: CompiledFiles) -> None:
    settle(write(tmp_path, "1"))
    plans.plan("one")
    write(tmp_path, "1", uses="flow.sett")
    with pytest.raises(InvalidFile):
        plans.plan("one")


def test_another_connection_makes_another_plan(
    tmp_path: Path, plans: CompiledFiles, connections: dict[str, str]
) -> None:
    settle(write(tmp_path, "1"))
    first = plans.plan("one")
    connections["github"] = "github"
    assert plans.plan("one") is not first


def test_true_in_place_of_1_in_a_called_workflow_shows_at_once(tmp_path: Path) -> None:
    called = write(tmp_path, "1").with_name("called.json")
    step = {"id": "a", "uses": "workflow.run", "with": {"workflow": "called"}}
    outer = {"schema_version": 1, "title": "Outer", "steps": [step]}
    called.with_name("outer.json").write_text(json.dumps(outer))
    called.write_text(called.with_name("one.json").read_text().replace('"1"', "1"))
    file_store = Workspace(tmp_path).workflows
    plans = CompiledFiles(file_store, lambda: CompilerContext({}, no_prompt, file_store.document))
    settle(called.with_name("outer.json"))
    first = plans.plan("outer")
    assert plans.plan("outer") is first
    called.write_text(called.read_text().replace('"n": 1', '"n": true'))
    assert plans.plan("outer").workflows["called"]["steps"][0]["with"]["values"]["n"] is True


def test_a_deleted_workflow_is_unknown(tmp_path: Path, plans: CompiledFiles) -> None:
    path = write(tmp_path, "1")
    settle(path)
    plans.plan("one")
    path.unlink()
    with pytest.raises(UnknownName):
        plans.plan("one")
