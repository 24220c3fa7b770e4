"""Mails are read as they are: what senders write beside the standards, and cuts that say so."""

from __future__ import annotations

from encodings.aliases import aliases
from typing import Any

import pytest

from clients.errors import InvalidRequest
from clients.mail.addresses import recipients
from clients.mail.charsets import codecs_of, decoded
from clients.mail.html import TAGS_MOST
from clients.mail.parameters import media_type_of, parameters
from tests.mail.raw_mails import read_raw

_PART = b"Content-Type: multipart/mixed; boundary=x\n\n--x\n\nhello\n--x\n"


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        pytest.param(
            b"Subject: a\n \t\n b\nFrom: c@d.example\n\nhello",
            {"subject": "a b", "from": "c@d.example", "text": "hello"},
            id="a line of blanks in a folded header",
        ),
        pytest.param(
            b"Subject: a\r\n \r\nFrom: c@d.example\r\n\r\nhello",
            {"subject": "a", "from": "c@d.example", "text": "hello"},
            id="a line of blanks before the next header",
        ),
        pytest.param(b"Subject: a\n \nhello there", {"subject": "a", "text": "hello there"}, id="blanks end headers"),
        pytest.param(
            b"Subject : a\nFrom\t: c@d.example\n\nhello",
            {"subject": "a", "from": "c@d.example", "text": "hello"},
            id="blanks before the colon",
        ),
        pytest.param(
            b"Subject: a long\none that was wrapped\nFrom: c@d.example\n\nhello",
            {"subject": "a long one that was wrapped", "from": "c@d.example", "text": "hello"},
            id="a fold without its blank",
        ),
        pytest.param(
            b"Subject: a\nhello\n\nyou", {"subject": "a", "text": "hello\n\nyou"}, id="no empty line after the headers"
        ),
        pytest.param(
            b"From me Mon Jan 1\nSubject: a\n>From me\nTo: b\n\nhello",
            {"subject": "a", "to": "b", "text": "hello"},
            id="lines of a mailbox file",
        ),
        pytest.param(
            b"X: " + b"y" * 1_500_000 + b"\nSubject: a\n\nhello", {"first": "hello"}, id="a megabyte of headers"
        ),
        pytest.param(b"X: y\n" * 300_000 + b"\nhello", {"first": "hello"}, id="300,000 headers"),
        pytest.param(
            _PART + b'Content-Disposition: attachment; filename="\xc3\x9c.pdf"\n\nx\n--x--',
            {"text": "hello", "names": ["Ü.pdf"]},
            id="a file name in UTF-8",
        ),
        pytest.param(
            _PART + b'Content-Disposition: attachment; filename="\xdc.pdf"\n\nx\n--x--',
            {"text": "hello", "names": ["Ü.pdf"]},
            id="a file name in Latin-1",
        ),
        pytest.param(
            _PART + b"Content-Type: application/pdf; name=\xdc.pdf\n\nx\n--x--",
            {"names": ["Ü.pdf"]},
            id="a name of a type",
        ),
        pytest.param(
            _PART + b"Content-Type: application/pdf\n\nx\n--x--", {"names": ["file.pdf"]}, id="a PDF without name"
        ),
        pytest.param(_PART + b"Content-Type: image/png\n\nx\n--x--", {"names": ["image.png"]}, id="a PNG without name"),
        pytest.param(
            _PART + b"Content-Type: text/plain\n\nyou\n--x--", {"names": [], "text": "hello\n\nyou"}, id="text"
        ),
        pytest.param(
            "Content-Type: text/plain; charset=utf-8\n\nGrüße aus Köln ".encode() + b"\xff, \xc3\x9cber",
            {"text": "Grüße aus Köln \ufffd, Über", "text_truncated": False},
            id="one bad byte in UTF-8",
        ),
        pytest.param(
            "Content-Type: text/plain; charset=iso-8859-1\n\nGrüße öäüßÖÄÜ éèê ".encode() + b"\xff",
            {"text": "Grüße öäüßÖÄÜ éèê \ufffd"},
            id="one bad byte in UTF-8 that is called Latin-1",
        ),
        pytest.param(
            b"Content-Type: text/plain; charset=iso-2022-jp\n\n\x1b$B-!$3\x1b(B!",
            {"text": "①こ!"},
            id="ISO-2022-JP with the letters of Windows",
        ),
        pytest.param(
            b"Content-Type: text/plain; charset=iso-8859-8-i\n\n" + "שלום".encode("iso-8859-8"),
            {"text": "שלום"},
            id="Hebrew in logical order",
        ),
        pytest.param(
            b'Content-Type: text/html\n\n<meta charset="koi8-r"><p>' + "привет".encode("koi8-r"),
            {"text": "привет"},
            id="HTML that names its charset",
        ),
        pytest.param(
            b"Content-Type: text/html; charset=us-ascii\n\n<META http-equiv=Content-Type content='text/html; "
            b"charset=gb2312'>" + "订单".encode("gbk"),
            {"text": "订单"},
            id="HTML that corrects its header",
        ),
        pytest.param(
            b"Subject: =?gb2312?B?18nKvQ==?= =?utf-8?Q?a_=?= b\n\nx", {"subject": "咨式a b"}, id="words that break"
        ),
        pytest.param("Subject: =?utf-8?q?a?= ü €\n\nx".encode(), {"subject": "a ü €"}, id="words beside raw letters"),
        pytest.param(
            b"Subject: "
            + "订单确认".encode("gbk")
            + b"\nContent-Type: text/plain; charset=gbk\n\n"
            + "订单".encode("gbk"),
            {"subject": "订单确认", "text": "订单"},
            id="a raw subject in the charset of the mail",
        ),
        pytest.param(
            b"Content-Type: text/html\n\n<table>"
            + b"<tr><td>Item</td><td>7</td><td>1.20</td></tr>" * 6000
            + b"<tr><td>Total</td></tr>",
            {"text_truncated": False, "last": "Total"},
            id="a table of 6,000 rows",
        ),
    ],
)
def test_a_mail_is_read_as_it_is(raw: bytes, wanted: dict[str, Any]) -> None:
    mail = read_raw(raw)
    found = {**mail, "names": [file["name"] for file in mail["attachments"]], "last": mail["text"].split("\n")[-1]}
    found["first"] = mail["text"].split("\n")[0]
    assert {name: found[name] for name in wanted} == wanted


