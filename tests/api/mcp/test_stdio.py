"""Workflows as tools on standard input and output: the official client starts `orchestra mcp`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import StdioServerParameters
from mcp.client.client import Client

from tests.api.mcp.conftest import write_tools
from tests.patience import PATIENCE_SECONDS
from tests.workspaces import init

CHECKOUT = Path(__file__).resolve().parents[3]
COMMAND = [str(CHECKOUT / "cli.py"), "mcp", "--demo", "--workspace"]
HELLO = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "1"},
}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    init(tmp_path / "workspace")
    write_tools(tmp_path / "workspace")
    return tmp_path / "workspace"


def test_a_program_starts_the_server_and_calls_a_tool(workspace: Path) -> None:
    async def talk() -> None:
        async with Client(StdioServerParameters(command=sys.executable, args=[*COMMAND, str(workspace)])) as client:
            assert "greet" in {tool.name for tool in (await client.list_tools()).tools}
            result = await client.call_tool("greet", {"who": "Ada"})
            assert result.structured_content == {"text": "Hello Ada", "times": 1}
            assert (await client.call_tool("greet", {"who": 3})).is_error
            asking = await client.call_tool("asking", {})
            assert asking.structured_content["waiting_for"][0]["title"] == "Send the invoice?"

    anyio.run(talk)


def test_standard_output_has_messages_only(workspace: Path) -> None:
    (workspace / "workflows" / "unreadable.json").write_text("{")
    calls: list[dict[str, Any]] = [
        {"id": 1, "method": "initialize", "params": HELLO},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/list"},
        {"id": 3, "method": "tools/call", "params": {"name": "failing", "arguments": {}}},
    ]
    process = subprocess.Popen(
        [sys.executable, *COMMAND, str(workspace)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    answers = []
    wrong = ("{", '{"jsonrpc": "2.0", "id": 7}', "\ud83d", "[" * 100_000)
    for line in wrong:
        process.stdin.write(line.encode("utf-8", "surrogatepass").decode("latin-1") + "\n")
        process.stdin.flush()
    codes = [json.loads(process.stdout.readline())["error"]["code"] for _ in wrong]
    assert codes == [-32700, -32600, -32700, -32700]
    for call in calls:
        process.stdin.write(json.dumps({"jsonrpc": "2.0", **call}) + "\n")
        process.stdin.flush()
        if "id" in call:
            answers.append(json.loads(process.stdout.readline()))
    rest, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert [one["id"] for one in answers] == [1, 2, 3]
    assert answers[2]["result"]["isError"]
    assert rest == ""
    assert process.returncode == 0
