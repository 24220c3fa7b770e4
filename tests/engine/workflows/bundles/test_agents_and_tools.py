"""Agents and tools go with the workflow that uses them; what a bundle says of tests and acceptance counts nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clients.mcp.service import OfferedTool
from engine.base.errors import InvalidInput
from engine.orchestra import Orchestra
from engine.tools.accepted import AcceptedTool, AcceptedTools
from engine.workflows.bundles.bundles import as_text
from tests.engine.workflows.bundles.test_bundles import ADA, PROMPT, made
from tests.few import rare

ADDRESS = "https://secret.example.com/mcp?key=hunter2"
TOLD = {"name": "add", "description": "Adds a note", "inputSchema": {"type": "object", "properties": {}}}
MODEL = {"schema_version": 1, "instructions": "Help.", "connection": "llm", "tools": [], "limits": {"turns": 2}}
"""What an agent has; each turn is compiled, so there are few."""
CLERK = {
    **MODEL,
    "tools": [
        {"name": "check", "uses": "tool.iban-check", "give": ["iban"]},
        {"name": "note", "uses": "mcp.notes.add"},
        {"name": "sum", "uses": "llm.chat", "with": {"prompt": "sort", "variables": {}}},
    ],
}
BOSS = {**MODEL, "tools": [{"name": "clerk", "uses": "agent.run", "with": {"agent": "clerk@1"}, "give": ["task"]}]}
WORKFLOW = {
    "schema_version": 1,
    "id": "ask",
    "title": "Ask",
    "steps": [{"id": "ask", "uses": "agent.run", "with": {"agent": "boss", "task": "Help", "variables": {}}}],
}


def accept(orchestra: Orchestra) -> None:
    """Keep the record of a tool as accepted."""
    its_hash = OfferedTool(ADDRESS, TOLD).hash
    record = {"accepted_by": "ada", "accepted_at": "2026-01-01", "hash": its_hash, "server": ADDRESS, "tool": TOLD}
    AcceptedTools(orchestra.workspace.root).put("notes", "add", AcceptedTool.model_validate(record))


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Orchestra]:
    """A workspace whose agent runs another one, which has three kinds of tools, and a version in production."""
    orchestra = made(tmp_path / "here")
    orchestra.fragments.save(ADA, "tone", "Be short.", None)
    orchestra.prompts.save(ADA, "sort", json.dumps(PROMPT), None)
    orchestra.prompts.save_version(
        ADA, "sort", json.dumps(PROMPT), orchestra.prompts.get(ADA, "sort").etag, "production"
    )
    orchestra.tools.new(ADA, "iban-check", "iban-check")
    accept(orchestra)
    orchestra.agents.save(ADA, "clerk", json.dumps(CLERK, indent=2), None)
    folder = orchestra.workspace.agents.folder / "clerk.versions"
    folder.mkdir()
    (folder / "1.json").write_text(json.dumps(CLERK))
    orchestra.agents.save(ADA, "boss", json.dumps(BOSS, indent=2), None)
    orchestra.workflows.save(ADA, "ask", json.dumps(WORKFLOW, indent=2), None)
    yield orchestra
    orchestra.close()


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Orchestra]:
    orchestra = made(tmp_path / "there")
    yield orchestra
    orchestra.close()


def bundle(orchestra: Orchestra) -> Any:
    return json.loads(as_text(orchestra.bundles.export(ADA, "ask")))


def files(orchestra: Orchestra) -> dict[str, bytes]:
    root = orchestra.workspace.root
    found = [path for part in ("agents", "mcp", "prompts", "tools", "workflows") for path in root.glob(f"{part}/**/*")]
    return {str(path.relative_to(root)): path.read_bytes() for path in found if path.is_file()}


def test_agents_and_tools_arrive_byte_for_byte_but_untested_and_not_accepted(here: Orchestra, there: Orchestra) -> None:
    sent = bundle(here)
    assert "hunter2" not in json.dumps(sent)
    assert sent["mcp_tools"] == {"mcp.notes.add": {"effect": "writes", "roles": {}, "tool": TOLD}}
    done = there.bundles.imported(ADA, sent)
    left = {"tools/iban-check/tested.json", "mcp/notes.json"}
    assert files(there) == {path: one for path, one in files(here).items() if path not in left}
    assert sorted(done.created) == ["agent:boss", "agent:clerk", "sort", "tone", "tool.iban-check"]
    assert (done.untested_tools, done.unaccepted_tools) == (["tool.iban-check"], ["mcp.notes.add"])
    assert done.missing_connections == {"notes": ""}
    assert done.workflow.problems
    assert there.tools.show(ADA, "iban-check").state == "untested"
    again = there.bundles.imported(ADA, sent, "again")
    assert again.created == []


def test_labels_go_with_their_versions(here: Orchestra, there: Orchestra) -> None:
    here.agents.save(ADA, "solo", json.dumps(MODEL), None)
    here.agent_versions.save(ADA, "solo", "production")
    file = here.workflows.get(ADA, "ask")
    here.workflows.save(ADA, "ask", json.dumps(WORKFLOW).replace("boss", "solo"), file.etag)
    done = there.bundles.imported(ADA, bundle(here))
    assert [one for one in done.workflow.problems if one.severity == "error"] == []
    assert there.agents.get(ADA, "solo").labels == {"production": 1}
    assert there.bundles.imported(ADA, bundle(here), "again").created == []


def test_what_has_other_content_here_stays_and_agents_follow(here: Orchestra, there: Orchestra) -> None:
    there.tools.new(ADA, "iban-check")
    there.agents.save(ADA, "clerk", json.dumps(MODEL), None)
    before = files(there)
    done = there.bundles.imported(ADA, bundle(here))
    assert (done.agents, done.tools) == ({"boss": "boss", "clerk": "clerk-2"}, {"iban-check": "iban-check-2"})
    assert {path: one for path, one in files(there).items() if path in before} == before
    assert '"agent": "clerk-2@1"' in there.agents.get(ADA, "boss").text
    for version in ("", "1"):
        assert '"uses": "tool.iban-check-2"' in there.agents.get(ADA, "clerk-2", version).text
    assert there.bundles.imported(ADA, bundle(here), "again").created == []


@pytest.mark.parametrize(
    ("part", "change", "said"),
    [
        rare(
            "tools",
            {"x": {"files": {"tool.json": ["{}"], "tested.json": ["{}"]}}},
            "tested.json is not written by hand",
        ),
        ("tools", {"x": {"files": {"tool.json": ["{}"], "../../x": [""]}}}, "cannot be the name of a file"),
        rare("tools", {"x": {"files": {"main.py": [""]}}}, "has no tool.json"),
        ("tools", {"x": {"files": {"tool.json": ["{}"]}, "binary": {"a": "?"}}}, "not base64"),
        ("tools", {"../x": {"files": {"tool.json": ["{}"]}}}, "x"),
        rare("agents", {"x": {"text": ["{}"], "labels": {"production": 7}}}, "has no version"),
        ("agents", {"clerk": {"text": [json.dumps(BOSS).replace("clerk@1", "clerk")]}}, "in a circle: clerk -> clerk"),
        ("mcp_tools", {"mcp.notes.add": {"effect": "reads", "tool": TOLD, "accepted_by": "ada"}}, "accepted_by"),
    ],
)
def test_what_claims_too_much_is_refused_and_nothing_is_written(
    here: Orchestra, there: Orchestra, part: str, change: Any, said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        there.bundles.imported(ADA, {**bundle(here), part: change})
    assert files(there) == {}
