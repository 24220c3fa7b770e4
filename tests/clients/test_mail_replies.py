"""Mails that no program may answer (RFC 3834)."""

from __future__ import annotations

from typing import Any

import pytest

from clients.mail.replies import diverted, refusal, reply_address

ME = "me@example.com"


def mail(**headers: str) -> dict[str, Any]:
    given = {"From": "Ann <ann@example.org>", **headers}
    named = [{"name": name.replace("_", "-"), "value": value} for name, value in given.items()]
    return {"labelIds": ["INBOX"], "payload": {"headers": named}}


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        pytest.param({"From": "Me <ME@Example.com>"}, "from yourself", id="from oneself"),
        pytest.param({"Reply_To": "me@example.com"}, "from yourself", id="the answer would come back"),
        pytest.param({"From": ""}, "no sender", id="nobody"),
        pytest.param({"From": "undisclosed"}, "no sender", id="no address"),
        pytest.param(
            {"From": "Eve <e@evil.example>, V <v@corp.example>"}, "more than one sender", id="several senders"
        ),
        pytest.param(
            {"From": "e@evil.example, v@corp.example", "Reply_To": "e@evil.example"},
            "more than one sender",
            id="several senders, and where answers go",
        ),
        pytest.param({"Auto_Submitted": "auto-replied"}, "a program wrote it", id="an answer by a program"),
        pytest.param({"Auto_Submitted": "Auto-Generated; x=1"}, "a program wrote it", id="generated, with a parameter"),
        pytest.param({"X_Orchestra": "1"}, "AI-Orchestra", id="one of our own kind"),
        pytest.param({"Precedence": "Bulk"}, "mass mail", id="bulk"),
        pytest.param({"Precedence": "list"}, "mass mail", id="list"),
        pytest.param({"Precedence": "junk"}, "mass mail", id="junk"),
        pytest.param({"List_Id": "<x.example>"}, "mailing list", id="a mailing list"),
        pytest.param({"List_Unsubscribe": "<mailto:x@y.example>"}, "mailing list", id="a newsletter"),
        pytest.param({"Content_Type": "multipart/report; x=y"}, "delivery report", id="a bounce"),
        pytest.param({"Return_Path": "<>"}, "delivery report", id="an empty return path"),
        pytest.param({"From": "no-reply@shop.example"}, "nobody reads", id="no-reply"),
        pytest.param({"From": "NoReply+7@shop.example"}, "nobody reads", id="noreply"),
        pytest.param({"From": "do_not_reply@shop.example"}, "nobody reads", id="do not reply"),
        pytest.param({"From": "orders.noreply@shop.example"}, "nobody reads", id="noreply at the end"),
        pytest.param({"From": "MAILER-DAEMON@shop.example"}, "nobody reads", id="the mail system"),
        pytest.param({"Reply_To": "noreply@shop.example"}, "nobody reads", id="answers to nobody"),
    ],
)
def test_it_is_not_answered(headers: dict[str, str], reason: str) -> None:
    assert reason in refusal(mail(**headers), ME)


def test_what_was_sent_from_here_is_not_answered() -> None:
    assert "yourself" in refusal({**mail(), "labelIds": ["SENT"]}, ME)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="a person"),
        pytest.param({"Auto_Submitted": "no"}, id="says that no program wrote it"),
        pytest.param({"Precedence": "first-class"}, id="another precedence"),
        pytest.param({"From": "norbert.reply@example.org"}, id="a name that looks alike"),
    ],
)
def test_people_are_answered(headers: dict[str, str]) -> None:
    assert refusal(mail(**headers), ME) == ""


@pytest.mark.parametrize(
    ("headers", "address"),
    [
        pytest.param({}, "ann@example.org", id="the sender"),
        pytest.param({"Reply_To": "Desk <desk@example.org>"}, "desk@example.org", id="where they want it"),
        pytest.param({"Reply_To": "nonsense"}, "ann@example.org", id="a broken wish"),
        pytest.param({"From": "=?utf-8?q?M=C3=BCller=2C_A?= <a@b.example>"}, "a@b.example", id="an encoded name"),
        pytest.param({"From": '"x@evil.example" <a@b.example>'}, "a@b.example", id="an address as name"),
    ],
)
def test_an_answer_goes_to_one_address(headers: dict[str, str], address: str) -> None:
    assert reply_address(mail(**headers)["payload"]) == address


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="no wish"),
        pytest.param({"Reply_To": "Ann <ann@example.org>"}, id="the sender"),
        pytest.param({"Reply_To": "ANN@Example.ORG"}, id="the sender, in other letters"),
        pytest.param({"Reply_To": "ann@example.org, Ann <ann@example.org>"}, id="the sender twice"),
        pytest.param({"Reply_To": "nonsense"}, id="a broken wish"),
        pytest.param({"From": '"x@evil.example" <a@b.example>', "Reply_To": "a@b.example"}, id="an address as name"),
    ],
)
def test_an_answer_goes_to_the_sender(headers: dict[str, str]) -> None:
    assert diverted(mail(**headers)["payload"]) == ""


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Reply_To": "victim@corp.example"}, id="somebody else"),
        pytest.param({"Reply_To": "ann@example.org.evil.example"}, id="a longer domain"),
        pytest.param({"Reply_To": "victim@corp.example, ann@example.org"}, id="somebody else and the sender"),
        pytest.param({"Reply_To": "ann@example.org, Vic <victim@corp.example>"}, id="the sender and somebody else"),
        pytest.param({"Reply_To": "Ann ann@example.org <victim@corp.example>"}, id="the sender as name"),
        pytest.param({"From": "undisclosed", "Reply_To": "victim@corp.example"}, id="no sender"),
    ],
)
def test_an_answer_that_would_go_to_somebody_else_says_so(headers: dict[str, str]) -> None:
    said = diverted(mail(**headers)["payload"])
    assert "Reply-To" in said
    assert reply_address(mail(**headers)["payload"]) in said
