"""Raw mails of every kind as Gmail's parts."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from demo.gmail.mime import (
    MimeMail,
    from_base64url,
    headers_of,
    payload,
    with_header,
    without_header,
    words_of_html,
)
from tests.demo.gmail_schema import differences
from tests.few import examples

NESTED = b"""From: =?utf-8?q?J=C3=B6rg?= <j@example.org>
Subject: =?iso-8859-1?q?Gr=FC=DFe?=
 =?iso-8859-1?q?_an_alle?=
Content-Type: multipart/mixed; boundary=out

preamble
--out
Content-Type: multipart/alternative; boundary=in

--in
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Gr=FC=DFe
--in
Content-Type: text/html; charset=utf-8

<p>Gr&uuml;&szlig;e</p>
--in--
--out
Content-Type: application/octet-stream
Content-Disposition: attachment; filename*=utf-8''bericht%20%C3%BC.bin
Content-Transfer-Encoding: base64

AAECAw==
--out
Content-Type: message/rfc822

Subject: inner

inner text
--out--
"""


def part(*path: int) -> dict[str, Any]:
    found = payload(MimeMail.parse(NESTED), "m1")
    for index in path:
        found = found["parts"][index]
    return found


def text_of(found: dict[str, Any]) -> str:
    return from_base64url(found["body"]["data"]).decode()


def test_the_tree_has_gmails_part_ids() -> None:
    assert list(differences(part(), "MessagePart")) == []
    assert [part(0)["partId"], part(0, 0)["partId"], part(1)["partId"], part(2, 0)["partId"]] == [
        "0",
        "0.0",
        "1",
        "2.0",
    ]
    assert part(2)["mimeType"] == "message/rfc822"
    assert text_of(part(2, 0)).strip() == "inner text"


def test_headers_are_decoded_and_unfolded() -> None:
    headers = {each["name"]: each["value"] for each in part()["headers"]}
    assert headers["Subject"] == "Grüße an alle"
    assert headers["From"] == "Jörg <j@example.org>"


def test_text_is_utf_8_with_its_size() -> None:
    assert text_of(part(0, 0)) == "Grüße"
    assert part(0, 0)["body"]["size"] == len("Grüße".encode())


def test_a_named_part_is_given_by_id_only() -> None:
    found = part(1)
    assert found["filename"] == "bericht ü.bin"
    assert found["body"]["size"] == 4
    assert set(found["body"]) == {"attachmentId", "size"}


def test_the_text_is_the_plain_one() -> None:
    assert MimeMail.parse(NESTED).text.split("\n")[0] == "Grüße"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_header_is_set_in_place_of_its_like(end: str) -> None:
    raw = end.join(["A: 1", "Date: old,", " folded", "B: 2", "", "Date: in the body"]).encode()
    changed = with_header(raw, "date", "new")
    assert headers_of(MimeMail.parse(changed).message) == [("date", "new"), ("A", "1"), ("B", "2")]
    assert changed.endswith(b"Date: in the body")
    bare, value = without_header(raw, "Date")
    assert value == "old, folded"
    assert headers_of(MimeMail.parse(bare).message) == [("A", "1"), ("B", "2")]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        pytest.param("<p>a</p><p>b</p>", "a\nb", id="blocks"),
        pytest.param("<style>p{}</style><title>t</title>a<script>x</script>", "a", id="silent parts"),
        pytest.param("a &lt;b&gt; &amp; c", "a <b> & c", id="entities"),
        pytest.param("a <![if x]> b", "a b", id="Outlook's own"),
        pytest.param("a <!-- c --> b", "a b", id="comment"),
        pytest.param("a <!--[if mso]>c<![endif]--> b", "a b", id="Outlook's comment"),
        pytest.param("a <![odd thing]]> b", "a b", id="unknown declaration"),
    ],
)
def test_html_gives_its_words(source: str, words: str) -> None:
    assert re.sub(" +", " ", words_of_html(source)) == words


LINES = [
    b"Subject: x",
    b"Subject: =?utf-8?b?\xff?=",
    b"From: \xe4\xf6 <a@b>",
    b"Content-Type: multipart/mixed; boundary=x",
    b"Content-Type: multipart/mixed",
    b"Content-Type: text/html; charset=hex",
    b"Content-Type: text/plain; charset*=utf-8''%ff; name*0*=x''%e4; name*1=y",
    b'Content-Disposition: attachment; filename="=?x?q?="',
    b"Content-Transfer-Encoding: base64",
    b"Content-Transfer-Encoding: uuencode",
    b"Date: Mon, 99 Foo 99999 25:61:61 +9999",
    b"",
    b"--x",
    b"--x--",
    b"<![CDATA[ <![x <p>\xff\xfe &#x110000;",
    b"AAE=",
    b"begin 666 a",
]


@examples(300)
@given(st.lists(st.sampled_from(LINES) | st.binary(max_size=20), max_size=14).map(b"\n".join))
@example(b"Content-Type: text/html\n\n<![odd <p>a")
def test_any_bytes_are_a_mail(raw: bytes) -> None:
    mail = MimeMail.parse(raw)
    assert list(differences(payload(mail, "m1"), "MessagePart")) == []
    mail.search_fields()
    mail.snippet().encode()
    assert mail.date_ms is None or mail.date_ms < 10**16


@given(st.binary(max_size=50))
def test_base64url_comes_back(data: bytes) -> None:
    assert from_base64url(base64.urlsafe_b64encode(data).decode()) == data


@pytest.mark.parametrize("text", ["a", "!", "é", "abc=def"])
def test_what_is_no_base64_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not base64url"):
        from_base64url(text)
