"""Runs wait, and do not fail, when an account has sent as much as its provider lets it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml

from clients.errors import InvalidRequest, RateLimited, ServiceError
from clients.mail.letter import Letter
from clients.mail.outgoing import OutgoingMail
from engine.base.statuses import AccountMode
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.mail.answered import sent_from
from tests.mail.mailboxes import connected
from tests.mail.smtp_server import SmtpServer
from tests.patience import until

if TYPE_CHECKING:
    from tests.conftest import StandIns

OWNER = Principal("ann", "owner", confirmed=True)
SENDS = {"gmail": "gmail.send", "outlook": "outlook.send", "imap": "smtp.send"}
MAIL = OutgoingMail(["bob@example.org"], subject="Hi", text="Hello")


@contextmanager
def opened(root: Path, service: str, settings: dict[str, Any]) -> Iterator[Orchestra]:
    """A served workspace with one mailbox."""
    for folder in ("workflows", "prompts", "logs"):
        (root / folder).mkdir(parents=True)
    secret = "password" if service == "imap" else "token"
    connection = {"service": service, **settings, secret: "env:SECRET"}
    (root / "config.yaml").write_text(yaml.safe_dump({"connections": {"mailbox": connection}}))
    (root / ".env").write_text(f'SECRET="{settings[secret]}"\n')
    orchestra = Orchestra.open(root, serve=True)
    if service != "imap":
        orchestra.connections.set_mode(OWNER, service, AccountMode.MINE)
    try:
        yield orchestra
    finally:
        orchestra.close()


def waiting(orchestra: Orchestra, service: str, mails: int) -> Any:
    """The last step of a run that sends so many mails, once it waits."""
    letter = {"to": "ann@example.org", "subject": "Hi", "text": "?"}
    steps = [
        {"id": f"s{number}", "uses": SENDS[service], "with": letter, "approve": "never"} for number in range(mails)
    ]
    document = {"schema_version": 1, "steps": steps}
    (orchestra.workspace.root / "workflows" / "work.json").write_text(json.dumps(document))
    run_id = orchestra.runs.start(OWNER, "work", {})

    def found() -> Any:
        run = orchestra.runs.get(OWNER, run_id)
        assert run["ended_at"] is None, run["error"]
        return next((one for one in run["steps"] if one.get("held")), None)

    until(lambda: found() is not None)
    return found()


@pytest.mark.parametrize("service", ["gmail", "outlook"])
def test_a_run_waits_before_the_provider_refuses(
    service: str, tmp_path: Path, standins: StandIns, http: httpx.Client
) -> None:
    with sent_from(service, standins, http) as mailbox:
        settings = {**mailbox.settings, "recipients_per_day": 1}
        with opened(tmp_path / "w", service, settings) as orchestra:
            step = waiting(orchestra, service, 2)
    assert step["id"] == "s1"
    assert "is 1 recipient in 24 hours; 1 used so far." in step["held"]["message"]


def test_a_run_waits_when_the_server_says_later(
    tmp_path: Path, sending_settings: dict[str, Any], smtp: SmtpServer
) -> None:
    smtp.answer = "452 4.7.0 Sending rate limit reached, try again later"
    with opened(tmp_path / "w", "imap", sending_settings) as orchestra:
        step = waiting(orchestra, "imap", 1)
    assert "rate limit reached" in step["held"]["message"]
    assert smtp.mails == []


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        ("421 4.7.0 Too many messages, slow down", 300),
        ("450 4.7.1 Sending too fast", 300),
        ("451 4.7.500 Server busy, rate limited", 300),
        ("452 4.5.3 Too many recipients in this hour", 300),
        ("454 4.7.0 Throttling failure: maximum rate exceeded", 300),
        ("550 5.4.5 Daily user sending limit exceeded", 3600),
        ("552 5.4.5 Daily sending quota exceeded", 3600),
    ],
)
def test_answers_that_ask_to_wait(sending_settings: dict[str, Any], smtp: SmtpServer, answer: str, wait: float) -> None:
    smtp.answer = answer
    with connected(sending_settings) as client, pytest.raises(RateLimited) as caught:
        client.outbox.send(Letter(MAIL, "b" * 32))
    assert (caught.value.retry_after_seconds, caught.value.outcome) == (wait, "not_done")


@pytest.mark.parametrize(
    "answer",
    [
        "552 5.2.2 Mailbox full, over quota",
        "552 5.2.2 The recipient's daily receiving quota is used up",
        "550 5.7.1 Refused as spam",
        "554 5.6.0 Message too large, limit is 10 MB",
    ],
)
def test_answers_that_do_not(sending_settings: dict[str, Any], smtp: SmtpServer, answer: str) -> None:
    smtp.answer = answer
    with connected(sending_settings) as client, pytest.raises(ServiceError) as caught:
        client.outbox.send(Letter(MAIL, "b" * 32))
    assert isinstance(caught.value, InvalidRequest)


def test_a_mailbox_of_smtp_keeps_to_its_own_limit(sending_settings: dict[str, Any], smtp: SmtpServer) -> None:
    with connected({**sending_settings, "recipients_per_day": 1}) as client:
        client.outbox.send(Letter(MAIL, "b" * 32))
        with pytest.raises(RateLimited, match="is 1 recipient in 24 hours"):
            client.outbox.send(Letter(MAIL, "c" * 32))
    assert len(smtp.mails) == 1
