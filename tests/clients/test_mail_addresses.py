"""Addresses of mails: what a stranger calls himself never becomes somebody that a mail goes to."""

from __future__ import annotations

import base64
import email
import email.policy
import time
from email.utils import getaddresses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.errors import InvalidRequest
from clients.mail import outgoing
from clients.mail.addresses import Address, may_be_from, recipients, shown_addresses, specs
from clients.mail.outgoing import OutgoingMail, as_bytes, build
from clients.mail.parts import shown
from tests.few import examples
from tests.mail.raw_mails import read_raw

BOB = "bob@example.org"
NAMES = [
    "Boss <boss@corp.example>",
    "boss@corp.example",
    "boss@corp.example,",
    "Boss <boss@corp.example>, x",
    "<boss@corp.example>",
    '"boss@corp.example"',
    'x" <boss@corp.example>, "y',
    'x\\" <boss@corp.example>, \\"y',
    "x\\",
    'x\\"',
    "Doe, Jane",
    "Team: boss@corp.example;",
    "a (boss@corp.example) b",
    "(",
    ")",
    "<",
    ">",
    "><",
    "[x]",
    "x\r\nBcc: boss@corp.example",
    "x\nTo: boss@corp.example",
    "\u202egro.elpmaxe@ssob\u202c",
    "שלום, <boss@corp.example>",
    "Jürgen, <boss@corp.example>",
    "=?utf-8?q?boss=40corp.example=2C?=",
    "\x00<boss@corp.example>\x00",
    "\u200b<boss@corp.example>",
    "＜boss＠corp.example＞",
    "x; boss@corp.example",
    "me@example.com",
    "🙂 <boss@corp.example> 🙂",
    "a" * 90 + ", <boss@corp.example>, " + "ü" * 90,
    "boss@corp.example, Ann of the accounting department of the northern branch office of Example",
    "boss@corp.example, " + "a" * 200,
    '\\" ' * 40 + ", boss@corp.example, ",
    "word " * 30 + "=?utf-8?q?=22?=, boss@corp.example",
]


def forms(name: str) -> list[str]:
    """Give the ways in which a stranger can write this name before his address."""
    letters = name.encode("utf-8", "replace")
    escaped = " ".join(name.replace("\0", "").split()).replace("\\", "\\\\").replace('"', '\\"')
    quoted_printable = "".join(f"={each:02X}" for each in letters)
    return [
        f"=?utf-8?b?{base64.b64encode(letters).decode()}?= <{BOB}>",
        f"=?utf-8?q?{quoted_printable}?= <{BOB}>",
        f'"{escaped}" <{BOB}>',
        f'"=?utf-8?q?{quoted_printable}?=" <{BOB}>',
        f"{BOB} (=?utf-8?q?{quoted_printable}?=)",
    ]


def read(header: str) -> str:
    return str(read_raw(f"From: {header}\r\nTo: me@example.com\r\n\r\nx".encode("utf-8", "replace"))["from"])


def receivers(to: str) -> list[str]:
    """Give whom a mail goes to, as another program reads the header of the mail that is sent."""
    sent = as_bytes(build(OutgoingMail([to]), "me@example.com", "m" * 32, None, None))
    parsed = email.message_from_bytes(sent, policy=email.policy.default)
    assert {name.lower() for name in parsed.keys()} >= {"to", "from"}  # noqa: SIM118
    assert parsed["Bcc"] is None
    head = email.message_from_bytes(sent)
    raw = getaddresses([str(head["To"])])
    assert [address for _, address in raw] == [one.addr_spec for one in parsed["To"].addresses]
    return [address for _, address in raw]


@pytest.mark.parametrize("name", NAMES)
def test_no_name_of_a_sender_becomes_a_recipient(name: str) -> None:
    for form in forms(name):
        shown = read(form)
        assert shown.isprintable()
        assert [address for _, address in getaddresses([shown])] == [BOB], form
        assert receivers(shown) == [BOB], form


