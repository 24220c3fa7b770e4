"""What a mail says of itself in its headers, and what the server that received it has found, however it is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from clients.mail.authentication import ANY, ReceivingServer, authentication_of
from clients.mail.declared import chosen_headers
from clients.mail.raw import payload_of
from tests.mail.raw_mails import read_raw

GOOGLE = ReceivingServer(("mx.google.com",))
OUTLOOK = ReceivingServer(("", ".outlook.com"))
NAMED = ReceivingServer(("mx.own.example",), writes_several=True)
NO_LIST = {"id": "", "unsubscribe": "", "one_click": False}
NEWS = "<mailto:out@news.example?subject=x>, <http://news.example/u>, <https://news.example/u?a=1&b=2>"
ONE_CLICK = "List-Unsubscribe-Post: List-Unsubscribe=One-Click"


def raw(*lines: str | bytes) -> bytes:
    return b"\r\n".join(line.encode() if isinstance(line, str) else line for line in lines) + b"\r\n\r\nwords"


def listed(id: str = "", unsubscribe: str = "", *, one_click: bool = False) -> dict[str, Any]:
    return {"list": {"id": id, "unsubscribe": unsubscribe, "one_click": one_click}}


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        pytest.param(["Subject: x"], {"reply_to": "", "importance": "normal", "list": NO_LIST, "is_auto_reply": False},
                     id="nothing"),
        pytest.param(["Reply-To: =?utf-8?q?J=C3=BCrgen?=\r\n <j@a.example>"], {"reply_to": "Jürgen <j@a.example>"},
                     id="an encoded, folded Reply-To"),
        pytest.param(["REPLY-TO: a@a.example", "Reply-To: b@b.example"], {"reply_to": "a@a.example, b@b.example"},
                     id="two Reply-To"),
        pytest.param([b"Reply-To: J\xfcrgen <j@a.example>"], {"reply_to": "Jürgen <j@a.example>"},
                     id="a Reply-To in Latin-1"),
        pytest.param(["Importance: High"], {"importance": "high"}, id="importance"),
        pytest.param(["Importance: low", "X-Priority: 1"], {"importance": "low"}, id="the standard counts first"),
        pytest.param(["Importance: so-so", "X-Priority: 2 (High)"], {"importance": "high"}, id="an unknown importance"),
        pytest.param(["X-Priority:\r\n 5 (Lowest)"], {"importance": "low"}, id="a folded priority"),
        pytest.param(["X-Priority: 3"], {"importance": "normal"}, id="a normal priority"),
        pytest.param(["X-Priority: 11"], {"importance": "normal"}, id="no known priority"),
        pytest.param(["Priority: urgent"], {"importance": "high"}, id="urgent"),
        pytest.param(["Priority: Non-Urgent"], {"importance": "low"}, id="not urgent"),
        pytest.param(["List-Id: =?utf-8?q?Caf=C3=A9?= <cafe.list.example>"], listed("cafe.list.example"),
                     id="a list with a name"),
        pytest.param(["List-Id: cafe.list.example"], listed("cafe.list.example"), id="an id without brackets"),
        pytest.param([f"List-Unsubscribe: {NEWS}"], listed(unsubscribe="http://news.example/u"), id="a page first"),
        pytest.param([f"List-Unsubscribe: {NEWS}", ONE_CLICK],
                     listed(unsubscribe="https://news.example/u?a=1&b=2", one_click=True), id="one click"),
        pytest.param(["List-Unsubscribe: <http://news.example/u>", ONE_CLICK],
                     listed(unsubscribe="http://news.example/u"), id="one click needs https"),
        pytest.param(["List-Unsubscribe: <https://news.example/u>", "List-Unsubscribe-Post: yes"],
                     listed(unsubscribe="https://news.example/u"), id="another way to post"),
        pytest.param(["List-Unsubscribe: <mailto:out@news.example>", ONE_CLICK],
                     listed(unsubscribe="mailto:out@news.example"), id="an address alone"),
        pytest.param(["List-Unsubscribe:\r\n <https://news.example/\r\n folded>"],
                     listed(unsubscribe="https://news.example/folded"), id="a folded page"),
        pytest.param(["List-Unsubscribe: =?us-ascii?q?=3Chttps=3A//news=2Eexample/u=3E?="],
                     listed(unsubscribe="https://news.example/u"), id="an encoded page"),
        pytest.param(["List-Unsubscribe: https://news.example/u (no brackets)"],
                     listed(unsubscribe="https://news.example/u"), id="a page without brackets"),
        pytest.param(["List-Unsubscribe: <javascript:alert(1)>, <file:///etc/passwd>, <mailto:a@b.example>"],
                     listed(unsubscribe="mailto:a@b.example"), id="other kinds of addresses"),
        pytest.param([f"List-Unsubscribe: <https://news.example/{'x' * 5000}>, <mailto:a@b.example>"],
                     listed(unsubscribe="mailto:a@b.example"), id="a huge page"),
        pytest.param(["List-Unsubscribe: NO"], listed(), id="no address"),
        pytest.param(["Auto-Submitted: auto-replied (vacation)"], {"is_auto_reply": True}, id="an absence notice"),
        pytest.param(["Auto-Submitted: Auto-Generated; a=b"], {"is_auto_reply": True}, id="generated"),
        pytest.param(["Auto-Submitted: no"], {"is_auto_reply": False}, id="not by a program"),
        pytest.param(["Auto-Submitted: no", "Auto-Submitted: auto-replied"], {"is_auto_reply": True},
                     id="a second Auto-Submitted"),
        pytest.param(["X-Autoreply: yes"], {"is_auto_reply": True}, id="X-Autoreply"),
        pytest.param(["X-Autoreply: no"], {"is_auto_reply": False}, id="X-Autoreply: no"),
        pytest.param(["X-Autorespond: Out of office"], {"is_auto_reply": True}, id="X-Autorespond"),
        pytest.param(["Precedence: auto_reply"], {"is_auto_reply": True}, id="Precedence"),
        pytest.param(["Precedence: bulk"], {"is_auto_reply": False}, id="mass mail"),
        pytest.param(["X-POST-MessageClass: 9; Autoresponder"], {"is_auto_reply": True}, id="X-POST-MessageClass"),
        pytest.param(["X-Auto-Response-Suppress: All"], {"is_auto_reply": False}, id="wants no answer, is none"),
    ],
)  # fmt: skip
def test_headers_give_these_values(lines: list[str | bytes], wanted: Mapping[str, Any]) -> None:
    read = read_raw(raw(*lines))
    assert {name: read[name] for name in wanted} == wanted


def test_a_huge_reply_to_is_cut_and_says_so() -> None:
    read = read_raw(raw("Reply-To: " + ", ".join(f"person{one}@a.example" for one in range(5000))))
    assert len(read["reply_to"]) < 61_000
    assert "[Cut here:" in read["reply_to"]


AS_GOOGLE = (
    "Authentication-Results: mx.google.com;\r\n       dkim=pass header.i=@a.example header.s=s1 header.b=abc;\r\n"
    "       spf=softfail (google.com: domain of transitioning a@a.example does not designate 192.0.2.1; see dmarc=pass)"
    " smtp.mailfrom=a@a.example;\r\n       dmarc=fail (p=REJECT sp=REJECT dis=NONE) header.from=a.example"
)
AS_OUTLOOK = (
    "Authentication-Results: spf=pass (sender IP is 192.0.2.1)\r\n smtp.mailfrom=a.example; dkim=none (message not"
    " signed)\r\n header.d=none;dmarc=bestguesspass action=none\r\n header.from=a.example;compauth=pass reason=109"
)
FORGED = "Authentication-Results: mx.google.com; spf=pass; dkim=pass; dmarc=pass"


def results(receiver: ReceivingServer, wanted: str, *lines: str, id: str) -> Any:
    return pytest.param(receiver, lines, wanted, id=id)


@pytest.mark.parametrize(
    ("receiver", "lines", "wanted"),
    [
        results(GOOGLE, "mx.google.com softfail pass fail", AS_GOOGLE, id="Gmail"),
        results(OUTLOOK, "- pass none none", AS_OUTLOOK, id="Outlook, without an id"),
        results(OUTLOOK, "a.prod.outlook.com - - pass", "Authentication-Results: A.prod.outlook.com 1; dmarc=pass",
                id="Outlook, with an id and a version"),
        results(OUTLOOK, "- pass - -", "Authentication-Results: iprev=pass; spf=pass", id="first another check"),
        results(OUTLOOK, "- - - -", "Authentication-Results: outlook.com.evil.example; dmarc=pass",
                id="an id that only looks like it"),
        results(ANY, "mx.own.example pass - fail", "Authentication-Results: mx.own.example; spf=pass; dmarc=hardfail",
                FORGED, id="the topmost of any"),
        results(ANY, "- - - -", "Subject: x", id="none"),
        results(ANY, "mx.own.example - - -", "Authentication-Results: mx.own.example; none", id="no results"),
        results(ANY, "mx.own.example - - -", "Authentication-Results: mx.own.example; dmarc=splendid; spf=passed",
                id="unknown results"),
        results(ANY, "mx.own.example pass - -", "authentication-RESULTS: mx.own.example 1 ; SPF / 1 = Pass x=y",
                id="blanks, letters and a version"),
        results(ANY, "mx.own.example - pass -", "Authentication-Results: mx.own.example; dkim=fail header.d=a;"
                " dkim=pass header.d=b", id="several signatures"),
        results(ANY, '" - - -', 'Authentication-Results: "mx.own.example; dmarc=pass', id="a quote that does not end"),
        results(GOOGLE, "- - - -", "Authentication-Results: mx.own.example; dmarc=pass", FORGED,
                id="forged, below another server's"),
        results(GOOGLE, "mx.google.com fail - -", "Authentication-Results: mx.google.com; spf=fail", FORGED,
                id="forged, where the real one tells nothing"),
        results(GOOGLE, "mx.google.com fail - fail", "Authentication-Results: mx.google.com; spf=fail; dmarc=fail",
                "Received: from a by b", FORGED, id="forged, from an earlier hop"),
        results(GOOGLE, "mx.google.com fail - -",
                'Authentication-Results: mx.google.com; spf=fail (of "x) ; dmarc=pass ("@e.example) smtp.mailfrom=e',
                id="forged in an address within a comment"),
        results(GOOGLE, "mx.google.com fail - -",
                'Authentication-Results: mx.google.com; spf=fail smtp.mailfrom="x; dmarc=pass"@e.example',
                id="forged in an address"),
        results(GOOGLE, "mx.google.com fail - fail",
                "Authentication-Results: mx.google.com; dmarc=pass; spf=fail; dmarc=fail", id="told twice"),
        results(GOOGLE, "- - - -", "ARC-Authentication-Results: i=1; mx.google.com; dmarc=pass",
                "X-Authentication-Results: mx.google.com; dmarc=pass", id="other headers"),
        results(NAMED, "mx.own.example pass pass -", "Authentication-Results: filter.example; dmarc=pass",
                "Authentication-Results: mx.own.example; spf=pass", "Authentication-Results: mx.own.example; dkim=pass",
                "Received: from a by b", "Authentication-Results: mx.own.example; dmarc=pass", id="one for each check"),
        results(NAMED, "- - - -", FORGED, id="another one than the named"),
        results(ANY, "mx.own.example - - -",
                f"Authentication-Results: mx.own.example; spf=none{'x' * 20_000}; dmarc=pass", id="huge"),
    ],
)  # fmt: skip
def test_only_the_server_that_received_a_mail_is_believed(
    receiver: ReceivingServer, lines: tuple[str, ...], wanted: str
) -> None:
    found = authentication_of(payload_of(raw(*lines)), receiver)
    assert " ".join(one or "-" for one in found.values()) == wanted


def test_chosen_headers_are_one_text_each_and_cut_where_they_are_long() -> None:
    payload = payload_of(raw("X-A: " + "a" * 50_000, b"x-a: J\xfcrgen", "X-A: " + "b" * 50_000))
    found = chosen_headers(payload, [" X-A ", "X-C"])
    assert [*found] == [" X-A ", "X-C"]
    assert found[" X-A "].startswith("a" * 50_000 + "\nJürgen\nbbb")
    assert found[" X-A "].endswith("[Cut here: 60,000 of 100,008 characters are shown.]")
    assert found["X-C"] == ""
