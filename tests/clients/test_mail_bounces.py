"""Reports that a mail was not delivered, in the forms of several servers, and mails that only look like one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.mail.bounces import Bounce, bounce_in, bounce_in_bytes, told
from clients.mail.opening import opened
from clients.mail.parts import nothing_left_out
from clients.mail.raw import payload_of
from clients.mail.text import read_mail
from tests.mail.bounced import FORMS, Returned, delayed, exim_report, gmail, postfix, qmail

MARKER = "a" * 32
MAIL = Returned(f"<orchestra.{MARKER}@home.example>", MARKER, ("ann@example.org", "bob@other.example"))
STATUS = {
    "postfix": "5.1.1",
    "exim_report": "5.0.0",
    "exim_text": "5.1.1",
    "exchange": "5.1.10",
    "gmail": "5.1.1",
    "outlook_com": "5.5.0",
    "qmail": "5.1.1",
    "internationalized": "5.1.1",
    "by_envelope": "5.7.1",
}
DIAGNOSTIC = {
    "postfix": "550 5.1.1 <ann@example.org>: user unknown",
    "exim_report": "550 5.1.1 No such user here",
    "exim_text": "550 5.1.1 No such user here",
    "exchange": "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
    "gmail": "550 5.1.1 The account does not exist. Please check the address.",
    "outlook_com": "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302).",
    "qmail": "550 5.1.1 sorry, no mailbox here (#5.1.1) Giving up on 192.0.2.7.",
    "internationalized": "550 5.1.1 unbekannt: Köln",
    "by_envelope": "",
}


def read(content: bytes) -> Bounce:
    found = bounce_in_bytes(content)
    assert found is not None
    return found


@pytest.mark.parametrize("form", FORMS)
def test_each_form_says_who_did_not_get_which_mail_and_why(form: str) -> None:
    found = read(FORMS[form](MAIL, "1"))
    assert [one["address"] for one in found.recipients] == [*MAIL.recipients]
    assert {(one["action"], one["status"]) for one in found.recipients} == {("failed", STATUS[form])}
    assert found.recipients[0]["diagnostic"] == DIAGNOSTIC[form]
    assert found.is_failure
    assert found.marker == MARKER or form == "none"
    if form not in {"outlook_com", "by_envelope"}:
        assert found.message_id == MAIL.message_id


@pytest.mark.parametrize("form", FORMS)
def test_a_mail_that_was_opened_first_and_one_as_workflows_see_it_say_the_same(form: str) -> None:
    payload = payload_of(FORMS[form](MAIL, "1"))
    found = bounce_in(payload)
    assert bounce_in(opened(payload, nothing_left_out)) == found
    mail = read_mail(payload, nothing_left_out)
    assert found is not None
    assert {name: mail[name] for name in ("is_bounce", "bounce")} == told(found)
    assert mail["is_bounce"] is True


def test_a_service_may_read_each_group_of_fields_as_a_mail_of_its_own() -> None:
    payload = payload_of(postfix(MAIL))
    groups = [
        {"mimeType": "text/plain", "headers": [{"name": "Reporting-MTA", "value": "dns; x"}], "body": {"size": 0}},
        {
            "mimeType": "text/plain",
            "headers": [
                {"name": "Final-Recipient", "value": "rfc822; ann@example.org"},
                {"name": "Action", "value": "failed"},
                {"name": "Status", "value": "5.2.2"},
            ],
            "body": {"size": 0},
        },
    ]
    status = payload["parts"][1]
    payload["parts"][1] = {**status, "body": {"size": 0}, "parts": groups}
    found = bounce_in(payload)
    assert found is not None
    assert [(one["address"], one["status"]) for one in found.recipients] == [("ann@example.org", "5.2.2")]


def test_a_mail_that_is_late_did_not_fail() -> None:
    found = read(delayed(MAIL))
    assert [(one["action"], one["status"]) for one in found.recipients] == [("delayed", "4.4.1")]
    assert not found.is_failure
    assert found.message_id == MAIL.message_id


def test_a_report_without_the_mail_names_it_by_its_own_references() -> None:
    raw = gmail(MAIL).replace(b"Content-Type: message/rfc822", b"Content-Type: text/plain")
    assert read(raw).message_id == MAIL.message_id


def test_an_action_that_is_missing_follows_from_the_status() -> None:
    found = read(postfix(MAIL).replace(b"Action: failed\r\n", b""))
    assert {one["action"] for one in found.recipients} == {"failed"}


@pytest.mark.parametrize(
    "raw",
    [
        MAIL.text.encode(),
        b"From: a@b.example\r\nSubject: Undeliverable: Offer\r\n\r\nFinal-Recipient: rfc822; ann@example.org\r\n",
        postfix(MAIL).replace(b"message/delivery-status", b"message/disposition-notification"),
        b"",
    ],
    ids=["a mail", "words of one", "a receipt", "nothing"],
)
def test_other_mails_are_no_reports(raw: bytes) -> None:
    assert bounce_in_bytes(raw) is None
    assert read_mail(payload_of(raw), nothing_left_out)["is_bounce"] is False


def test_a_report_within_a_mail_that_somebody_forwards_is_not_that_mail() -> None:
    raw = (
        b"From: bob@other.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n"
        b"Content-Type: text/plain\r\n\r\nSee below\r\n--x\r\nContent-Type: message/rfc822\r\n\r\n"
        + postfix(MAIL)
        + b"\r\n--x--\r\n"
    )
    assert bounce_in_bytes(raw) is None


def test_hidden_characters_and_long_answers_are_no_part_of_what_is_told() -> None:
    raw = postfix(MAIL).replace(b"user unknown", b"=?utf-8?q?un=E2=80=AEknown?= " + b"x" * 5000)
    said = read(raw).recipients[0]["diagnostic"]
    assert "\u202e" not in said
    assert len(said) <= 502


def test_many_recipients_are_bounded() -> None:
    many = Returned("<a@b>", MARKER, tuple(f"a{number}@example.org" for number in range(300)))
    assert [len(read(form(many, "1")).recipients) for form in (postfix, qmail, exim_report)] == [100, 100, 100]


@given(st.sampled_from([*FORMS]), st.integers(0, 3000), st.binary(max_size=40))
def test_damaged_reports_break_nothing(form: str, place: int, junk: bytes) -> None:
    raw = FORMS[form](MAIL, "1")
    found = bounce_in_bytes(raw[:place] + junk + raw[place + len(junk) :])
    assert found is None or len(found.recipients) <= 100
