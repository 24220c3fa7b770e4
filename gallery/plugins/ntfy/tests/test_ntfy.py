"""The package in the product: an account at the stand-in, a step that writes once, a trigger that starts a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from orchestra_ntfy.stand_in import TOKEN, serving

PUSH = {
    "schema_version": 1,
    "steps": [{"id": "tell", "uses": "ntfy.publish", "with": {"topic": "alerts", "message": "It works."}}],
}
HEARD = {
    "schema_version": 1,
    "triggers": [{"id": "message", "uses": "ntfy.new_message", "with": {"topic": "alerts"}}],
    "steps": [{"id": "note", "uses": "flow.set", "with": {"values": {"heard": True}}}],
}


@pytest.fixture
def ntfy() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The address of the stand-in, and the messages that it keeps."""
    with serving() as server:
        yield server


@pytest.fixture
def orchestra(tmp_path: Path, ntfy: tuple[str, list[dict[str, Any]]]) -> Callable[..., Any]:
    """Runs a command in a workspace with one connection; returns what it prints as JSON."""
    workspace = tmp_path / "workspace"

    def run(*arguments: str, code: int = 0) -> Any:
        command = [sys.executable, "-m", "cli", *arguments]
        environment = {**os.environ, "NTFY_TOKEN": TOKEN}
        told = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert told.returncode == code, (told.stdout, told.stderr)
        return json.loads(told.stdout) if "--json" in arguments else told.stdout

    run("init", str(workspace))
    connection = {"service": "ntfy", "token": "env:NTFY_TOKEN", "base_url": ntfy[0]}
    (workspace / "config.yaml").write_text(json.dumps({"connections": {"ntfy": connection}}))
    for name, workflow in (("push", PUSH), ("heard", HEARD)):
        (workspace / "workflows" / f"{name}.json").write_text(json.dumps(workflow))
    return lambda *arguments, code=0: run(*arguments, "--json", "--workspace", str(workspace), code=code)


def test_the_package_is_in_force(orchestra: Callable[..., Any]) -> None:
    [package] = [one for one in orchestra("plugins", "list")["plugins"] if one["name"] == "orchestra-ntfy"]
    assert (package["state"], package["reason"]) == ("in force", "")
    assert [one["kind"] for one in package["adds"]] == ["service", "step", "trigger"]


def test_the_account_says_whose_it_is(orchestra: Callable[..., Any]) -> None:
    assert "Signed in as ada." in json.dumps(orchestra("connections", "check"))


def test_a_message_is_sent_once(orchestra: Callable[..., Any], ntfy: tuple[str, list[dict[str, Any]]]) -> None:
    run = orchestra("run", "push", "--yes")
    assert run["status"] == "succeeded"
    orchestra("runs", "rerun", run["run_id"], "--yes")
    assert [one["message"] for one in ntfy[1]] == ["It works."]


def test_a_new_message_starts_a_run(orchestra: Callable[..., Any], ntfy: tuple[str, list[dict[str, Any]]]) -> None:
    orchestra("triggers", "on", "heard", "--from", "now", "--yes")
    new = {"id": "x1", "time": int(time.time()) + 1, "event": "message", "topic": "alerts", "message": "Smoke!"}
    ntfy[1].append(new)
    orchestra("triggers", "poll", "heard")
    assert [one["status"] for one in orchestra("runs", "list", "--workflow", "heard")["runs"]] == ["succeeded"]
