"""Mails that go out: read back by Python's own parser, as a mail program would."""

from __future__ import annotations

import email
import email.policy
from contextlib import suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from random import Random
from typing import Any

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from clients.errors import InvalidRequest
from clients.mail.outgoing import File, OutgoingMail, as_bytes, build, message_id, reply_subject
from clients.mail.parts import header, shown
from clients.mail.raw import headers_of
from clients.mail.rendered import html_of

ME = "me@example.com"
MARKER = "a1b2c3d4" * 4
WHEN = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


def sent(mail: OutgoingMail, answers: dict[str, Any] | None = None) -> EmailMessage:
    parsed = email.message_from_bytes(as_bytes(build(mail, ME, MARKER, answers, WHEN)), policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def original(**headers: str) -> dict[str, Any]:
    return {"headers": [{"name": name.replace("_", "-"), "value": value} for name, value in headers.items()]}


def test_a_mail_says_what_it_should() -> None:
    mail = sent(OutgoingMail(["Ann <ann@example.com>"], ["b@example.com"], ["c@example.com"], "Grüße 😀", "Hällo\n"))
    assert mail["From"] == ME
    assert (mail["To"], mail["Cc"], mail["Bcc"]) == ("Ann <ann@example.com>", "b@example.com", "c@example.com")
    assert mail["Subject"] == "Grüße 😀"
    assert mail.get_content().strip() == "Hällo"
    assert mail["Message-ID"] == f"<orchestra.{MARKER}@example.com>"
    assert mail["X-Orchestra"] == MARKER
    assert mail["Date"] == "Thu, 01 Jan 2026 12:00:00 +0000"
    assert mail["Auto-Submitted"] is None


def test_long_subjects_and_names_keep_every_letter_and_space() -> None:
    """As our own reader shows them; Python's parser agrees about subjects."""
    words, chosen = "Büro Größe, möglich Angebot… Straße. Grüße 😀 über Rechnung für Lagerübersicht".split(), Random(1)
    for _ in range(200):
        subject, name = (" ".join(chosen.choices(words, k=chosen.randint(3, 14))) for _ in range(2))
        content = as_bytes(
            build(OutgoingMail([f'"{name}" <a@b.example>', "b@c.example"], subject=subject), ME, MARKER, None, WHEN)
        )
        assert max(map(len, content.split(b"\r\n"))) <= 78
        read = headers_of(content)
        assert shown(header(read, "Subject")) == subject
        assert shown(header(read, "To")).replace('"', "") == f"{name} <a@b.example>, b@c.example"
        assert email.message_from_bytes(content, policy=email.policy.default)["Subject"] == subject


@pytest.mark.parametrize(
    ("account", "domain"),
    [
        pytest.param("me@Example.COM", "example.com", id="the account's domain"),
        pytest.param("me", "mail.orchestra.invalid", id="no domain"),
        pytest.param("me@exa mple", "mail.orchestra.invalid", id="a broken domain"),
        pytest.param("me@bücher.example", "mail.orchestra.invalid", id="a domain that is not ASCII"),
        pytest.param("", "mail.orchestra.invalid", id="no account"),
    ],
)
def test_the_message_id_is_always_well_formed(account: str, domain: str) -> None:
    assert message_id("m1", account) == f"<orchestra.m1@{domain}>"


def test_the_message_id_is_written_whole_however_long_the_domain() -> None:
    account = f"me@{'long-' * 12}name.example"
    written = build(OutgoingMail(["a@example.com"]), account, MARKER, None, WHEN).as_bytes()
    assert b"Message-ID: " + message_id(MARKER, account).encode() + b"\r\n" in written


def test_an_answer_stays_in_its_thread_and_says_that_a_program_wrote_it() -> None:
    long = f"<{'x' * 150}@example.com>"
    answered = original(Message_ID=long, References="<0@a> <1@a>", Subject="=?utf-8?q?Caf=C3=A9?=")
    mail = sent(OutgoingMail(["a@example.com"]), answered)
    assert mail["Subject"] == "Re: Café"
    written = as_bytes(build(OutgoingMail(["a@example.com"]), ME, MARKER, answered, WHEN))
    assert b"In-Reply-To: " + long.encode() + b"\r\n" in written, "Python's own reader would undo an encoding"
    assert mail["In-Reply-To"] == long
    assert mail["References"].split() == ["<0@a>", "<1@a>", long]
    assert mail["Auto-Submitted"] == "auto-replied"


def test_a_long_thread_keeps_its_first_and_its_last_mails() -> None:
    answered = original(Message_ID="<last@a>", References=" ".join(f"<{number}@a>" for number in range(50)))
    references = sent(OutgoingMail(["a@example.com"]), answered)["References"].split()
    assert (references[0], references[-1], len(references)) == ("<0@a>", "<last@a>", 9)


def test_a_mail_without_references_hands_on_what_it_answered() -> None:
    answered = original(Message_ID="<2@a>", In_Reply_To="<1@a>")
    assert sent(OutgoingMail(["a@example.com"]), answered)["References"].split() == ["<1@a>", "<2@a>"]


@pytest.mark.parametrize("message_id", ["nonsense", "<日@a>", "<a\0b@a>", "<a<b@a>", f"<{'x' * 300}@a>"])
def test_an_answer_to_a_mail_without_a_usable_id_is_written_too(message_id: str) -> None:
    mail = sent(OutgoingMail(["a@example.com"]), original(Message_ID=message_id, Subject="x"))
    assert mail["In-Reply-To"] is None
    assert mail["Auto-Submitted"] == "auto-replied"


@pytest.mark.parametrize(
    ("subject", "old", "expected"),
    [
        pytest.param("", "Hello", "Re: Hello", id="the old one"),
        pytest.param("", "RE: Hello", "RE: Hello", id="one Re: is enough"),
        pytest.param("News", "Hello", "Re: News", id="an own one"),
        pytest.param("", "", "Re: ", id="none"),
    ],
)
def test_the_subject_of_an_answer(subject: str, old: str, expected: str) -> None:
    assert reply_subject(subject, original(Subject=old)) == expected


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("nobody", id="no sign"),
        pytest.param("a@", id="no domain"),
        pytest.param("@b.example", id="nobody there"),
        pytest.param("a b@c.example", id="a blank"),
        pytest.param("a@b..example", id="two dots"),
        pytest.param("ü@b.example", id="a name that is not ASCII"),
        pytest.param("a@b.example\nBcc: evil@c.example", id="a second line"),
        pytest.param("<>", id="nothing inside"),
        pytest.param("Doe, Jane", id="a name only"),
    ],
)
def test_a_wrong_address_is_refused_by_name(address: str) -> None:
    with pytest.raises(InvalidRequest):
        sent(OutgoingMail([address]))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        pytest.param("a@b.example, c@d.example", "a@b.example, c@d.example", id="two in one"),
        pytest.param("Doe, Jane <j@b.example>", '"Doe, Jane" <j@b.example>', id="as mails are shown"),
        pytest.param('"Doe, Jane" <j@b.example>', '"Doe, Jane" <j@b.example>', id="in quotes"),
        pytest.param("Jürgen <j@b.example>", "Jürgen <j@b.example>", id="letters"),
        pytest.param("j@bücher.example", "j@xn--bcher-kva.example", id="a domain in letters"),
        pytest.param("j@faß.example", "j@xn--fa-hia.example", id="a domain that another one was once taken for"),
        pytest.param("j@BÜCHER。example", "j@xn--bcher-kva.example", id="a domain in capitals, with a wide dot"),
    ],
)
def test_addresses_are_read_as_people_write_them(address: str, expected: str) -> None:
    assert sent(OutgoingMail([address]))["To"] == expected


