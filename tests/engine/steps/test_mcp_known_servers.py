"""Servers that others have made, as tools: `make mcp-servers` installs them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.sandbox.walls import walls
from tests.engine.conftest import write_workflow
from tests.patience import PATIENCE_SECONDS

OWNER = Principal("tester", "owner", confirmed=True)
INSTALLED = Path(__file__).resolve().parents[3] / ".venv-mcp"
PACKAGES = INSTALLED / "node_modules" / "@modelcontextprotocol"
pytestmark = [pytest.mark.slow, pytest.mark.skipif(walls() is None, reason="bubblewrap does not work here")]


@pytest.fixture
def orchestra(tmp_path: Path) -> Iterator[Orchestra]:
    """A workspace with the three servers, a folder of notes and a repository."""
    if not (INSTALLED / "ready").exists():
        (pytest.fail if os.environ.get("REQUIRE_MCP") else pytest.skip)("`make mcp-servers` installs the servers.")
    root, notes, repository = (tmp_path / one for one in ("space", "notes", "repository"))
    (root / "workflows").mkdir(parents=True)
    notes.mkdir()
    (notes / "a.txt").write_text("Bring the ladder.", "utf-8")
    (tmp_path / "other.txt").write_text("Not for you.", "utf-8")
    subprocess.run(["git", "init", "-q", repository], check=True)
    (repository / "new.txt").write_text("new", "utf-8")

    def server(command: str, *args: Any, folders: list[Path]) -> dict[str, Any]:
        places = [str(INSTALLED), *map(str, folders)]
        return {"service": "mcp", "command": command, "args": [str(one) for one in args], "folders": places}

    connections = {
        "everything": server("node", PACKAGES / "server-everything" / "dist" / "index.js", folders=[]),
        "files": server("node", PACKAGES / "server-filesystem" / "dist" / "index.js", notes, folders=[notes]),
        "git": server(
            str(INSTALLED / "bin" / "python"), "-m", "mcp_server_git", "-r", repository, folders=[repository]
        ),
    }
    (root / "config.yaml").write_text(json.dumps({"connections": connections}), "utf-8")
    opened = Orchestra.open(root)
    yield opened
    opened.close()


def ran(orchestra: Orchestra, server: str, calls: dict[str, dict[str, Any]]) -> Any:
    """The run of a workflow that calls these tools of a server, once they are accepted; all that it offers can be."""
    assert [one for one in orchestra.tool_servers.tools(OWNER, server) if one.problem] == []
    for tool in calls:
        orchestra.tool_servers.accept(OWNER, server, tool, "reads", {})
    steps = [
        {"id": f"step_{number}", "uses": f"mcp.{server}.{tool}", "with": given}
        for number, (tool, given) in enumerate(calls.items())
    ]
    write_workflow(orchestra.workspace.root, "ask", steps)
    return orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "ask", {}), PATIENCE_SECONDS)


def test_all_kinds_of_answers_of_the_reference_server(orchestra: Orchestra) -> None:
    calls: dict[str, dict[str, Any]] = {
        "echo": {"message": "Grüße"},
        "get-sum": {"a": 2, "b": 40},
        "get-structured-content": {"location": "Chicago"},
        "get-tiny-image": {},
        "get-resource-reference": {"resourceType": "Text", "resourceId": 1},
        "get-resource-links": {"count": 2},
    }
    run = ran(orchestra, "everything", calls)
    assert run["status"] == "succeeded", run["error"]
    said, total, weather, picture, embedded, links = [one["output"] for one in run["steps"]]
    assert "Grüße" in said["text"]
    assert "42" in total["text"]
    assert set(weather["data"]) == {"temperature", "conditions", "humidity"}
    assert [one.startswith("A picture (image/png, ") for one in picture["left_out"]] == [True]
    assert "This is a plaintext resource" in embedded["text"]
    assert [one.partition(" that")[0] for one in links["left_out"]] == ["A link to a file"] * 2


def test_a_file_is_read_and_a_path_elsewhere_is_refused_in_the_words_of_the_server(orchestra: Orchestra) -> None:
    notes = orchestra.workspace.root.parent / "notes"
    run = ran(orchestra, "files", {"read_text_file": {"path": str(notes / "a.txt")}})
    assert run["status"] == "succeeded", run["error"]
    assert run["steps"][0]["output"]["text"] == "Bring the ladder."
    run = ran(orchestra, "files", {"read_text_file": {"path": str(notes.parent / "other.txt")}})
    assert run["status"] == "failed"
    assert "outside allowed directories" in run["error"]["message"]


def test_the_state_of_a_repository_is_read(orchestra: Orchestra) -> None:
    repository = str(orchestra.workspace.root.parent / "repository")
    run = ran(orchestra, "git", {"git_status": {"repo_path": repository}})
    assert run["status"] == "succeeded", run["error"]
    assert "new.txt" in run["steps"][0]["output"]["text"]
    run = ran(orchestra, "git", {"git_status": {"repo_path": "/usr"}})
    assert run["status"] == "failed"
    assert "outside" in run["error"]["message"]
