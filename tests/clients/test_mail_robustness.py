"""Odd mails give their text, or a named reason why there is none: in two seconds at most, and without the network."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest

from clients.mail.parts import nothing_left_out
from clients.mail.raw import payload_of
from clients.mail.replies import refusal, reply_all_addresses
from clients.mail.text import WHOLE, MailView, attachment_of, read_mail
from demo.gmail.mime import MimeMail, payload
from tests.clients.odd_mails import FOLDER, LARGE, SMALL, WRITTEN, written
from tests.mail.raw_mails import read_raw
from tests.patience import costs_less

SECONDS = 2.0
"""The best of them counts: another process may have taken the core's memory away."""
TRIM = MailView(quotes=True, signature=True, tokens=500)
EVERY_SMALL = {**{name: written(name) for name in WRITTEN}, **{name: raw for name, (raw, _) in SMALL.items()}}


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading a mail opens no connection and asks for no address."""

    def refused(*_: Any, **__: Any) -> Any:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)


def read(raw: bytes, view: MailView = WHOLE) -> dict[str, Any]:
    """Read a mail in time; time of other processes does not count."""
    mail = costs_less(SECONDS, lambda: read_raw(raw, view))
    assert mail["text"].strip() or mail["text_missing"].endswith((".", "…"))
    assert bool(mail["text"]) is not bool(mail["text_missing"])
    assert len(mail["text"]) < 201_000
    shown = [mail[name] for name in ("from", "to", "cc", "subject")]
    assert not any("\n" in one or "\x00" in one for one in shown)
    json.dumps(mail).encode()
    return mail


def test_there_are_many_and_every_file_is_in_the_table() -> None:
    assert {path.stem.replace("-", " ") for path in FOLDER.glob("*.eml")} == WRITTEN.keys()
    assert len(WRITTEN) + len(SMALL) + len(LARGE) >= 150
    assert LARGE.keys() >= set(_ONE_OF_A_KIND)


@pytest.mark.parametrize("name", WRITTEN)
def test_a_written_mail_gives_its_text_and_its_files(name: str) -> None:
    expected, files = WRITTEN[name]
    mail = read(written(name))
    assert expected in (mail["text"] or mail["text_missing"])
    assert [one["name"] for one in mail["attachments"]] == files
    assert "BAD" not in mail["text"]


@pytest.mark.parametrize("name", SMALL)
def test_an_odd_mail_gives_its_text_or_says_why_not(name: str) -> None:
    raw, expected = SMALL[name]
    mail = read(raw)
    assert expected in (mail["text"] or mail["text_missing"])
    assert "BAD" not in mail["text"]


_ONE_OF_A_KIND = (
    "50 MB: a file",
    "50 MB: text",
    "50 MB: one header",
    "50 MB: boundaries",
    "70,000 encoded words",
    "8,000 beginnings of encoded words",
    "a report of Exim about 40,000 recipients",
    "300,000 quotes",
    "500,000 addresses",
    "comments that do not end",
    "hidden elements within each other",
    "rules for many elements",
    "quotes within each other",
)
"""What is large in `make test`; `make assurance` has the others."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=() if one in _ONE_OF_A_KIND else pytest.mark.chaos) for one in LARGE]
)
def test_no_mail_takes_long(name: str) -> None:
    assert "BAD" not in read(LARGE[name]())["text"]


@pytest.mark.parametrize(
    "name", sorted(EVERY_SMALL.keys() - {"nested 10,000 deep"})
)  # Python's own parser breaks on it
def test_a_mail_that_gmail_took_apart_is_read_by_the_same_code(name: str) -> None:
    raw = EVERY_SMALL[name]
    taken_apart = payload(MimeMail.parse(raw), "1")
    mail = read_mail(taken_apart, lambda _: "", TRIM)
    assert bool(mail["text"]) is not bool(mail["text_missing"])
    refusal({"payload": taken_apart}, "me@example.com")


@pytest.mark.parametrize("name", EVERY_SMALL)
def test_what_is_done_with_a_mail_breaks_on_none(name: str) -> None:
    raw = EVERY_SMALL[name]
    parts = payload_of(raw)
    mail = read(raw, TRIM)
    for known in mail["attachments"]:
        found = attachment_of(parts, known["id"], nothing_left_out)
        assert found is not None
        assert (found[0], len(found[1])) == (known, known["bytes"])
    refusal({"payload": parts}, "me@example.com")
    reply_all_addresses(parts, "me@example.com")
