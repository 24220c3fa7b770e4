"""Mails in files: what is not read of one is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.sandbox.readers.reading import answered
from tests.mail import outlook

_HEAD = b"From: ann@a.example\nSubject: Hello\nContent-Type: "


def test_a_mail_of_which_not_all_is_read_is_truncated(tmp_path: Path) -> None:
    found = answered(tmp_path, "a.eml", _HEAD + b"text/html\n\n" + b"<br>" * 60_001 + b"end", "text", form="markdown")
    assert (found["truncated"], found["left_out"]) == (True, "a part of the mail")
    assert found["text"].endswith("[Cut here: a part of the mail left out.]")
    assert found["notes"][0].startswith("Not all of the mail was read: only the first 60,000 tags")


def test_a_long_mail_is_read_up_to_the_limit(tmp_path: Path) -> None:
    found = answered(tmp_path, "a.eml", _HEAD + b"text/plain\n\n" + b"word\n" * 100_000 + b"end", "text")
    assert (found["truncated"], found["text"][-8:]) == (False, "word\nend")


def test_why_a_mail_has_no_text_is_said(tmp_path: Path) -> None:
    found = answered(tmp_path, "a.eml", _HEAD + b"application/pkcs7-mime\n\nMIAGCSqGSIb3DQEHA6CA", "text")
    assert (found["truncated"], found["notes"]) == (
        False,
        ["The mail is encrypted for its recipient: open it in a mail program that has the key."],
    )


def test_an_attached_mail_is_named_by_its_subject(tmp_path: Path) -> None:
    attached = b"\n--x\nContent-Type: message/rfc822\n\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n\nHi\n--x--"
    found = answered(tmp_path, "a.eml", _HEAD + b"multipart/mixed; boundary=x\n\n--x\n\nSee.\n" + attached, "text")
    assert found["text"].endswith(
        "See.\n\n---------- Forwarded message ---------\nSubject: Grüße\n\nHi\n\nAttachments: Grüße.eml"
    )


_WINMAIL = outlook.winmail(outlook.file("notes.txt", b"notes"), of=[outlook.text(0x1000, "Hello from Outlook.")])


def _piece(content: bytes) -> bytes:
    return bytes([4, len(content)]) + content


_SIGNED = (
    bytes.fromhex("308006092a864886f70d010702a08030800201013100308006092a864886f70d010701a0802480")
    + _piece(b"Content-Type: text/plain\n\n")
    + _piece(b"Signed.")
    + bytes(14)
)
_CALENDAR = (
    b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nSUMMARY:Lunch\r\nDTSTART;VALUE=DATE:20261224\r\n"
    b"DESCRIPTION:Bring cake.\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


@pytest.mark.parametrize(
    ("name", "content", "kind", "text"),
    [
        pytest.param(
            "winmail.dat", _WINMAIL, "winmail", "Hello from Outlook.\n\nAttachments: notes.txt", id="winmail.dat"
        ),
        pytest.param("smime.p7m", _SIGNED, "smime", "Signed.", id="S/MIME"),
        pytest.param(
            "invite.ics",
            _CALENDAR,
            "calendar",
            "Invitation (REQUEST): Lunch\nWhen: Thursday, 24 December 2026, all day\n\nBring cake.",
            id="an invitation",
        ),
    ],
)
def test_what_mail_programs_write_is_read(tmp_path: Path, name: str, content: bytes, kind: str, text: str) -> None:
    assert answered(tmp_path, name, content, "detect")["name"] == kind
    found = answered(tmp_path, name, content, "text")
    assert (found["text"], found["notes"], found["truncated"]) == (text, [], False)