def test_files_are_attached() -> None:
    files = [File("Übersicht.txt", "ä".encode()), File("a.zip", b"PK", "application/zip"), File("m.eml", b"x")]
    found = {part.get_filename(): part for part in sent(OutgoingMail(["a@b.example"], files=files)).iter_attachments()}
    assert found["Übersicht.txt"].get_payload(decode=True) == "ä".encode()
    assert found["a.zip"].get_content_type() == "application/zip"
    assert found["m.eml"].get_content_type() == "application/octet-stream"


@pytest.mark.slow
@given(subject=st.text(max_size=300), text=st.text(max_size=300), name=st.text(max_size=40), file=st.text(max_size=40))
def test_nothing_that_a_model_writes_adds_a_header(subject: str, text: str, name: str, file: str) -> None:
    mail = sent(
        OutgoingMail(
            ["a@b.example"], subject=f"{name}\r\nBcc: evil@c.example\n{subject}", text=text, files=[File(file, b"")]
        )
    )
    assert set(mail.keys()) == {
        *("From", "To", "Subject", "Date", "Message-ID", "X-Orchestra", "MIME-Version", "Content-Type"),
    }
    assert mail["To"] == "a@b.example"


def test_letters_that_no_server_takes_before_the_at_are_told_with_the_address() -> None:
    with pytest.raises(InvalidRequest, match=r"^To: 'jörg@example.com' has non-ASCII characters before the @"):
        sent(OutgoingMail(["jörg@example.com"], subject="x"))