@pytest.mark.slow
@pytest.mark.parametrize(
    ("raw", "said"),
    [
        pytest.param(
            b"Content-Type: text/html\n\n" + b"<p>word</p>" * TAGS_MOST, "only the first 60,000 tags", id="tags"
        ),
        pytest.param(b"Content-Type: text/html\n\n<p>" + b"word " * 500_000, "only the first 60,000 tags", id="HTML"),
        pytest.param(b"\n" + b"word\n" * 900_000, "only the first 4,000,000 bytes", id="bytes"),
        pytest.param(
            b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\n\nhello\n" * 2000,
            "the first 1,000 of its parts",
            id="parts",
        ),
        pytest.param(
            b"Content-Type: multipart/mixed; boundary=x\n\n--x\n\nhello\n" + b"--y\n" * 60_000 + b"--x\n\nlost\n--x--",
            "of its lines that begin with -- were examined",
            id="boundaries",
        ),
        pytest.param(
            b"Content-Type: multipart/mixed; boundary=x\n\n--x\n\nhello\n--x\n"
            + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(60)),
            "parts nested deeper than 40 levels",
            id="levels",
        ),
        pytest.param(
            b"X: " + b"y" * 1_500_000 + b"\nSubject: a\n\nhello",
            "only the first 1,000,000 bytes",
            id="a header",
        ),
        pytest.param(b"X: y\n" * 21_000 + b"\nhello", "only the first 1,000,000 bytes", id="header lines"),
    ],
)
def test_a_cut_says_so(raw: bytes, said: str) -> None:
    mail = read_raw(raw)
    assert mail["text_truncated"]
    assert said in mail["text"].rpartition("[Cut here: ")[2]


@pytest.mark.parametrize(
    ("raw", "field", "said"),
    [
        pytest.param(b"Subject: " + b"word " * 14_000 + b"\n\nhello", "subject", "60,000 of 69,999", id="subject"),
        pytest.param(b"Cc: " + b"ann@example.org, " * 4000 + b"\n\nhello", "cc", "of 67,999", id="cc"),
        pytest.param(b"To: " + b"ann@example.org, " * 4000 + b"\n\nhello", "to", "of 67,999", id="to"),
        pytest.param(b"From: " + b"ann@example.org, " * 4000 + b"\n\nhello", "from", "of 67,999", id="from"),
        pytest.param(b"\n" + b"word\n" * 300_000, "full_text", "1,000,000 of 1,499,999", id="full text"),
        pytest.param(
            b"Content-Disposition: attachment; filename=" + b"a" * 2000, "name", "1,000 of 2,000", id="a file's name"
        ),
    ],
)
def test_every_field_that_is_cut_says_so(raw: bytes, field: str, said: str) -> None:
    mail = read_raw(raw)
    found = {**mail, "name": "".join(file["name"] for file in mail["attachments"])}[field]
    assert found.endswith(" characters are shown.]")
    assert said in found.rpartition("[Cut here: ")[2]


def test_nobody_takes_cut_addresses_for_all_of_them() -> None:
    cut = read_raw(b"Cc: " + b"ann@example.org, " * 4000 + b"\n\nhello")["cc"]
    with pytest.raises(InvalidRequest):
        recipients("Cc", [cut])


