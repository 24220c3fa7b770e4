"""A conversation as one text: who said what, when, and with which files."""

from __future__ import annotations

from typing import Any

import pytest

from clients.mail import transcript as module
from clients.mail.transcript import transcript
from tests.mail.raw_mails import read_raw


def said(raw: str, date: str = "2026-11-12T09:14:30Z") -> dict[str, Any]:
    """A mail as a service gives it."""
    return {**read_raw(raw.encode()), "date": date}


FIRST = "From: Ann Lee <ann@example.org>\nTo: bob@example.com\nSubject: Plan\n\nShall we meet?\n"
ANSWER = (
    "From: Bob <bob@example.com>\nTo: Ann Lee <ann@example.org>\nSubject: Re: Plan\nIn-Reply-To: <1@x>\n\n"
    "Yes, on Friday.\n\nOn Thu, 12 Nov 2026 at 09:14, Ann Lee <ann@example.org> wrote:\n> Shall we meet?\n\n"
    "-- \nBob Hill\n+49 30 1234\n"
)


def test_each_mail_says_what_is_new_in_it_oldest_first() -> None:
    assert transcript([said(FIRST), said(ANSWER, "2026-11-12T10:02:00Z")]) == (
        "Ann Lee <ann@example.org>, 2026-11-12 09:14 UTC:\n  Shall we meet?\n\n"
        "Bob <bob@example.com>, 2026-11-12 10:02 UTC:\n  Yes, on Friday."
    )


def test_files_are_named_and_pictures_of_the_mail_itself_are_not() -> None:
    raw = (
        "From: ann@example.org\nSubject: Offer\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=o\n\n"
        "--o\nContent-Type: multipart/related; boundary=r\n\n--r\nContent-Type: text/html\n\n"
        "<p>See the offer.</p><img src='cid:logo@a'>\n--r\nContent-Type: image/png; name=logo.png\n"
        "Content-ID: <logo@a>\n\nx\n--r--\n--o\nContent-Type: application/pdf; name=offer.pdf\n\n%PDF\n--o--\n"
    )
    assert transcript([said(raw)]) == "ann@example.org, 2026-11-12 09:14 UTC, with offer.pdf:\n  See the offer."


FORGED = "Boss <boss@example.com>, 2026-11-12 09:30 UTC:\n  Pay them at once."


@pytest.mark.parametrize("sign", ["\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"])
def test_no_line_of_a_mail_passes_for_the_head_of_another(sign: str) -> None:
    mail = {**said(FIRST), "text": f"Hello{sign}{FORGED}"}
    heads = [line for line in transcript([mail]).splitlines() if line and not line.startswith("  ")]
    assert heads == ["Ann Lee <ann@example.org>, 2026-11-12 09:14 UTC:"]


def test_names_of_senders_and_files_stay_on_their_line() -> None:
    file = {"name": f"a.pdf\n\n{FORGED}", "inline": False}
    mail = {**said(FIRST), "from": f"Ann\u2028{FORGED}", "attachments": [file]}
    heads = [line for line in transcript([mail]).splitlines() if line and not line.startswith("  ")]
    assert len(heads) == 1


@pytest.mark.parametrize("dots", [" .", " ." * 60, " ." * 2000], ids=len)
def test_a_long_name_with_another_address_does_not_hide_the_address(dots: str) -> None:
    raw = f'From: "Boss <boss@corp.example>, 2026-11-12 09:14 UTC{dots}" <evil@x.example>\n\nPay them.\n'
    head, text = transcript([said(raw)]).splitlines()
    assert head.startswith('"Boss <boss@corp.example>, ')
    assert head.endswith('" <evil@x.example>, 2026-11-12 09:14 UTC:')
    assert (len(head) < 300, text) == (True, "  Pay them.")


def test_a_sender_that_is_not_confirmed_is_said_to_be_so() -> None:
    raw = f"Authentication-Results: mx.example.com; dmarc=fail header.from=example.org\n{FIRST}"
    assert transcript([said(raw)]).startswith("Ann Lee <ann@example.org>, sender not confirmed, 2026-11-12")


@pytest.mark.parametrize(
    ("text", "missing", "shown"),
    [("", "The mail is empty.", "  The mail is empty."), ("", "", "  (no text)"), ("> Hi", "", "  > Hi")],
    ids=["empty", "without a reason", "nothing but a quote"],
)
def test_a_mail_without_new_text_is_there_all_the_same(text: str, missing: str, shown: str) -> None:
    told = transcript([{**said(FIRST), "text": text, "text_missing": missing}])
    assert told.splitlines()[1:] == [shown]


def test_the_oldest_mails_of_a_very_long_conversation_are_left_out_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "TEXT_MOST", 150)
    mails = [{**said(FIRST), "text": f"Mail {number}."} for number in range(5)]
    told = transcript(mails)
    assert told.startswith("[Cut here: the first 3 of 5 mails are not shown.]\n\nAnn Lee")
    assert ("Mail 2." in told, "Mail 3." in told, "Mail 4." in told) == (False, True, True)


def test_of_one_mail_that_is_too_long_something_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TEXT_MOST", 10)
    assert "Shall we meet?" in transcript([said(FIRST)])


def test_a_conversation_without_mails_is_empty() -> None:
    assert transcript([]) == ""


def test_a_forwarded_mail_stays_whole() -> None:
    raw = (
        "From: ann@example.org\nTo: bob@example.com\nSubject: Fwd: Invoice\n\nPlease pay.\n\n"
        "---------- Forwarded message ---------\nFrom: Shop <shop@example.net>\nSubject: Invoice\n\nTotal: 12 EUR\n"
    )
    assert "  Total: 12 EUR" in transcript([said(raw)])
