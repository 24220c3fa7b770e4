"""Gmail's messages as workflows see them, however odd the mail."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from clients.gmail.mail import read_message
from clients.mail.charsets import decoded
from clients.mail.parts import from_base64url, header, nothing_left_out, shown
from clients.mail.text import TEXT_MOST, read_mail


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def part(kind: str, content: bytes = b"", *parts: dict[str, Any], **headers: str) -> dict[str, Any]:
    named = [{"name": name.replace("_", "-"), "value": value} for name, value in headers.items()]
    body = {"size": len(content), "data": encoded(content)} if content else {"size": 0}
    return {"mimeType": kind, "filename": "", "headers": named, "body": body, "parts": list(parts)}


def file(name: str, kind: str = "application/pdf", number: str = "1") -> dict[str, Any]:
    body = {"size": 7, "attachmentId": "changes-each-time"}
    return {"partId": number, "mimeType": kind, "filename": name, "headers": [], "body": body}


def nothing(_: str) -> str:
    raise AssertionError("nothing is to be loaded")


def nested(levels: int) -> dict[str, Any]:
    tree = part("text/plain", b"deep")
    for _ in range(levels):
        tree = part("multipart/mixed", b"", tree)
    return tree


PLAIN, HTML = part("text/plain", b"plain"), part("text/html", b"<p>html</p>")


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        pytest.param(PLAIN, "plain", id="plain"),
        pytest.param(HTML, "html", id="HTML only"),
        pytest.param(part("multipart/alternative", b"", HTML, PLAIN), "plain", id="plain is preferred"),
        pytest.param(
            part("multipart/alternative", b"", part("text/plain", b" \r\n "), HTML), "html", id="plain is blank"
        ),
        pytest.param(
            part("multipart/alternative", b"", part("multipart/related", b"", HTML)), "html", id="HTML with pictures"
        ),
        pytest.param(part("multipart/mixed", b"", PLAIN, file("a.pdf"), HTML), "plain\n\nhtml", id="two texts, a file"),
        pytest.param(part("multipart/mixed", b"", {**PLAIN, "filename": "log.txt"}), "", id="a text file is not text"),
        pytest.param(
            part("multipart/mixed", b"", part("text/plain", b"x", Content_Disposition="Attachment; x=1")),
            "",
            id="attached",
        ),
        pytest.param(
            part("multipart/mixed", b"", PLAIN, part("message/rfc822", b"", HTML)),
            "plain\n\n---------- Forwarded message ---------\n\nhtml",
            id="a mail inside",
        ),
        pytest.param({}, "", id="no payload"),
        pytest.param({"mimeType": "text/plain"}, "", id="no body"),
        pytest.param({"body": {"data": encoded(b"bare")}}, "bare", id="no media type"),
        pytest.param({"mimeType": "multipart/mixed", "parts": None, "headers": None}, "", id="nulls"),
        pytest.param(part("text/plain", b"a\r\nb\x00\n\n\n\n\nc  \n"), "a\nb\n\nc", id="line ends"),
        pytest.param(part("text/plain", b"Hi\n> quoted\n> more"), "Hi\n> quoted\n> more", id="quotes are not cut"),
        pytest.param(nested(30), "deep", id="nested"),
        pytest.param(nested(300), "", id="nested beyond all reason"),
    ],
)
def test_the_words_of_a_mail(payload: dict[str, Any], text: str) -> None:
    assert read_mail(payload, nothing)["text"] == text


def test_a_large_text_is_loaded() -> None:
    payload = {"mimeType": "text/plain", "body": {"attachmentId": "big", "size": 5}}
    assert read_mail(payload, {"big": encoded(b"large")}.__getitem__)["text"] == "large"


def test_a_long_text_is_cut_and_says_so() -> None:
    whole = read_message({"payload": part("text/plain", b"x" * TEXT_MOST)}, nothing)
    cut = read_message({"payload": part("text/plain", b"x" * (TEXT_MOST + 1))}, nothing)
    assert (len(whole["text"]), whole["text_truncated"]) == (TEXT_MOST, False)
    assert cut["text"].startswith("x" * TEXT_MOST)
    assert cut["text"].endswith("[Cut here: 200,000 of 200,001 characters are shown.]")
    assert (cut["text_truncated"], len(cut["full_text"])) == (True, TEXT_MOST + 1)


@pytest.mark.parametrize(
    ("data", "charset", "text"),
    [
        pytest.param("Grüße".encode(), "utf-8", "Grüße", id="UTF-8"),
        pytest.param("Grüße".encode(), "iso-8859-1", "Grüße", id="UTF-8 in spite of the header"),
        pytest.param("Grüße".encode("latin-1"), "iso-8859-1", "Grüße", id="Latin-1"),
        pytest.param(b"\x80 5 \x96 6", "iso-8859-1", "€ 5 – 6", id="Windows' letters under Latin-1"),
        pytest.param("Привет".encode("koi8-r"), "koi8-r", "Привет", id="KOI8-R"),
        pytest.param("こんにちは".encode("iso-2022-jp"), "ISO-2022-JP", "こんにちは", id="ISO-2022-JP is ASCII bytes"),
        pytest.param("你好".encode("gbk"), "gb2312", "你好", id="GBK under gb2312"),
        pytest.param("hi".encode("utf-16"), "utf-16", "hi", id="UTF-16"),
        pytest.param(b"caf\xe9", "x-vendor-9", "café", id="an unknown charset"),
        pytest.param(b"caf\xe9", "hex", "café", id="a codec that is not a charset"),
        pytest.param(b"caf\xe9", "bad\x00name", "café", id="a broken name"),
        pytest.param(b"caf\xe9 \xff", "utf-8", "café ÿ", id="broken UTF-8"),
        pytest.param(b"\xff\xfe\x81", "shift_jis", "�", id="broken Shift JIS"),
        pytest.param(b"", "", "", id="nothing"),
    ],
)
def test_every_charset_is_read_without_an_error(data: bytes, charset: str, text: str) -> None:
    assert decoded(data, charset) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param("Hello", "Hello", id="plain"),
        pytest.param("=?utf-8?q?Gr=C3=BC=C3=9Fe?= you", "Grüße you", id="encoded words"),
        pytest.param("=?utf-8?b?8J+YgA==?= =?utf-8?q?_x?=", "😀 x", id="two encodings"),
        pytest.param("=?x-unknown?q?caf=E9?=", "café", id="unknown charset"),
        pytest.param("=?utf-8?b?!!!?=", "", id="broken base64"),
        pytest.param("a\r\n b\tc", "a b c", id="folded"),
        pytest.param("=?utf-8?q?a=0D=0AX-Evil:_1?=", "a X-Evil: 1", id="a line end inside"),
    ],
)
def test_headers_are_shown_as_people_read_them(value: str, text: str) -> None:
    assert shown(value) == text


def test_a_mail_has_the_shape_that_workflows_see() -> None:
    payload = part(
        "multipart/mixed",
        b"",
        PLAIN,
        file("Rechnung.pdf", number="2"),
        file("", "message/rfc822", number="3"),
        From="=?utf-8?q?J=C3=BCrgen?= <j@example.com>",
        To="me@example.com",
        SUBJECT="Hello",
        Message_ID="<1@example.com>",
    )
    assert read_message({"payload": payload, "internalDate": "1767268860999"}, nothing_left_out) == {
        "message_id": "<1@example.com>",
        "from": "Jürgen <j@example.com>",
        "to": "me@example.com",
        "cc": "",
        "subject": "Hello",
        "reply_to": "",
        "importance": "normal",
        "list": {"id": "", "unsubscribe": "", "one_click": False},
        "is_auto_reply": False,
        "is_bounce": False,
        "bounce": {"message_id": "", "recipients": []},
        "language": "",
        "authentication": {"server": "", "spf": "", "dkim": "", "dmarc": ""},
        "headers": {},
        "sent_at": "",
        "received_at": "2026-01-01T12:01:00Z",
        "date": "2026-01-01T12:01:00Z",
        "text": "plain",
        "text_truncated": False,
        "full_text": None,
        "text_missing": "",
        "left_out": ["The file 'mail.eml' was not opened, as it is too large or is not there."],
        "signature": "",
        "invitations": [],
        "attachments": [
            {"id": "2", "name": "Rechnung.pdf", "media_type": "application/pdf", "bytes": 7, "inline": False},
            {"id": "3", "name": "mail.eml", "media_type": "message/rfc822", "bytes": 7, "inline": False},
        ],
        "parts": [
            {"id": "0", "name": "text.txt", "media_type": "text/plain", "bytes": 5, "inline": True},
            {"id": "2", "name": "Rechnung.pdf", "media_type": "application/pdf", "bytes": 7, "inline": False},
            {"id": "3", "name": "mail.eml", "media_type": "message/rfc822", "bytes": 7, "inline": False},
        ],
    }


@pytest.mark.parametrize("date", [None, "", "soon", "-1", "9" * 30])
def test_a_date_that_is_none_does_no_harm(date: Any) -> None:
    assert read_message({"payload": PLAIN, "internalDate": date}, nothing)["date"] == "1970-01-01T00:00:00Z"


def test_an_empty_message_has_every_field() -> None:
    assert read_message({}, nothing)["subject"] == ""


def test_the_first_header_of_a_name_counts_whatever_its_case() -> None:
    named = {"headers": [{"name": "SUBJECT", "value": "a"}, {"name": "Subject", "value": "b"}, {}]}
    assert header(named, "subject") == "a"
    assert header(named, "missing") == ""


@pytest.mark.parametrize("data", ["", "=", "a", "!!!!", "aGk", "aGk=", "a-_b", "a+/b"])
def test_base64_never_fails(data: str) -> None:
    assert isinstance(from_base64url(data), bytes)
