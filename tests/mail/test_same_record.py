"""Gmail, IMAP and Outlook give the same record of a mail's headers, and each believes its own server alone."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import SecretStr

from clients.gmail.client import GmailClient
from clients.gmail.service import GmailSettings
from clients.mail.outgoing import File
from clients.mail.text import WHOLE, MailView
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
Date: Fri, 20 Nov 2026 09:00:00 +0100
Importance: high
Auto-Submitted: auto-generated
List-Id: News <news.a.example>
List-Unsubscribe: <mailto:out@a.example>,
 <https://a.example/out?m=1>
List-Unsubscribe-Post: List-Unsubscribe=One-Click

Hello
"""


INNER = b"""Subject: Bill
Content-Type: multipart/mixed; boundary=i

--i
Content-Type: text/plain; charset=utf-8

Please pay.
--i
Content-Type: application/pdf; name=bill.pdf

%PDF
--i--
"""
HOLDING = (
    b"""From: Ann <ann@a.example>
To: me@example.com
Subject: See below
Message-ID: <parts.1@a.example>
Content-Type: multipart/mixed; boundary=o

--o
Content-Type: text/plain; charset=utf-8

Hello
begin 644 cat.txt
#0V%T
`
end
--o
Content-Type: message/rfc822

"""
    + INNER
    + b"--o--\n"
)


def in_gmail(standins: StandIns, http: httpx.Client, raw: bytes, view: MailView = WHOLE) -> Any:
    where = standins["gmail"]
    client = GmailClient(GmailSettings(token=SecretStr(where.token), base_url=where.base_url), http)
    return client.mail.message(arrived(standins, "gmail", raw), view)


def in_outlook(standins: StandIns, http: httpx.Client, raw: bytes, view: MailView = WHOLE) -> Any:
    where = standins["outlook"]
    client = OutlookClient(OutlookSettings(token=SecretStr(where.token), base_url=where.base_url), http)
    return client.mail.message(arrived(standins, "outlook", raw), view)


def in_imap(standins: StandIns, http: httpx.Client, raw: bytes, view: MailView = WHOLE) -> Any:
    with connected({**new_settings(), "authserv_id": "mx.own.example"}) as client:
        return client.mail.message(deliver(client, raw.replace(b"\n", b"\r\n")), view)


def arrived(standins: StandIns, service: str, raw: bytes) -> str:
    where = standins[service]
    if service == "gmail":  # its API keeps the date of a mail that is put in
        answer = standins.controls.post(
            f"{where.origin}/gmail/v1/users/me/messages",
            json={"raw": urlsafe_b64encode(raw).decode(), "labelIds": ["INBOX"]},
            headers={"authorization": f"Bearer {where.token}"},
        )
        return str(answer.raise_for_status().json()["id"])
    address = f"{where.origin}/_demo/mail"
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
    names = ("reply_to", "importance", "list", "is_auto_reply", "authentication", "sent_at")
    assert {name: mail[name] for name in names} == {
        "reply_to": "Jürgen <j@b.example>",
        "importance": "high",
        "list": {"id": "news.a.example", "unsubscribe": "https://a.example/out?m=1", "one_click": True},
        "is_auto_reply": True,
        "authentication": {"server": server, "spf": "pass", "dkim": "fail", "dmarc": "fail"},
        "sent_at": "2026-11-20T08:00:00Z",
    }
    assert mail["received_at"] == mail["date"] != ""


@pytest.mark.parametrize("read", [in_gmail, in_imap, in_outlook])
def test_the_results_of_another_server_are_not_believed(
    read: Callable[..., Any], standins: StandIns, http: httpx.Client
) -> None:
    mail = read(standins, http, MAIL % b"mx.evil.example;")
    assert mail["authentication"] == {"server": "", "spf": "", "dkim": "", "dmarc": ""}


@pytest.mark.parametrize("read", [in_gmail, in_imap, in_outlook])
def test_headers_that_are_asked_for_are_kept_by_their_names(
    read: Callable[..., Any], standins: StandIns, http: httpx.Client
) -> None:
    raw = MAIL.replace(
        b"Importance", b"X-TICKET: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n =?utf-8?q?_7?=\nx-ticket: 8\nImportance"
    )
    mail = read(standins, http, raw % b"mx.evil.example;", MailView(headers=("X-Ticket", "list-id", "X-None")))
    assert mail["headers"] == {"X-Ticket": "Grüße 7\n8", "list-id": "News <news.a.example>", "X-None": ""}


def take_in_gmail(standins: StandIns, http: httpx.Client, raw: bytes) -> dict[str, tuple[str, bytes]]:
    where = standins["gmail"]
    client = GmailClient(GmailSettings(token=SecretStr(where.token), base_url=where.base_url), http)
    identity = arrived(standins, "gmail", raw)
    return taken(client.mail.message(identity), lambda part: client.mail.attachment(identity, part))


def take_in_outlook(standins: StandIns, http: httpx.Client, raw: bytes) -> dict[str, tuple[str, bytes]]:
    where = standins["outlook"]
    client = OutlookClient(OutlookSettings(token=SecretStr(where.token), base_url=where.base_url), http)
    identity = arrived(standins, "outlook", raw)
    return taken(client.mail.message(identity), lambda part: client.mail.attachment(identity, part))


def take_in_imap(standins: StandIns, http: httpx.Client, raw: bytes) -> dict[str, tuple[str, bytes]]:
    with connected(new_settings()) as client:
        identity = deliver(client, raw.replace(b"\n", b"\r\n"))
        return taken(client.mail.message(identity), lambda part: client.mail.attachment(identity, part))


def taken(mail: Any, take: Callable[[str], File]) -> dict[str, tuple[str, bytes]]:
    """{id: (name, content)} of every part that a mail lists."""
    files = {part["id"]: (part["name"], take(part["id"])) for part in mail["parts"]}
    assert [name for name, _ in files.values()] == [file.name for _, file in files.values()]
    return {one: (name, file.content.replace(b"\r\n", b"\n").strip()) for one, (name, file) in files.items()}


@pytest.mark.parametrize("take", [take_in_gmail, take_in_imap, take_in_outlook])
def test_every_part_is_listed_and_taken_by_the_same_id_on_all_services(
    take: Callable[..., Any], standins: StandIns, http: httpx.Client
) -> None:
    found = take(standins, http, HOLDING)
    assert {one: part for one, part in found.items() if one != "0"} == {
        "0.0": ("text.txt", b"Hello"),
        "0.1": ("cat.txt", b"Cat"),
        "1": ("Bill.eml", INNER.strip()),
        "1.0.0": ("text.txt", b"Please pay."),
        "1.0.1": ("bill.pdf", b"%PDF"),
    }
    assert [*found] == ["0", "0.0", "0.1", "1", "1.0.0", "1.0.1"]
    assert found["0"][1].startswith(b"Hello\nbegin 644 cat.txt\n")
