"""Mails in files (.eml): their head and their visible text, as of mails in a mailbox."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from clients.mail.parts import Part, attachment, attachment_parts, body_bytes, media_type, nothing_left_out
from clients.mail.raw import payload_of
from clients.mail.text import full_text_of, head_of, written_at
from engine.sandbox.readers.detect import FileKind, begin_of_mail
from engine.sandbox.readers.source import FileRefused, SourceFile
from engine.sandbox.readers.texts import TextBuilder

_BYTES_MOST = 50 * 1024 * 1024
_NEXT_IN_MAILBOX = re.compile(rb"(?:\r\n\r\n|\n\n)From [^\r\n]+\r?\n[!-9;-~]+:")  # RFC 4155
_HEAD = ("from", "to", "cc", "subject", "date")


def text(source: SourceFile, kind: FileKind, options: Mapping[str, Any], into: TextBuilder) -> None:
    """Take the head and the text; attachments are only named."""
    del kind, options
    mail = _read(source)
    body = full_text_of(mail, nothing_left_out)
    head = "\n".join(f"{name.capitalize()}: {value}" for name, value in _head_of(mail).items())
    names = ", ".join(_attached(mail))
    into.add("\n\n".join(filter(None, [head, body.text, f"Attachments: {names}" if names else ""])))
    if body.left_out:
        into.leave_out("a part of the mail")
        into.notes.append(f"Not all of the mail was read: {'; '.join(body.left_out)}.")
    elif body.missing:
        into.notes.append(body.missing)


def facts(source: SourceFile, kind: FileKind) -> dict[str, Any]:
    """Return the head of the mail, and its attachments by name."""
    del kind
    mail = _read(source)
    return {**_head_of(mail), "attachments": _attached(mail)}


def _head_of(mail: Part) -> dict[str, str]:
    found = {**head_of(mail), "date": written_at(mail)}
    return {name: found[name] for name in _HEAD if found[name]}


def _attached(mail: Part) -> list[str]:
    return [_name_of(one) for one in attachment_parts(mail)]


def _name_of(part: Part) -> str:
    """Return the name of a file; of an attached mail without one, what it is about."""
    subject = "" if part.get("filename") or media_type(part) != "message/rfc822" else _subject_of(part)
    return f"mail {subject!r}" if subject else str(attachment(part)["name"])


def _subject_of(attached: Part) -> str:
    return str(head_of(payload_of(body_bytes(attached, nothing_left_out)))["subject"])


def _read(source: SourceFile) -> Part:
    content = source.whole(_BYTES_MOST)
    if _NEXT_IN_MAILBOX.search(content) and b"From " in content[: begin_of_mail(content)]:
        raise FileRefused("It is a mailbox with several mails (mbox): save each as a file of its own, as .eml.")
    return payload_of(content[begin_of_mail(content) :])
