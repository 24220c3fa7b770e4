"""Mails of kinds that nobody plans for say what their senders put in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.mail import odd_bodies, odd_headers, odd_parts
from tests.mail.raw_mails import read_raw

ODD = {**odd_bodies.ODD, **odd_parts.ODD, **odd_headers.ODD}


@pytest.mark.parametrize(("raw", "wanted"), [pytest.param(*each, id=name) for name, each in ODD.items()])
def test_an_odd_mail_says_what_was_put_in(raw: bytes, wanted: Mapping[str, Any]) -> None:
    mail = read_raw(raw)
    lines = mail["text"].split("\n")
    names = [file["name"] for file in mail["attachments"]]
    found = {**mail, "names": names, "first": lines[0], "last": lines[-1]}
    assert {name: found[name] for name in wanted} == wanted
