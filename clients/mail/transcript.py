"""A conversation as one text, for people and models: what each mail adds, oldest first."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from clients.mail.addresses import Address, parsed
from clients.mail.length import marked
from clients.mail.quotes import without_quotes, without_signature
from clients.mail.text import TEXT_MOST, envelope
from clients.wording import counted

_INDENT = "  "
_WORD_MOST = 200


def transcript(mails: Sequence[Mapping[str, Any]]) -> str:
    """Return who wrote what and when (UTC), and which files came with it; quoted mails and signatures are left out.

    `mails` are in the form of `clients.mail.text.read_mail`, with their `date`, oldest first. The lines of a mail are
    indented, so that none of them passes for the head of another mail. Above 200,000 characters, the oldest mails are
    left out, and the first line says so.
    """
    told: list[str] = []
    size = 0
    for place, mail in reversed([*enumerate(mails)]):
        one = _told(mail, is_answer=place > 0)
        size += len(one) + 2
        if told and size > TEXT_MOST:
            left_out = f"the first {place + 1} of {counted(len(mails), 'mail')} are not shown"
            told.append(marked("", left_out).strip())
            break
        told.append(one)
    return "\n\n".join(reversed(told))


def _told(mail: Mapping[str, Any], *, is_answer: bool) -> str:
    own = without_quotes(mail["text"], envelope(mail["subject"], mail["from"], _people(mail), is_answer=is_answer))
    text = without_signature(own).strip() or mail["text_missing"] or "(no text)"
    return f"{_head(mail)}:\n{textwrap.indent(text, _INDENT)}"


def _people(mail: Mapping[str, Any]) -> str:
    return ", ".join(filter(None, (mail["to"], mail["cc"])))


def _head(mail: Mapping[str, Any]) -> str:
    """Return the line above a mail. Its words are from outside: they are kept on that line."""
    date = str(mail["date"])
    files = [_word(one["name"]) or "a file without a name" for one in mail["attachments"] if not one["inline"]]
    parts = [
        _sender(mail["from"]) or "(no sender)",
        "sender not confirmed" if mail["authentication"]["dmarc"] == "fail" else "",
        f"{date[:10]} {date[11:16]} UTC" if date else "",
        f"with {', '.join(files)}" if files else "",
    ]
    return ", ".join(filter(None, parts))


def _sender(header: str) -> str:
    """Return whose mail it is: long names are cut, addresses never, since a name may contain somebody else's."""
    return ", ".join(str(Address(_word(one.name), one.spec)) for one in parsed(header))


def _word(text: str) -> str:
    return " ".join(text.split())[:_WORD_MOST]
