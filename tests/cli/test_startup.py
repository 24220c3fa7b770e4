"""What a command imports: a short run brings in neither faces nor SDKs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = [
    "rich", "streamlit", "pandas", "numpy", "fastapi", "starlette", "uvicorn", "openai", "github", "notion_client",
    "googleapiclient", "google_auth_oauthlib", "genai_prices", "markdownify", "bs4", "argon2", "jwt",
]  # fmt: skip
_SCRIPT = "import json, sys, cli; code = cli.main(sys.argv[1:]); json.dump([code, list(sys.modules)], sys.stderr)"


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["run", "pure", "--json"], id="a run of three steps"),
        pytest.param(["runs", "list", "--json"], id="the list of runs"),
        pytest.param(["validate", "--json"], id="validate"),
    ],
)
def test_a_command_imports_only_what_it_needs(workspace: Path, arguments: list[str]) -> None:
    process = subprocess.run(
        [sys.executable, "-c", _SCRIPT, *arguments], cwd=workspace, capture_output=True, text=True, check=False
    )
    code, modules = json.loads(process.stderr)
    assert code == 0, process.stdout
    assert [name for name in HEAVY if name in modules] == []
