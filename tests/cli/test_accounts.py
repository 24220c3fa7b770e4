"""The first run on real accounts: a person is shown what it would touch, and asked; a script is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from demo.openai.stand_in import MODEL
from tests.cli.conftest import Orchestra
from tests.conftest import StandIns

TRIAGE = ("run", "inbox-triage", "--input", "limit=5")


@pytest.fixture
def real_accounts(standins: StandIns, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the stand-ins be the owner's own accounts: the settings name their addresses and tokens."""
    keys = {"gmail": "token", "github": "token", "notion": "token", "openai": "api_key"}
    connections = {
        name: {"service": name, key: f"env:{name.upper()}", "base_url": standins[name].base_url}
        for name, key in keys.items()
    }
    connections["llm"] = {**connections.pop("openai"), "model": MODEL}
    (workspace / "config.yaml").write_text(json.dumps({"connections": connections}))
    for name in keys:
        monkeypatch.setenv(name.upper(), standins[name].token)


@pytest.mark.usefixtures("real_accounts")
def test_a_person_is_shown_count_and_subjects_and_asked_once(orchestra: Orchestra) -> None:
    refused = orchestra(*TRIAGE, typed="n\n")
    assert refused.code == 1, refused
    told = refused.out + refused.err
    assert "It would process 5:" in told
    assert "App crashes when I upload a file over 10 MB" in told
    assert "Nothing was started." in told
    assert orchestra("runs", "list", "--json").json["runs"] == []

    agreed = orchestra(*TRIAGE, typed="y\n")
    assert agreed.code == 0, agreed
    assert "Start it?" in agreed.out + agreed.err
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


def test_a_reset_of_the_demo_says_what_it_deletes_and_asks(orchestra: Orchestra) -> None:
    assert orchestra("run", "pure", "--demo").code == 0
    refused = orchestra("demo", "reset", typed="n\n")
    assert "This deletes 1 demo run and everything" in refused.out
    assert "Nothing was reset." in refused.err
    assert refused.code == 1
    assert "demo-2" in orchestra("demo", "reset", typed="y\n").out
