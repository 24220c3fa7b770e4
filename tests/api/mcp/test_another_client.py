"""Workflows as tools for another implementation of the protocol, over HTTP and on standard input and output.

It is a package of Node.js: `npm install --prefix DIR @modelcontextprotocol/sdk`, then MCP_SDK=DIR pytest (this file).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.orchestra import Orchestra
from tests.api.conftest import LOCAL
from tests.api.mcp.conftest import write_tools
from tests.api.mcp.test_http import url
from tests.api.mcp.test_stdio import COMMAND, workspace
from tests.patience import PATIENCE_SECONDS

__all__ = ["url", "workspace"]
PACKAGE = Path(os.environ.get("MCP_SDK") or "nowhere", "node_modules", "@modelcontextprotocol", "sdk")
SCRIPT = Path(__file__).with_name("client.mjs")
pytestmark = pytest.mark.skipif(
    not (PACKAGE.is_dir() and shutil.which("node")), reason="MCP_SDK names no folder with @modelcontextprotocol/sdk"
)
SAID = {
    "tools": ["asking", "failing", "greet", "run_status", "slow"],
    "greeting": {"text": "Hello Ada", "times": 1},
    "wrong": True,
    "waiting": "Send the invoice?",
}


def said(*where: str) -> Any:
    """What the client says that it got."""
    command = ["node", str(SCRIPT), str(PACKAGE), *where]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_over_http_with_an_api_token(url: str, orchestra: Orchestra) -> None:
    token = orchestra.users.api_tokens.create(LOCAL, "owner", "another client", mcp_only=True).token
    assert said("http", url, token) == SAID


def test_on_standard_input_and_output(workspace: Path) -> None:
    write_tools(workspace)
    assert said("stdio", sys.executable, *COMMAND, str(workspace)) == SAID
