"""The first run on a mailbox of one's own: a real IMAP server, and nothing written before Apply."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.base.errors import InvalidInput
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.conftest import StandIns
from tests.mail.dovecot import PASSWORD
from tests.mail.mailboxes import connected, deliver, mail

OWNER = Principal("ann", "owner", confirmed=True)


@pytest.fixture
def root(tmp_path: Path, mailbox_settings: dict[str, Any], standins: StandIns) -> Path:
    """A workspace with a mailbox that cannot send, a model and a repository, each an account of its owner."""
    for folder in ("workflows", "prompts", "logs"):
        (tmp_path / "w" / folder).mkdir(parents=True)
    model, hub = standins["openai"], standins["github"]
    connections = {
        "mailbox": {"service": "imap", **mailbox_settings, "password": "env:IMAP_PASSWORD"},
        "llm": {
            "service": "openai",
            "api_key": "env:MODEL_KEY",
            "base_url": model.base_url,
            "model": "demo-extractive",
        },
        "hub": {"service": "github", "token": "env:KEY", "base_url": hub.base_url},
    }
    (tmp_path / "w" / "config.yaml").write_text(yaml.safe_dump({"connections": connections}), encoding="utf-8")
    return tmp_path / "w"


@pytest.fixture
def orchestra(root: Path, standins: StandIns, monkeypatch: pytest.MonkeyPatch) -> Iterator[Orchestra]:
    monkeypatch.setenv("KEY", standins["github"].token)
    monkeypatch.setenv("MODEL_KEY", standins["openai"].token)
    opened = Orchestra.open(root)
    yield opened
    opened.close()


def states(orchestra: Orchestra) -> dict[str, str]:
    return {one["id"]: one["state"] for one in orchestra.first_run.state(OWNER)["steps"]}


def test_five_steps_lead_to_a_run_on_ones_own_mail(
    orchestra: Orchestra, root: Path, mailbox_settings: dict[str, Any], standins: StandIns
) -> None:
    with connected(mailbox_settings) as client:
        deliver(client, mail("The export crashes", "Since today the CSV export crashes with an error."))
    first, before = orchestra.first_run, standins.show("github")
    assert states(orchestra) == {"mailbox": "open", "model": "done", "tasks": "open", "plan": "open", "start": "open"}
    with pytest.raises(InvalidInput, match="cannot use your own account") as missing:
        first.choose(OWNER, "mailbox", "imap")
    assert "IMAP_PASSWORD" in missing.value.remedy

    (root / ".env").write_text('IMAP_PASSWORD="wrong"\n', encoding="utf-8")
    (root / ".env").chmod(0o600)
    failed = next(one for one in first.choose(OWNER, "mailbox", "imap")["steps"] if one["id"] == "mailbox")
    assert failed["state"] == "failed"
    assert any(not line.ok and "password" in line.text for line in failed["lines"])
    with pytest.raises(InvalidInput, match="rejects the sign-in"):
        first.plan(OWNER)
    assert standins.show("github") == before

    (root / ".env").write_text(f'IMAP_PASSWORD="{PASSWORD}"\n', encoding="utf-8")
    first.choose(OWNER, "mailbox", "imap")
    assert states(orchestra)["mailbox"] == "done", "nothing is sent, so no server for sending is needed"
    first.choose(OWNER, "tasks", "github", "acme/app")
    plan_id = first.plan(OWNER)
    assert orchestra.runs.wait(OWNER, plan_id, 60)["status"] == "succeeded"
    [write] = orchestra.plans.show(OWNER, plan_id)["writes"]
    assert write["arguments"]["repository"] == "acme/app"
    assert standins.show("github") == before
    assert states(orchestra)["start"] == "open"

    done = orchestra.runs.wait(OWNER, first.apply(OWNER), 60)
    assert (done["status"], done["sentence"]) == ("succeeded", '1 mail: 1 task. "The export crashes".')
    assert standins.show("github") != before
    assert set(states(orchestra).values()) == {"done"}
    assert first.state(OWNER)["is_finished"]
