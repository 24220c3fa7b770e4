"""The first run on real accounts: a person is shown what it would touch, and asked; a script is refused."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.conftest import Orchestra, Start
from tests.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.slow
TRIAGE = ("run", "inbox-triage", "--input", "limit=5")


@dataclass(frozen=True)
class Typed:
    """How a command at a terminal ended."""

    code: int
    text: str


@pytest.fixture
def real_accounts(start: Start, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the stand-ins be the owner's own accounts: the settings name their addresses and tokens."""
    stand_ins = start("demo", "start", "--json")
    line = json.loads(stand_ins.line())
    connections = {
        "gmail": {"service": "gmail", "token": "env:GMAIL_TOKEN", "base_url": line["gmail"]["base_url"]},
        "github": {"service": "github", "token": "env:GITHUB_TOKEN", "base_url": line["github"]["base_url"]},
        "notion": {"service": "notion", "token": "env:NOTION_TOKEN", "base_url": line["notion"]["base_url"]},
        "llm": {
            "service": "openai",
            "api_key": "env:OPENAI_API_KEY",
            "base_url": line["openai"]["base_url"],
            "model": line["openai"]["model"],
        },
    }
    (workspace / "config.yaml").write_text(json.dumps({"connections": connections}))
    for service in ("gmail", "github", "notion"):
        monkeypatch.setenv(f"{service.upper()}_TOKEN", line[service]["token"])
    monkeypatch.setenv("OPENAI_API_KEY", line["openai"]["token"])
    yield
    stand_ins.end(signal.SIGTERM)


def _type(answer: str, *arguments: str) -> Typed:
    """Run a command at a terminal of its own and type an answer."""
    ours, theirs = pty.openpty()
    try:
        os.write(ours, answer.encode())
        process = subprocess.run(
            [sys.executable, "-m", "cli", *arguments],
            stdin=theirs,
            capture_output=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    return Typed(process.returncode, (process.stdout + process.stderr).decode())


@pytest.mark.usefixtures("real_accounts")
def test_a_person_is_shown_count_and_subjects_and_asked_once(orchestra: Orchestra) -> None:
    refused = _type("n\n", *TRIAGE)
    assert refused.code == 1, refused
    assert "It would process 5:" in refused.text
    assert "App crashes when I upload a file over 10 MB" in refused.text
    assert "Nothing was started." in refused.text
    assert orchestra("runs", "list", "--json").json["runs"] == []

    agreed = _type("y\n", *TRIAGE)
    assert agreed.code == 0, agreed
    assert "Start it?" in agreed.text
    assert orchestra("runs", "list", "--json").json["runs"][0]["demo"] is False

    again = orchestra(*TRIAGE)
    assert again.code == 0, again
    assert "5 already done." in again.out + again.err


@pytest.mark.usefixtures("real_accounts")
def test_a_script_is_refused_until_it_agrees_and_demo_is_refused_for_its_run(orchestra: Orchestra) -> None:
    refused = orchestra(*TRIAGE, "--json")
    assert (refused.code, refused.json["error"]["type"]) == (2, "ConfirmationNeeded")
    assert [one.partition(":")[0] for one in refused.json["error"]["needs_confirmation"]] == [
        "gmail",
        "llm",
        "notion",
        "github",
    ]
    assert orchestra("runs", "list", "--json").json["runs"] == []
    result = orchestra(*TRIAGE, "--yes", "--json")
    assert (result.code, result.json["demo"]) == (0, False)
    resumed = orchestra("runs", "resume", result.json["run_id"], "--demo", "--json")
    assert (resumed.code, resumed.json["error"]["type"]) == (2, "InvalidInput")


@pytest.mark.usefixtures("real_accounts")
def test_the_demo_beside_real_accounts_is_another_account(orchestra: Orchestra) -> None:
    first = orchestra(*TRIAGE, "--demo", "--json").json
    assert (first["demo"], {one["mode"] for one in first["accounts"].values()}) == (True, {"demo"})
    checked = orchestra("connections", "check", "--json")
    assert (checked.code, checked.json["ok"]) == (0, True)


def test_a_reset_of_the_demo_says_what_it_deletes_and_asks(workspace: Path, orchestra: Orchestra) -> None:
    assert orchestra("run", "pure", "--demo").code == 0
    refused = _type("n\n", "demo", "reset")
    assert "This deletes 1 demo run and everything" in refused.text
    assert "Nothing was reset." in refused.text
    assert refused.code == 1
    assert "demo-2" in _type("y\n", "demo", "reset").text
