"""What goes to the sender of a mail goes to that one address, whatever the mail calls its sender."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from clients.mail import text
from clients.mail.addresses import specs
from engine.orchestra import Orchestra
from tests.engine.conftest import OWNER, write_workflow
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from tests.conftest import StandIns

STRANGER = "stranger@evil.example"
LONG = "victim@bank.example, Ann of the accounting department of the northern branch office of Example"
TWO = "a@evil.example, victim@bank.example"
RECIPIENTS = [
    pytest.param({"to": "{{ mail.from }}"}, id="to"),
    pytest.param({"to": ["team@example.com", "{{ mail.from }}"]}, id="one of to"),
    pytest.param({"to": "team@example.com", "bcc": "{{ mail.from }}"}, id="bcc"),
]


@pytest.fixture
def orchestra(own_accounts: Path) -> Iterator[Orchestra]:
    opened = Orchestra.open(own_accounts)
    yield opened
    opened.close()


def thanked(orchestra: Orchestra, standins: StandIns, sender: str, to: dict[str, Any]) -> Any:
    """Let a mail arrive, and run a workflow that thanks its sender; return the step that sends."""
    mail = f"From: {sender}\nTo: me@example.com\nSubject: zeppelin\n\nHello"
    address, plain = f"{standins['gmail'].origin}/_demo/mail", {"content-type": "text/plain"}
    standins.controls.post(address, content=mail, headers=plain).raise_for_status()
    send = {"id": "send", "uses": "gmail.send", "approve": {"when": "never"}}
    steps: list[dict[str, Any]] = [
        {"id": "mails", "uses": "gmail.search_messages", "with": {"query": "subject:zeppelin", "limit": 1}},
        {
            "id": "each",
            "foreach": "{{ steps.mails.output.messages }}",
            "as": "mail",
            "steps": [{**send, "with": {**to, "subject": "Thanks", "text": "Thank you."}}],
        },
    ]
    write_workflow(orchestra.workspace.root, "thanks", steps, allow=["reply_to_sender"])
    run: Any = orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "thanks", {}), PATIENCE_SECONDS)
    return next(one for one in run["steps"] if one["id"] == "send")


def thanks(standins: StandIns) -> list[dict[str, str]]:
    """Give the headers of the mails that the workflow has sent."""
    sent = (
        {one["name"]: one["value"] for one in mail["payload"]["headers"]} for mail in standins.show("gmail")["sent"]
    )
    return [one for one in sent if one["Subject"] == "Thanks"]


@pytest.mark.parametrize("to", RECIPIENTS)
def test_a_mail_with_two_addresses_in_its_sender_is_not_answered(
    orchestra: Orchestra, standins: StandIns, to: dict[str, Any]
) -> None:
    step = thanked(orchestra, standins, TWO, to)
    assert (step["status"], step["error"]["type"]) == ("failed", "InvalidInput"), step["arguments"]
    assert "'a at evil.example, victim at bank.example' is not a mail address" in step["error"]["message"]
    assert thanks(standins) == []


@pytest.mark.parametrize("to", RECIPIENTS)
def test_a_service_that_gives_two_addresses_as_one_sender_changes_nothing(
    orchestra: Orchestra, standins: StandIns, to: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text, "shown_sender", ", ".join)
    step = thanked(orchestra, standins, TWO, to)
    assert (step["status"], step["error"]["type"]) == ("failed", "OutsideTextRefused"), step["arguments"]
    assert thanks(standins) == []


@pytest.mark.parametrize("to", RECIPIENTS)
@pytest.mark.parametrize("sender", [f'"{LONG}" <{STRANGER}>', f"{STRANGER} ({LONG})", f"Ann <{STRANGER}>"])
def test_an_address_in_the_name_of_a_sender_gets_nothing(
    orchestra: Orchestra, standins: StandIns, sender: str, to: dict[str, Any]
) -> None:
    step = thanked(orchestra, standins, sender, to)
    assert step["status"] == "succeeded", step["error"]
    [sent] = thanks(standins)
    assert {one for name in ("To", "Cc", "Bcc") for one in specs(sent.get(name, ""))} == {STRANGER} | (
        {"team@example.com"} if "team@example.com" in str(to) else set()
    )
