"""Mails in files: what is not read of one is said."""

from __future__ import annotations

from pathlib import Path

from tests.engine.sandbox.readers.reading import answered

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
    assert (found["truncated"], found["notes"]) == (False, ["The mail is encrypted."])


def test_an_attached_mail_is_named_by_its_subject(tmp_path: Path) -> None:
    attached = b"\n--x\nContent-Type: message/rfc822\n\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n\nHi\n--x--"
    found = answered(tmp_path, "a.eml", _HEAD + b"multipart/mixed; boundary=x\n\n--x\n\nSee.\n" + attached, "text")
    assert found["text"].endswith("See.\n\nAttachments: mail 'Grüße'")
