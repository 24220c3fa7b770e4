"""Steps that write mail with Gmail: drafts, and what is sent at once."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from clients.errors import InvalidRequest, NotFound
from clients.gmail import recipients
from clients.gmail_outgoing import File, Outgoing
from engine.step import (
    Call,
    Effect,
    Fields,
    JsonValue,
    Output,
    Repeat,
    StepType,
    Written,
    changes_respected,
    content,
    destination,
    option,
)

_SERVICE = "gmail"


class FileFields(Fields):
    """A file to attach: its text, its bytes as base64, or an attachment of a mail (`message` and `id`)."""

    name: str = content("Name", "")
    media_type: str = option("Media type", "")
    text: str | None = content("Text", None)
    base64: str | None = content("Bytes as base64", None)
    message: str = option("Mail that holds it", "")
    id: str = option("Attachment of that mail", "")


class WriteFields(Fields):
    """What the steps that write a mail take."""

    to: str | list[str] = destination("To", [])
    cc: str | list[str] = destination("Cc", [])
    bcc: str | list[str] = destination("Bcc", [])
    subject: str = content("Subject", "")
    text: str = content("Text", "", widget="text")
    attachments: list[FileFields] = content("Attachments", [])
    in_reply_to: str = destination("Mail that this answers", "", format="gmail-message")


class SentOutput(Output):
    """The mail that left."""

    id: str
    thread_id: str
    message_id: str
    url: str


class DraftOutput(SentOutput):
    """The draft; `id` is the draft's, `message` its mail's."""

    message: str


class CreateDraft(StepType):
    """Write a draft, for a person to read and send; an answer stays in its thread."""

    name = "gmail.create_draft"
    title = "Write a draft"
    done = "answered in a draft"
    service = _SERVICE
    effect = Effect.WRITES
    repeat = Repeat.FINDABLE
    lag_seconds = 5.0
    fields = WriteFields
    output = DraftOutput

    def call(self, call: Call) -> JsonValue:
        """Give {id, message, thread_id, message_id, url}."""
        mail, answers = _outgoing(call)
        return call.client.create_draft(mail, call.marker, answers, call.intended_at)

    def find(self, call: Call) -> JsonValue | None:
        """Look it up among the drafts by its Message-ID."""
        return call.client.find_draft(call.marker)

    undoes = "deletes the draft"

    def undo(self, call: Call, written: Written) -> None:
        """Delete it, unless it was edited or sent since."""
        with changes_respected():
            call.client.undo_draft(written.output, written.done_at)

    updates = True

    def update(self, call: Call, written: Written) -> JsonValue:
        """Let it say the new text to the new addresses."""
        mail, answers = _outgoing(call)
        try:
            return call.client.update_draft(written.output["id"], mail, written.marker, answers, call.intended_at)
        except NotFound as error:
            error.remedy = "It was sent or deleted since. `orchestra runs rerun RUN --force` writes it anew."
            raise

    def target(self, fields: Any) -> str:
        """Drafts in one thread are written one after the other."""
        return str(fields.in_reply_to)


class Send(StepType):
    """Send a mail at once; an answer stays in its thread and says that a program wrote it."""

    name = "gmail.send"
    title = "Send a mail"
    done = "mailed"
    service = _SERVICE
    effect = Effect.WRITES
    repeat = Repeat.FINDABLE
    lag_seconds = 5.0
    fields = WriteFields
    output = SentOutput

    def call(self, call: Call) -> JsonValue:
        """Give {id, thread_id, message_id, url}."""
        mail, answers = _outgoing(call)
        if not (mail.to or mail.cc or mail.bcc):
            raise InvalidRequest("The mail has no recipient.", service=_SERVICE, remedy="Fill `to`, or `in_reply_to`.")
        return call.client.send(mail, call.marker, answers, call.intended_at)

    def find(self, call: Call) -> JsonValue | None:
        """Look it up among the sent mails by its Message-ID."""
        return call.client.find_sent(call.marker)

    lasts = "A mail that was sent cannot be called back."

    def target(self, fields: Any) -> str:
        """Mails to the same people go one after the other."""
        return ",".join(sorted(address.lower() for address in _addresses(fields.to))) or str(fields.in_reply_to)

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Somebody must get it."""
        if any(arguments.get(name) for name in ("to", "cc", "bcc", "in_reply_to")):
            return []
        return [("to", "Say to whom it goes: `to`, or `in_reply_to` for an answer.")]


def _outgoing(call: Call) -> tuple[Outgoing, dict[str, Any] | None]:
    """Give the mail to write and the mail that it answers; without `to` an answer goes to who wrote that."""
    fields: WriteFields = call.fields
    answers = call.client.original(fields.in_reply_to) if fields.in_reply_to else None
    to = _addresses(fields.to) or (recipients(answers) if answers else [])
    files = [_file(call, file) for file in fields.attachments]
    call.request.update({"to": to, "in_reply_to": fields.in_reply_to})
    mail = Outgoing(to, _addresses(fields.cc), _addresses(fields.bcc), fields.subject, fields.text, files)
    return mail, answers


def _addresses(value: str | list[str]) -> list[str]:
    return [each for each in ([value] if isinstance(value, str) else value) if each.strip()]


def _file(call: Call, file: FileFields) -> File:
    given = [file.text is not None, file.base64 is not None, bool(file.message and file.id)]
    if sum(given) != 1:
        raise InvalidRequest(
            f"The attachment {file.name!r} needs one of: text, base64, or message with id.", service=_SERVICE
        )
    if file.message:
        found: File = call.client.attachment(file.message, file.id)
        return File(file.name or found.name, found.content, file.media_type or found.media_type)
    return File(file.name or "unnamed", _bytes(file), file.media_type)


def _bytes(file: FileFields) -> bytes:
    if file.text is not None:
        return file.text.encode("utf-8", "replace")
    try:
        return base64.b64decode(file.base64 or "", validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest(f"The attachment {file.name!r} is not base64: {error}.", service=_SERVICE) from error