@pytest.mark.slow
@examples(25)
@given(name=st.text(max_size=60))
def test_no_text_at_all_before_an_address_becomes_a_recipient(name: str) -> None:
    for form in forms(name):
        assert receivers(read(form)) == [BOB], form


ODD = [
    *(
        "=?utf-8?q?=22=2C_?=",
        "=?utf-8?q?boss=40corp.example?=",
        "=?us-ascii?q?=22?=",
        "=?utf-8?b?Iiw=?=",
        "=?",
        "?=",
        "=22",
    ),
    *(
        "boss@corp.example",
        "boss@corp.example,",
        "<boss@corp.example>",
        "\\",
        '"',
        "'",
        ",",
        ";",
        ":",
        "(",
        ")",
        "<",
        ">",
    ),
    *(" ", "  ", ".", "é", "word " * 12, "a" * 70, "日", "&quot;", "x ", "\u200b"),
]


@pytest.mark.slow
@examples(150)
@given(name=st.lists(st.sampled_from(ODD), max_size=10).map("".join), is_many=st.booleans())
def test_no_name_that_a_workflow_hands_on_becomes_a_recipient(name: str, is_many: bool) -> None:
    others = ["Team, the <team@example.org>"] * is_many
    mail = OutgoingMail(
        [str(Address(name, BOB)), *others], [str(Address(name, BOB))], reply_to=[str(Address(name, BOB))]
    )
    built = build(mail, "me@example.com", "m" * 32, None, None)
    for policy in (built.policy, built.policy.clone(cte_type="7bit")):  # as Gmail and Outlook get it, and as SMTP does
        sent = email.message_from_bytes(built.as_bytes(policy=policy))
        for field in ("To", "Cc", "Reply-To"):
            expected = [BOB, *(["team@example.org"] * is_many if field == "To" else [])]
            assert [one for _, one in getaddresses([str(sent[field])])] == expected, sent[field]
            assert specs(str(sent[field])) == expected, sent[field]
            assert specs(shown(str(sent[field]))) == expected, "as the API of Gmail shows it"


