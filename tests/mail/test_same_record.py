"""Gmail, IMAP and Outlook give the same record of a mail's headers, and each believes its own server alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import SecretStr

from clients.gmail.client import GmailClient
from clients.gmail.service import GmailSettings
from clients.imap.mail import message
from clients.outlook.client import OutlookClient
from clients.outlook.service import OutlookSettings
from tests.mail.mailboxes import connected, deliver, new_settings

if TYPE_CHECKING:
    from tests.conftest import StandIns

MAIL = b"""Authentication-Results: %s spf=pass smtp.mailfrom=a.example;
 dkim=fail header.d=a.example; dmarc=fail header.from=a.example
Received: from out.a.example by mx.example.com; Fri, 20 Nov 2026 08:00:00 +0000
Authentication-Results: mx.google.com; dmarc=pass
Authentication-Results: dmarc=pass action=none
Authentication-Results: mx.own.example; dmarc=pass
From: Ann <ann@a.example>
To: me@example.com
Reply-To: =?utf-8?q?J=C3=BCrgen?= <j@b.example>
Subject: News
Message-ID: <news.1@a.example>
Date: Fri, 20 Nov 2026 08:00:00 +0000
Importance: high
Auto-Submitted: auto-generated
List-Id: News <news.a.example>
List-Unsubscribe: <mailto:out@a.example>,
 <https://a.example/out?m=1>
List-Unsubscribe-Post: List-Unsubscribe=One-Click

Hello
"""


def in_gmail(standins: StandIns, http: httpx.Client, raw: bytes) -> Any:
    where = standins["gmail"]
    client = GmailClient(GmailSettings(token=SecretStr(where.token), base_url=where.base_url), http)
    return client.mail.message(arrived(standins, "gmail", raw))


def in_outlook(standins: StandIns, http: httpx.Client, raw: bytes) -> Any:
    where = standins["outlook"]
    client = OutlookClient(OutlookSettings(token=SecretStr(where.token), base_url=where.base_url), http)
    return client.mail.message(arrived(standins, "outlook", raw))


def in_imap(standins: StandIns, http: httpx.Client, raw: bytes) -> Any:
    with connected({**new_settings(), "authserv_id": "mx.own.example"}) as client:
        return message(client.mailbox, deliver(client, raw.replace(b"\n", b"\r\n")))


def arrived(standins: StandIns, service: str, raw: bytes) -> str:
    address = f"{standins[service].origin}/_demo/mail"
    return str(standins.controls.post(address, content=raw).raise_for_status().json()["id"])


@pytest.mark.parametrize(
    ("read", "server"),
    [
        pytest.param(in_gmail, "mx.google.com", id="gmail"),
        pytest.param(in_imap, "mx.own.example", id="imap"),
        pytest.param(in_outlook, "", id="outlook"),
    ],
)
def test_the_record_is_the_same_on_all_services(
    read: Callable[..., Any], server: str, standins: StandIns, http: httpx.Client
) -> None:
    mail = read(standins, http, MAIL % (f"{server};".encode() if server else b""))
    names = ("reply_to", "importance", "list", "is_auto_reply", "authentication")
    assert {name: mail[name] for name in names} == {
        "reply_to": "Jürgen <j@b.example>",
        "importance": "high",
        "list": {"id": "news.a.example", "unsubscribe": "https://a.example/out?m=1", "one_click": True},
        "is_auto_reply": True,
        "authentication": {"server": server, "spf": "pass", "dkim": "fail", "dmarc": "fail"},
    }


@pytest.mark.parametrize("read", [in_gmail, in_imap, in_outlook])
def test_the_results_of_another_server_are_not_believed(
    read: Callable[..., Any], standins: StandIns, http: httpx.Client
) -> None:
    mail = read(standins, http, MAIL % b"mx.evil.example;")
    assert mail["authentication"] == {"server": "", "spf": "", "dkim": "", "dmarc": ""}
