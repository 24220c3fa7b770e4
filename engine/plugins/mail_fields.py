"""Fields and outputs shared by the steps of all mail services: reading, writing and attachments."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator

from clients.errors import InvalidRequest
from clients.mail.outgoing import File, Outgoing, one_line, reply_subject, require_recipients
from clients.mail.text import Trim
from clients.plural import counted
from engine.base.run_file import FileContent, RunFile
from engine.documents.shapes import Misfit
from engine.plugins.step import (
    Call,
    Fields,
    JsonValue,
    Output,
    Preview,
    content,
    destination,
    option,
    outside,
    sender,
)


class TrimFields(Fields):
    """What to leave out of the text of a mail."""

    cut_quotes: bool = option("Without the mails quoted in it", default=False)
    cut_signature: bool = option("Without the signature", default=False)
    max_tokens: int | None = option("At most about so many tokens of text", None, ge=50)

    @property
    def trim(self) -> Trim:
        """Return the options in the form that the clients take."""
        return Trim(self.cut_quotes, self.cut_signature, self.max_tokens)


class Part(BaseModel):
    """An object within an output."""

    model_config = ConfigDict(extra="forbid")


class Attachment(Part):
    """An attachment of a mail; `bytes` is its size."""

    id: str
    name: str = outside("Name")
    media_type: str = outside("Media type")
    bytes: int


class ReadMail(Output):
    """A mail that was read. If `text` is shortened, `full_text` is all of it, else null; if `text` is empty,
    `text_missing` says why. A field that is too long is cut, and ends with words that say so: `[Cut here: ...]`.
    """

    id: str
    message_id: str = outside("Message-ID")
    sender: str = sender("From", alias="from")
    to: str = outside("To")
    cc: str = outside("Cc")
    subject: str = outside("Subject")
    date: str
    text: str = outside("Text")
    text_truncated: bool
    full_text: str | None = outside("Full text")
    text_missing: str
    attachments: list[Attachment]
    can_reply: bool


class UnreadableMail(Part):
    """A mail that was found but cannot be read, with the reason."""

    id: str
    subject: str = outside("Subject")
    reason: str = outside("Reason")


def note_unreadable(call: Call, found: Mapping[str, JsonValue]) -> JsonValue:
    """Return what a client has listed, and leave a note on the call if some mails could not be read."""
    unreadable, read = found["unreadable"], found["messages"]
    if unreadable:
        first = unreadable[0]
        named = f"{first['subject']!r}: " if first["subject"] else ""
        count = f"{len(unreadable)} of {counted(len(unreadable) + len(read), 'mail')}"
        call.notes.append(f"{count} could not be read. {'First: ' * (len(unreadable) > 1)}{named}{first['reason']}")
    return found


class FileOutput(Output):
    """The file."""

    file: RunFile


class InlineFile(Fields):
    """A file given inline: its text, or its bytes as base64."""

    name: str = content("Name", "")
    media_type: str = option("Media type", "")
    text: str | None = content("Text", None)
    base64: str | None = content("Bytes as base64", None)


class TextFields(Fields):
    """The text to write."""

    subject: str = content("Subject", "")
    text: str = content("Text", "", widget="text")


class AddressFields(TextFields):
    """The text to write, and its recipients."""

    to: str | list[str] = destination("To", [])
    cc: str | list[str] = destination("Cc", [])
    bcc: str | list[str] = destination("Bcc", [])

    @field_validator("to", "cc", "bcc")
    @classmethod
    def _are_addresses(cls, given: str | list[str], field: ValidationInfo) -> str | list[str]:
        name, found = str(field.field_name), addresses(given)
        try:
            if found:
                require_recipients(name, found)
        except InvalidRequest as error:
            raise Misfit(error.message.removeprefix(f"{name}: "), error.remedy) from error
        return given


def addresses(value: str | Sequence[str]) -> list[str]:
    """Return the addresses in a field, without blank ones."""
    return [each for each in ([value] if isinstance(value, str) else value) if each.strip()]


def run_file(call: Call, file: RunFile) -> File:
    """Return a file of the run as a mail attachment. Raises InvalidRequest if it no longer exists."""
    return File(file.name, call.read(file), file.media_type)


def inline_file(file: InlineFile) -> File:
    """Return an inline file as a mail attachment. Raises InvalidRequest."""
    if (file.text is None) == (file.base64 is None):
        raise InvalidRequest(f"The attachment {file.name!r} needs one content: text or base64.")
    if file.text is not None:
        return File(file.name or "unnamed", file.text.encode("utf-8", "replace"), file.media_type)
    try:
        return File(file.name or "unnamed", base64.b64decode(file.base64 or "", validate=True), file.media_type)
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest(f"The attachment {file.name!r} is not base64: {error}.") from error


def file_content(file: File) -> FileContent:
    """Return an attachment as the output of a step."""
    return FileContent(file.content, file.name, file.media_type or "application/octet-stream")


def mail_preview(mail: Outgoing, answers: Mapping[str, Any] | None) -> Preview:
    """Return a mail as its readers will see it; `answers`: the payload of the mail that it answers."""
    subject = mail.subject if answers is None else reply_subject(mail.subject, answers)
    head = {"To": ", ".join(mail.to), "Cc": ", ".join(mail.cc), "Bcc": ", ".join(mail.bcc), "Subject": subject}
    lines = [f"{name}: {one_line(value)}" for name, value in head.items() if value]
    lines += [f"Attachment: {one_line(file.name)} ({len(file.content):,} bytes)" for file in mail.files]
    to = one_line(", ".join([*mail.to, *mail.cc, *mail.bcc]))
    return Preview(one_line(subject), "\n".join([*lines, "", mail.text]), to=to)


def mail_head(mail: Mapping[str, JsonValue]) -> str:
    """Return from whom a mail is, what it is about, and when it came."""
    head = {"From": mail["from"], "To": mail["to"], "Subject": mail["subject"], "Date": mail["date"]}
    return "\n".join(f"{name}: {one_line(str(value))}" for name, value in head.items() if value)
