"""A mailbox that is watched and refuses: one notice, nothing lost, and on again once it is made good."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from clients.errors import AuthError
from engine.orchestra import Orchestra
from engine.plugins.trigger import Start
from tests.conftest import StandIns
from tests.engine.conftest import OWNER, set_step, write_workflow
from tests.engine.triggering.conftest import MovingClock
from tests.patience import PATIENCE_SECONDS


@pytest.fixture
def mailbox(tmp_path: Path, standins: StandIns, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with a mailbox of one's own, and a workflow that new mail starts."""
    root = tmp_path / "workspace"
    for name in ("workflows", "prompts", "logs"):
        (root / name).mkdir(parents=True)
    monkeypatch.setenv("MAIL_TOKEN", standins["gmail"].token)
    lines = ["connections:", "  gmail:", "    service: gmail", "    token: env:MAIL_TOKEN"]
    (root / "config.yaml").write_text("\n".join([*lines, f"    base_url: {standins['gmail'].base_url}", ""]))
    trigger = {"id": "mail", "uses": "gmail.new_message", "inputs": {"id": "{{ item.id }}"}}
    inputs = {"type": "object", "properties": {"id": {"type": "string"}}}
    write_workflow(root, "work", [set_step("a", {"id": "{{ inputs.id }}"})], inputs=inputs, triggers=[trigger])
    return root


def deliver(standins: StandIns) -> None:
    mail = {"from": "ada@example.com", "subject": "Hello", "text": "Hi"}
    httpx.post(
        f"{standins['gmail'].origin}/_demo/mail", json=mail, trust_env=False, timeout=PATIENCE_SECONDS
    ).raise_for_status()


@pytest.mark.parametrize("who", ["a person", "the service"])
def test_an_account_that_refuses_is_told_once_and_caught_up_with(mailbox: Path, standins: StandIns, who: str) -> None:
    clock = MovingClock()
    orchestra = Orchestra(mailbox, clock=clock)
    try:
        triggers = orchestra.triggers
        assert not triggers.status(OWNER, "work", "mail").account
        assert "@" in triggers.turn_on(OWNER, "work", "mail", Start()).account
        triggers.poll(OWNER)
        deliver(standins)
        standins.faults("gmail", match="/gmail/v1/", times=50, status=401)
        assert [one.error and one.error.type for one in triggers.poll(OWNER)] == ["AuthError"]
        assert [one.connection for one in orchestra.connections.troubles(OWNER)] == ["gmail"]
        assert [alarm.kind for alarm in triggers.alarms(OWNER)] == ["account"]
        assert [one.error and one.error.type for one in triggers.poll(OWNER)] == ["AccountRefuses"]
        assert [alarm.kind for alarm in triggers.alarms(OWNER)] == ["account"]
        asked = standins.requests("gmail")
        standins.calm("gmail")
        assert [one.error and one.error.type for one in triggers.poll(OWNER)] == ["AccountRefuses"]
        assert standins.requests("gmail") == asked, "it is not asked all the time"
        if who == "a person":
            orchestra.connections.check(OWNER, "gmail")
        else:
            clock.move(901)
        [result] = triggers.poll(OWNER)
        assert (result.error, len(result.started)) == (None, 1)
        assert (orchestra.connections.troubles(OWNER), triggers.alarms(OWNER)) == ([], [])
    finally:
        orchestra.close()


def test_an_account_that_refuses_from_the_first_call_is_told_as_well(mailbox: Path, standins: StandIns) -> None:
    orchestra = Orchestra.open(mailbox)
    try:
        standins.faults("gmail", match="/gmail/v1/", times=50, status=401)
        with pytest.raises(AuthError):
            orchestra.triggers.turn_on(OWNER, "work", "mail", Start())
        assert [one.connection for one in orchestra.connections.troubles(OWNER)] == ["gmail"]
    finally:
        standins.calm("gmail")
        orchestra.close()


def test_a_workflow_that_touches_more_real_accounts_than_agreed_to_is_not_started(mailbox: Path) -> None:
    orchestra = Orchestra.open(mailbox)
    try:
        orchestra.triggers.turn_on(OWNER, "work", "mail", Start())
        assert orchestra.is_confirmed(OWNER, "work")
        file = orchestra.workflows.get(OWNER, "work")
        label = {"id": "label", "uses": "gmail.add_labels", "with": {"message": "{{ inputs.id }}", "labels": ["x"]}}
        assert file.document is not None
        trigger = file.document["triggers"]
        write_workflow(mailbox, "work", [label], inputs=file.document["inputs"], triggers=trigger)
        [result] = orchestra.triggers.poll(OWNER)
        assert result.error is not None
        assert "nobody has agreed" in result.error.message
        orchestra.triggers.turn_on(OWNER, "work", "mail")
        assert [one.error for one in orchestra.triggers.poll(OWNER)] == [None]
    finally:
        orchestra.close()
