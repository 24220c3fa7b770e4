"""What triggers for new mail of all services may be asked for besides."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from engine.plugins.registry import trigger_type
from tests.conftest import StandIns
from tests.engine.triggers.looking import Looker
from tests.engine.triggers.worlds import Scene, worlds
from tests.mail.mailboxes import deliver

SERVERS = {"gmail": "mx.google.com;", "imap": "mx.example.com;", "outlook": ""}
"""What the results of the server begin with that received a mail."""


@pytest.fixture(params=[*SERVERS])
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def looker(service: str, tmp_path: Path, standins: StandIns, http: httpx.Client) -> Looker:
    name = f"{service}.new_message"
    made = worlds()[name](Scene(tmp_path, standins, http)).looker(trigger_type(name))
    made.look_until_done()
    return made


def arrive(looker: Looker, standins: StandIns, raw: str) -> None:
    service = str(looker.kind.service)
    if service == "imap":
        deliver(looker.client, raw.encode())
        return
    url, plain = f"{standins[service].origin}/_demo/mail", {"content-type": "text/plain"}
    standins.controls.post(url, content=raw, headers=plain).raise_for_status()


def test_headers_that_a_trigger_names_are_in_its_mails(looker: Looker, standins: StandIns) -> None:
    asked = replace(looker, fields={**looker.fields, "headers": ["x-ticket", "X-None"]})
    arrive(looker, standins, "From: ada@example.com\nSubject: A\nX-Ticket: 17\n\nHello\n")
    [item] = asked.look_until_done()
    assert dict(item.value or {})["headers"] == {"x-ticket": "17", "X-None": ""}


def result(looker: Looker, dmarc: str) -> str:
    """The header in which the server that received a mail says what it has found."""
    return (
        f"Authentication-Results: {SERVERS[str(looker.kind.service)]} spf=pass; dmarc={dmarc} header.from=example.com\n"
    )


def test_mails_whose_sender_is_not_confirmed_start_no_run_where_a_trigger_refuses_them(
    looker: Looker, standins: StandIns
) -> None:
    for subject, dmarc in (("Forged", "fail"), ("True", "pass"), ("Unknown", "none")):
        arrive(looker, standins, f"{result(looker, dmarc)}From: ada@example.com\nSubject: {subject}\n\nHello\n")
    asked = replace(looker, fields={**looker.fields, "refuse_unconfirmed": True}, seen={*looker.seen})
    assert [item.title for item in asked.look_until_done()] == ["True", "Unknown"]
    assert [item.title for item in looker.look_until_done()] == ["Forged", "True", "Unknown"]


def test_a_refused_mail_is_left_out_with_its_reason(looker: Looker, standins: StandIns) -> None:
    arrive(looker, standins, f"{result(looker, 'fail')}From: ada@example.com\nSubject: Forged\n\nHello\n")
    asked = replace(looker, fields={**looker.fields, "refuse_unconfirmed": True})
    look = asked.request()
    found = [item if item.value is not None else asked.kind.read(look, item) for item in asked.kind.look(look).items]
    assert [(item.title, item.skip) for item in found if item.id not in asked.seen] == [
        ("Forged", "its sender is not confirmed (DMARC failed)")
    ]
