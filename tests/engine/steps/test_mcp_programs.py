"""Tools of MCP servers that are programs, as steps: accepted for one command, which only owners set."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import InvalidFile, InvalidInput, NotAllowed, UnknownName
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.sandbox.walls import walls
from tests.engine.conftest import write_workflow
from tests.patience import PATIENCE_SECONDS

OWNER = Principal("tester", "owner", confirmed=True)
SERVER = Path(__file__).parents[2] / "clients" / "mcp" / "served.py"
pytestmark = pytest.mark.skipif(walls() is None, reason="bubblewrap does not work here")


def configure(root: Path, **settings: Any) -> None:
    given = {"service": "mcp", "command": sys.executable, "args": ["-I", "-S", str(SERVER), "well"], **settings}
    given.setdefault("folders", [str(SERVER.parent)])
    text = {"connections": {"local": given}, "approvals": {f"mcp.local.{one}": "never" for one in ("say", "die")}}
    (root / "config.yaml").write_text(json.dumps(text), encoding="utf-8")


@pytest.fixture
def orchestra(tmp_path: Path) -> Iterator[Orchestra]:
    (tmp_path / "workflows").mkdir()
    configure(tmp_path)
    opened = Orchestra.open(tmp_path)
    yield opened
    opened.close()


def ran(orchestra: Orchestra, tool: str, run_id: str = "") -> Any:
    write_workflow(orchestra.workspace.root, "talk", [{"id": "it", "uses": f"mcp.local.{tool}", "with": {}}])
    return orchestra.runs.wait(OWNER, run_id or orchestra.runs.start(OWNER, "talk", {}), PATIENCE_SECONDS)


def test_a_write_of_a_server_that_dies_has_an_unknown_outcome(orchestra: Orchestra) -> None:
    orchestra.tool_servers.accept(OWNER, "local", "die", "writes", {})
    run = ran(orchestra, "die")
    assert (run["status"], run["counts"]["unknown_effects"]) == ("failed", 1)
    assert "ended before it answered" in run["error"]["message"]


def test_a_plan_calls_what_reads_and_a_run_calls_it_again(orchestra: Orchestra) -> None:
    orchestra.tool_servers.accept(OWNER, "local", "environment", "reads", {})
    write_workflow(orchestra.workspace.root, "talk", [{"id": "it", "uses": "mcp.local.environment", "with": {}}])
    for run_id in (orchestra.plans.make(OWNER, "talk", {}), orchestra.runs.start(OWNER, "talk", {})):
        run = orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
        assert run["status"] == "succeeded", run["error"]
        assert "PATH" in run["steps"][0]["output"]["text"]


def test_acceptance_is_for_one_command_line(orchestra: Orchestra) -> None:
    orchestra.tool_servers.accept(OWNER, "local", "environment", "reads", {})
    configure(orchestra.workspace.root, env={"MORE": "x"})
    run = ran(orchestra, "environment")
    assert "has changed since a person accepted it. It was not called." in run["error"]["message"]


def test_only_an_owner_sets_a_command_and_no_program_does(orchestra: Orchestra) -> None:
    config = orchestra.workspace.root / "config.yaml"
    before = config.read_text()
    program = Principal("owner", "owner", by_token=True)
    for who in (Principal("ed", "editor"), program):
        for settings in ({"command": "sh"}, {"args": ["-c", "x"]}, {"folders": ["/home"]}, {"network": ["a.example"]}):
            with pytest.raises(NotAllowed):
                orchestra.connections.add(who, "local", "mcp", settings)
    with pytest.raises(UnknownName):
        orchestra.connections.give_key(OWNER, "local", "", {"base_url": "", "command": "sh"})
    assert config.read_text() == before
    assert orchestra.connections.add(OWNER, "local", "mcp", {"command": "sh"}).name == "local"
    assert orchestra.audit(OWNER)[0].detail == '{"service": "mcp", "command": "sh"}'


@pytest.mark.parametrize(
    "wrong", [{"base_url": "https://tools.example.org/mcp"}, {"network": ["http://a.example/"]}, {"env": {"A=B": "x"}}]
)
def test_settings_that_contradict_each_other_are_told(orchestra: Orchestra, wrong: dict[str, Any]) -> None:
    configure(orchestra.workspace.root, **wrong)
    with pytest.raises((InvalidFile, InvalidInput)):
        orchestra.tool_servers.tools(OWNER, "local")


def test_a_workflow_of_somebody_else_brings_no_command(orchestra: Orchestra) -> None:
    orchestra.tool_servers.accept(OWNER, "local", "environment", "reads", {})
    steps = [{"id": "it", "uses": "mcp.local.environment", "connection": "local", "with": {}}]
    write_workflow(orchestra.workspace.root, "talk", steps)
    bundle = json.dumps(orchestra.bundles.export(OWNER, "talk"), default=vars)
    assert "environment" in bundle
    assert str(SERVER) not in bundle
    assert '"command"' not in bundle
