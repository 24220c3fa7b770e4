"""What the steps of every mail service have in common: how a mail is read, what is written, and its files."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from clients.errors import InvalidRequest
from clients.mail.outgoing import File
from clients.mail.text import Trim
from engine.run_file import FileContent, RunFile
from engine.step import Call, Fields, Output, content, destination, option, outside


class TrimFields(Fields):
    """What to leave out of the text of a mail."""

    cut_quotes: bool = option("Without the mails quoted in it", default=False)
    cut_signature: bool = option("Without the signature", default=False)
    max_tokens: int | None = option("At most about so many tokens of text", None, ge=50)

    @property
    def trim(self) -> Trim:
        """What is asked for, as the clients take it."""
        return Trim(self.cut_quotes, self.cut_signature, self.max_tokens)


class Part(BaseModel):
    """An object within an output."""

    model_config = ConfigDict(extra="forbid")


class Attachment(Part):
    """A file of a mail; `bytes` is its size."""

    id: str
    name: str = outside("Name")
    media_type: str = outside("Media type")
    bytes: int


class ReadMail(Output):
    """A mail as it is read. Where `text` is less than all, `full_text` is all of it, else null; where `text` is empty,
    `text_missing` says why.
    """

    id: str
    message_id: str = outside("Message-ID")
    sender: str = outside("From", alias="from")
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


class FileOutput(Output):
    """The file."""

    file: RunFile


class InlineFile(Fields):
    """A file that is written out: its text, or its bytes as base64."""

    name: str = content("Name", "")
    media_type: str = option("Media type", "")
    text: str | None = content("Text", None)
    base64: str | None = content("Bytes as base64", None)


class TextFields(Fields):
    """What is written."""

    subject: str = content("Subject", "")
    text: str = content("Text", "", widget="text")


class AddressFields(TextFields):
    """What is written, and to whom."""

    to: str | list[str] = destination("To", [])
    cc: str | list[str] = destination("Cc", [])
    bcc: str | list[str] = destination("Bcc", [])


def addresses(value: str | Sequence[str]) -> list[str]:
    """Give the addresses of a field, blank ones left out."""
    return [each for each in ([value] if isinstance(value, str) else value) if each.strip()]


def run_file(call: Call, file: RunFile) -> File:
    """Give a file of the run as a mail carries it. Raises InvalidRequest where it is gone."""
    return File(file.name, call.read(file), file.media_type)


def inline_file(file: InlineFile) -> File:
    """Give a file that is written out as a mail carries it. Raises InvalidRequest."""
    if (file.text is None) == (file.base64 is None):
        raise InvalidRequest(f"The attachment {file.name!r} needs one content: text or base64.")
    if file.text is not None:
        return File(file.name or "unnamed", file.text.encode("utf-8", "replace"), file.media_type)
    try:
        return File(file.name or "unnamed", base64.b64decode(file.base64 or "", validate=True), file.media_type)
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest(f"The attachment {file.name!r} is not base64: {error}.") from error


def file_content(file: File) -> FileContent:
    """Give a file of a mail as a step gives it."""
    return FileContent(file.content, file.name, file.media_type or "application/octet-stream")