@pytest.mark.parametrize(
    ("value", "says"),
    [
        pytest.param("not an address", "'not an address' is not", id="words"),
        pytest.param("a@example.com, bad one", "'bad one' in 'a@example.com, bad one' is not", id="one of two"),
        pytest.param("a@exam ple.com", "'a@exam ple.com' is not", id="a blank, which would lead to somebody else"),
        pytest.param("Ann <ann>", "'Ann <ann>' is not", id="a name"),
    ],
)
def test_what_is_no_address_is_named_whole(value: str, says: str) -> None:
    with pytest.raises(InvalidRequest, match=f"^To: {says} a mail address"):
        sent(OutgoingMail([value], subject="x"))


@pytest.mark.parametrize(
    ("domain", "why"),
    [
        pytest.param("☃.example", "U\\+2603", id="a symbol"),
        pytest.param("ü..example", "Empty Label", id="an empty part"),
        pytest.param(f"{'ü' * 64}.example", "too long", id="a part of more than 63 letters"),
    ],
)
def test_a_domain_that_cannot_exist_is_told_with_the_reason(domain: str, why: str) -> None:
    with pytest.raises(InvalidRequest, match=f"^To: 'a@{domain}' has a domain that cannot exist: .*{why}"):
        sent(OutgoingMail([f"a@{domain}"], subject="x"))


HIDDEN = [
    pytest.param("=?utf-8?q?a=0d=0aBcc:_evil@c.example?=", id="quoted"),
    pytest.param("=?utf-8?b?YQ0KQmNjOiBldmlsQGMuZXhhbXBsZQ==?=", id="base64"),
    pytest.param("=?utf-8*en?Q?a=0aBcc:_evil@c.example?=", id="with a language"),
    pytest.param("x=?utf-8?q?a=0aBcc:_evil@c.example?=y", id="within a word"),
    pytest.param("=?x y?q?a=0aBcc:_evil@c.example?=", id="of a charset that is none"),
]


@pytest.mark.parametrize("word", HIDDEN)
def test_a_line_end_in_an_encoded_word_begins_no_header(word: str) -> None:
    raw = as_bytes(
        build(OutgoingMail([f'"{word}" <a@b.example>'], (), (), word, "", [File(word, b"")]), ME, MARKER, None, WHEN)
    )
    assert b"\nbcc" not in raw.lower()
    assert sent(OutgoingMail(["a@b.example"], subject=word))["Subject"] == word.replace("=?", "= ?", 1)


@pytest.mark.parametrize("word", HIDDEN)
@pytest.mark.parametrize("address", ["{}@b.example", '"{}"@b.example', "a@{}"])
def test_an_address_that_hides_a_line_end_begins_no_header(word: str, address: str) -> None:
    built = {"made": b""}
    with suppress(InvalidRequest):
        built["made"] = as_bytes(build(OutgoingMail([address.format(word)]), ME, MARKER, None, WHEN))
    assert b"\nbcc" not in built["made"].lower()


def test_a_mail_with_html_has_both_versions_and_its_files_beside_them() -> None:
    mail = sent(OutgoingMail(["a@example.com"], text="Hi", files=[File("x.txt", b"x")], html="<b>Hi</b>"))
    assert mail.get_content_type() == "multipart/mixed"
    assert [part.get_content_type() for part in mail.walk()][1:] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
        "text/plain",
    ]
    assert mail.get_body(("html",)).get_content().strip() == "<b>Hi</b>"  # type: ignore[union-attr]


def test_answers_go_where_the_mail_says_and_nowhere_that_a_line_end_hides() -> None:
    assert (
        sent(OutgoingMail(["a@example.com"], reply_to=["Desk <desk@example.com>"]))["Reply-To"]
        == "Desk <desk@example.com>"
    )
    with suppress(InvalidRequest):
        assert sent(OutgoingMail(["a@example.com"], reply_to=["x@example.com\nBcc: y@example.com"]))["Bcc"] is None


@pytest.mark.parametrize(
    "text",
    [
        "<img src=https://evil.example/x>",
        "<script>alert(1)</script>",
        "a <b onmouseover=x>b</b>",
        "[x](javascript:alert(1))",
        "![x](data:text/html,x)",
        "`<script>`\n\n    <script>\n\n```\n<script>\n```",
        "<!-- x --><style>*{}</style>",
        '[a](https://example.com "><script>x</script>")',
    ],
)
def test_tags_in_markdown_are_shown_and_do_nothing(text: str) -> None:
    made = BeautifulSoup(html_of(text), "html.parser")
    assert {tag.name for tag in made.find_all()} <= {"p", "pre", "code", "a"}
    assert all(str(tag.get("href", "https:")).startswith("https:") for tag in made.find_all("a"))
    assert all(set(tag.attrs) <= {"href", "title", "class"} for tag in made.find_all())