@pytest.mark.slow
def test_where_reading_gave_up_before_any_text_that_is_the_reason() -> None:
    mail = read_raw(b"Content-Type: text/html\n\n" + b"<div>" * 2 * TAGS_MOST + b"hello")
    assert mail["text"] == ""
    assert mail["text_truncated"]
    assert mail["text_missing"].startswith("No text was found in what was read of the mail: only the first")
    assert read_raw(b"Subject: a\n\n")["text_missing"] == "The mail is empty."


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        pytest.param("a/b; name=c", {"name": "c"}, id="plain"),
        pytest.param('a/b; name="c; d\\" e"; X=y', {"name": 'c; d" e', "x": "y"}, id="quoted"),
        pytest.param("a/b; name=my file.pdf (a comment)", {"name": "my file.pdf"}, id="blanks without quotes"),
        pytest.param("a/b; name*=utf-8'de'%C3%9C", {"name": "Ü"}, id="a charset"),
        pytest.param("a/b; name*1*=%9C; name*0*=utf-8''%C3; name*2=x", {"name": "Üx"}, id="pieces in any order"),
        pytest.param("a/b; name*=utf-8''Ü; name=u", {"name": "Ü"}, id="letters that should be encoded"),
        pytest.param("a/b; name*0*=utf-8''%C; name*1*=3%9C", {"name": "Ü"}, id="pieces cut within a letter"),
        pytest.param("a/b; name*=x-nobody''%FF", {"name": "ÿ"}, id="an unknown charset"),
        pytest.param('a/b; name="open', {"name": "open"}, id="an open quote"),
        pytest.param("a/b;;; =; name", {}, id="nothing"),
    ],
)
def test_parameters_are_read_however_they_are_written(value: str, wanted: dict[str, str]) -> None:
    assert parameters(value) == wanted
    assert media_type_of(value) == "a/b"


@pytest.mark.parametrize(
    ("data", "charset", "text"),
    [
        pytest.param("小学".encode("gbk"), "gb2312", "小学", id="GBK that could be UTF-8"),
        pytest.param("小学".encode(), "gb2312", "小学", id="UTF-8 that Gmail made of GBK"),
        pytest.param("Её".encode("cp1251"), "windows-1251", "Её", id="Cyrillic that could be UTF-8"),
        pytest.param("hello".encode("utf-16-be"), "utf-16", "hello", id="UTF-16 without a mark"),
        pytest.param("Grüße".encode(), "utf-16", "Grüße", id="UTF-8 that Gmail made of UTF-16"),
        pytest.param("①".encode("cp932"), "shift_jis", "①", id="Shift JIS of Windows"),
        pytest.param(b"\xad\xa1\xa4\xb3", "euc-jp", "①こ", id="EUC-JP of Windows"),
        pytest.param(b"\x1b(I1\x1b(B", "iso-2022-jp", "ｱ", id="narrow katakana"),
        pytest.param("ひ".encode("iso2022_jp") + b"\x1b$B\x7f", "iso-2022-jp", "ひ", id="a torn letter"),
        pytest.param("안녕".encode("cp949") + b"\xff", "euc-kr", "안녕\ufffd", id="Korean with a bad byte"),
        pytest.param(b"\xef\xbb\xbfa\xff", "x-nobody", "a\ufffd", id="a byte order mark"),
    ],
)
def test_a_text_is_what_its_sender_wrote(data: bytes, charset: str, text: str) -> None:
    assert decoded(data, charset) == text


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("ISO-8859-1", "cp1252"),
        ("cp-1251", "cp1251"),
        ("win-1252", "cp1252"),
        ('"utf-8";', "utf-8"),
        ("utf8mb4", "utf-8"),
        ("x-windows-949", "cp949"),
        ("iso-8859-8-e", "iso8859-8"),
        ("csISO2022JP", "iso-2022-jp"),
        ("ks_c_5601-1987", "cp949"),
        ("x-mac-cyrillic", "mac-cyrillic"),
        ("hex", "utf-8"),
        ("nobody\x00knows", "utf-8"),
    ],
)
def test_a_charset_is_known_by_the_names_that_senders_use(name: str, codec: str) -> None:
    assert codecs_of(name)[0] == codec


def test_no_name_of_a_charset_makes_a_text_unreadable() -> None:
    for name in {
        *aliases,
        *aliases.values(),
        "idna",
        "punycode",
        "undefined",
        "unicode_escape",
        "utf_7",
        "\0",
        "\ud800",
    }:
        for data in (bytes(range(256)), b"\\ud800 \xfc +2AA-", b"+2AA- xn--\x1b$B~{", b"a\0b\0c"):
            assert decoded(data, name).encode(), name
