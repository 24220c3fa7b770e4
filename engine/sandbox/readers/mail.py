"""Mails in files (.eml): their head and their visible text, as of mails in a mailbox."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from clients.mail.parts import nothing_left_out
from clients.mail.raw import payload_of
from clients.mail.text import read_mail, written_at
from engine.sandbox.readers.detect import FileKind, begin_of_mail
from engine.sandbox.readers.source import FileRefused, SourceFile
from engine.sandbox.readers.texts import TextTaker

_BYTES_MOST = 50 * 1024 * 1024
_NEXT_IN_MAILBOX = re.compile(rb"(?:\r\n\r\n|\n\n)From [^\r\n]+\r?\n[!-9;-~]+:")  # RFC 4155
_HEAD = ("from", "to", "cc", "subject", "date")


def text(source: SourceFile, kind: FileKind, options: Mapping[str, Any], into: TextTaker) -> None:
    """Take the head and the text; attachments are only named."""
    del kind, options
    mail = _read(source)
    head = "\n".join(f"{name.capitalize()}: {mail[name]}" for name in _HEAD if mail.get(name))
    names = ", ".join(_attached(mail))
    into.add("\n\n".join(filter(None, [head, mail["text"], f"Attachments: {names}" if names else ""])))


def facts(source: SourceFile, kind: FileKind) -> dict[str, Any]:
    """Return the head of the mail, and its attachments by name."""
    del kind
    mail = _read(source)
    return {**{name: mail[name] for name in _HEAD if mail.get(name)}, "attachments": _attached(mail)}


def _attached(mail: Mapping[str, Any]) -> list[str]:
    return [str(one.get("name") or "unnamed") for one in mail.get("attachments", ())]


def _read(source: SourceFile) -> dict[str, Any]:
    content = source.whole(_BYTES_MOST)
    if _NEXT_IN_MAILBOX.search(content) and b"From " in content[: begin_of_mail(content)]:
        raise FileRefused("It is a mailbox with several mails (mbox): save each as a file of its own, as .eml.")
    payload = payload_of(content[begin_of_mail(content) :])
    return {**read_mail(payload, nothing_left_out), "date": written_at(payload)}
