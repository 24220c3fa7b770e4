"""A workspace whose connections are the stand-ins in this process, as if they were a person's own accounts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import StandIns

_SERVICES = {"github": "github", "notion": "notion", "gmail": "gmail", "llm": "openai"}


@pytest.fixture
def own_accounts(tmp_path: Path, standins: StandIns, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Such a workspace, empty but for config.yaml."""
    folder = tmp_path / "workspace"
    for name in ("workflows", "prompts", "logs"):
        (folder / name).mkdir(parents=True)
    lines = ["connections:"]
    for name, service in _SERVICES.items():
        monkeypatch.setenv(f"TOKEN_{name.upper()}", standins[service].token)
        secret = "api_key" if service == "openai" else "token"
        lines += [f"  {name}:", f"    service: {service}", f"    {secret}: env:TOKEN_{name.upper()}"]
        lines += [f"    base_url: {standins[service].base_url}"]
        lines += ["    model: demo-extractive"] if service == "openai" else []
    lines.append("approvals: {default: never}")
    (folder / "config.yaml").write_text("\n".join(lines) + "\n")
    return folder
