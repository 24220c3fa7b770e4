"""Mails in files (.eml), and what mail programs write: signed mails (.p7m), winmail.dat, invitations (.ics)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from clients.mail.charsets import decoded
from clients.mail.dates import written_at
from clients.mail.opening import opened
from clients.mail.parts import Part, attachment_parts, body_bytes, name_of, nothing_left_out
from clients.mail.raw import payload_of
from clients.mail.text import full_text_of, head_of, sentence
from clients.mail_formats.calendar import read_calendar, unfolded
from clients.mail_formats.invitations import in_words
from engine.sandbox.readers.file_kinds import FileKind, begin_of_mail
from engine.sandbox.readers.source import FileRefused, SourceFile
from engine.sandbox.readers.texts import TextBuilder

_BYTES_MOST = 50 * 1024 * 1024
_EVENTS_MOST = 1000
_NEXT_IN_MAILBOX = re.compile(rb"(?:\r\n\r\n|\n\n)From [^\r\n]+\r?\n[!-9;-~]+:")  # RFC 4155
_HEAD = ("from", "to", "cc", "subject", "date")


def text(source: SourceFile, kind: FileKind, options: Mapping[str, Any], into: TextBuilder) -> None:
    """Take the head and the text, also of attached mails; other attachments are only named."""
    del options
    if kind.name == "calendar":
        _events(source, kind, into)
        return
    mail = _read(source, kind)
    body = full_text_of(mail, nothing_left_out)
    head = "\n".join(f"{name.capitalize()}: {value}" for name, value in _head_of(mail).items())
    names = ", ".join(_attached(mail))
    into.add("\n\n".join(filter(None, [head, body.text, f"Attachments: {names}" if names else ""])))
    if body.left_out:
        into.leave_out("a part of the mail")
        into.notes.append(f"Not all of the mail was read: {'; '.join(body.left_out)}.")
    elif body.missing:
        into.notes.append(body.missing)
    into.notes += [said for said in map(sentence, body.untold) if said not in body.missing]


def facts(source: SourceFile, kind: FileKind) -> dict[str, Any]:
    """Return the head of the mail, and its attachments by name."""
    mail = _read(source, kind)
    return {**_head_of(mail), "attachments": _attached(mail)}


def files(source: SourceFile, kind: FileKind) -> Iterator[tuple[str, bytes]]:
    """Yield the files in a mail, and in the mails that are attached to it: their names and contents."""
    for part in attachment_parts(_read(source, kind)):
        yield name_of(part), body_bytes(part, nothing_left_out)


def _events(source: SourceFile, kind: FileKind, into: TextBuilder) -> None:
    """Take the events of a calendar in words."""
    found = read_calendar(decoded(unfolded(source.whole(_BYTES_MOST)), kind.encoding), most=_EVENTS_MOST)
    for event in found.events:
        into.add("\n\n".join(filter(None, [in_words(event), event["description"]])))
    if found.left_out:
        into.leave_out(f"{found.left_out:,} more events")


def _head_of(mail: Part) -> dict[str, str]:
    found = {**head_of(mail), "date": written_at(mail)}
    return {name: found[name] for name in _HEAD if found[name]}


def _attached(mail: Part) -> list[str]:
    return [name_of(part) for part in attachment_parts(mail) if not part.get("inline")]


def _read(source: SourceFile, kind: FileKind) -> Part:
    content = source.whole(_BYTES_MOST)
    if kind.name == "mail":
        if _NEXT_IN_MAILBOX.search(content) and b"From " in content[: begin_of_mail(content)]:
            raise FileRefused("It is a mailbox with several mails (mbox): save each as a file of its own, as .eml.")
        return opened(payload_of(content[begin_of_mail(content) :]), nothing_left_out)
    body = {"size": len(content), "content": content}
    return opened({"mimeType": kind.media_type, "filename": source.name, "body": body}, nothing_left_out)