def test_a_header_that_would_be_read_as_another_address_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong writer, which leaves the quotes out, as that of Python does."""
    monkeypatch.setattr(outgoing, "_with_name", lambda one, _: f"{one.display_name} <{one.addr_spec}>")
    name = [f'"boss@corp.example, x" <{BOB}>']
    for mail in (OutgoingMail(name), OutgoingMail(cc=name), OutgoingMail(bcc=name), OutgoingMail(reply_to=name)):
        with pytest.raises(InvalidRequest, match=r"would name boss@corp.example, .*bob@example.org and not"):
            build(mail, "me@example.com", "m" * 32, None, None)


@pytest.mark.parametrize("name", NAMES)
def test_an_encoded_name_without_an_address_is_none(name: str) -> None:
    shown = read(f"=?utf-8?b?{base64.b64encode(name.encode()).decode()}?=")
    with pytest.raises(InvalidRequest):
        receivers(shown)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        pytest.param("=?utf-8?Q?J=C3=BCrgen?= <j@b.example>", "Jürgen <j@b.example>", id="letters"),
        pytest.param('"Doe, Jane" <j@b.example>', '"Doe, Jane" <j@b.example>', id="in quotes"),
        pytest.param("Doe, Jane <j@b.example>", '"Doe, Jane" <j@b.example>', id="a comma without quotes"),
        pytest.param('"J. Doe" <j@b.example>', "J. Doe <j@b.example>", id="a dot"),
        pytest.param("j@b.example (Jane)", "Jane <j@b.example>", id="the name as a comment"),
        pytest.param("undisclosed-recipients:;", "undisclosed-recipients:;", id="nobody"),
        pytest.param("Team: a@b.example, C <c@d.example>;", "a@b.example, C <c@d.example>", id="a group"),
        pytest.param("<@r.example:j@b.example>", "j@b.example", id="a route"),
        pytest.param('"a b"@c.example', '"a b"@c.example', id="a quoted local part"),
        pytest.param("Jane", "Jane", id="no address"),
        pytest.param("", "", id="nothing"),
        pytest.param("A <a@b.example>, c@d.example", "A <a@b.example>, c@d.example", id="two"),
    ],
)
def test_addresses_are_shown_so_that_they_can_be_read_again(header: str, expected: str) -> None:
    assert shown_addresses(header) == (expected, 0)
    assert shown_addresses(expected) == (expected, 0)


@pytest.mark.parametrize(
    "head",
    [
        pytest.param("From: Ann <a@b.example>, Bob <bob@example.org>", id="two senders"),
        pytest.param("From: a@b.example,\r\n Bob <bob@example.org>", id="on two lines"),
        pytest.param("From: a@b.example; bob@example.org", id="with a semicolon"),
        pytest.param("From: <a@b.example> <bob@example.org>", id="without a comma"),
        pytest.param("From: Team: a@b.example, bob@example.org;", id="a group"),
        pytest.param("From: a@b..example, <bob@example.org>", id="beside what is hardly an address"),
        pytest.param("From: bob@example.org\r\nSubject: x\r\nFrom: a@b.example", id="two headers"),
        pytest.param("From: a@b.example\r\nFrom: bob@example.org", id="two headers, the other way round"),
        pytest.param("From: bob@example.org\r\nFrom: bob@example.org", id="a header twice"),
        pytest.param("From: <a@b.example\0>, <bob@example.org>", id="beside a NUL"),
        pytest.param("From: <a@b.example\0bob@example.org>", id="a NUL between"),
        pytest.param("From: x\0 <bob@example.org>", id="a NUL in the name"),
    ],
)
def test_a_mail_that_does_not_name_one_sender_is_from_nobody(head: str) -> None:
    shown = str(read_raw(f"{head}\r\nTo: me@example.com\r\n\r\nx".encode())["from"])
    assert "bob at example.org" in shown
    assert not may_be_from(shown, BOB)
    assert not may_be_from(shown, "example.org")


def test_a_sender_who_is_named_twice_is_one() -> None:
    assert may_be_from(read(f"{BOB}, Bob <{BOB.upper()}>"), BOB)


def test_an_address_that_is_its_own_name_is_a_recipient() -> None:
    [one] = recipients("to", ["ann@example.com <ann@example.com>"])
    assert one.spec == "ann@example.com"


@pytest.mark.parametrize(
    "value",
    [
        "Boss <boss@corp.example> <bob@example.org>",
        "boss@corp.example <bob@example.org>",
        "boss@corp.example bob@example.org",
        "<boss@corp.example> bob@example.org",
        "boss@corp.example; bob@example.org",
        "Team: boss@corp.example, bob@example.org;",
        "a@b.example, Boss <boss@corp.example> <bob@example.org>",
        'x" <boss@corp.example>',
        "bob@example.org (boss@corp.example",
        '"boss@corp.example"',
    ],
)
def test_recipients_that_can_be_read_in_two_ways_are_refused(value: str) -> None:
    with pytest.raises(InvalidRequest, match=r"^Cc: ") as refused:
        build(OutgoingMail(["a@b.example"], [value]), "me@example.com", "m" * 32, None, None)
    assert "example" in refused.value.message
    assert refused.value.remedy


@pytest.mark.parametrize(
    "piece", ['"\\"', '<"\\"', "(", "((b)", "<", "=?x?q?", "\\", 'a"<', ",", "a,", '"<', ";:", "<a@b>"]
)
@pytest.mark.slow
def test_no_header_takes_long(piece: str) -> None:
    begun = time.monotonic()
    read(piece * (60_000 // len(piece)))
    assert time.monotonic() - begun < 5
