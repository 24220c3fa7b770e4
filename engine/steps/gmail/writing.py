"""Shared by the Gmail steps that write a mail: fields, the conversion to a letter, outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from clients.errors import InvalidRequest
from clients.gmail.letter import Letter
from clients.mail.outgoing import File, OutgoingMail
from engine.base.run_file import RunFile
from engine.plugins.mail_fields import (
    AddressFields,
    InlineFile,
    MailTextFields,
    addresses,
    answered,
    inline_file,
    mail_preview,
    run_file,
    text_markup,
    written_text,
)
from engine.plugins.step import Call, Effect, JsonValue, Markup, Output, Preview, StepType, content, destination
from engine.steps.gmail.reading import SERVICE


class FileFields(InlineFile):
    """A file to attach: a text, base64-encoded bytes, or an attachment of a mail (`message` and `id`)."""

    message: str = destination("Mail that contains it", "", format="gmail-message")
    id: str = destination("Attachment of that mail", "")


Attachments = list[RunFile | FileFields]


class AnswerFields(MailTextFields):
    """The text, and files to attach."""

    reply_to: str | list[str] = destination("Replies go to (empty: this account)", [])
    attachments: Attachments = content("Attachments", [])


class WriteFields(AddressFields):
    """The recipients, the text, and files to attach."""

    attachments: Attachments = content("Attachments", [])
    in_reply_to: str = destination("Mail to reply to", "", format="gmail-message")


class SentOutput(Output):
    """The mail that was sent."""

    id: str
    thread_id: str
    message_id: str
    url: str


class GmailWrite(StepType):
    """A step that writes to Gmail."""

    service = SERVICE
    effect = Effect.WRITES

    def markup_of(self, name: str, arguments: Mapping[str, JsonValue]) -> Markup:
        """Return how a field is read: the text of a mail may be Markdown."""
        return text_markup(arguments) if name == "text" else super().markup_of(name, arguments)


def letter(call: Call) -> Letter:
    """Return the letter that `WriteFields` describe; a reply without `to` goes to the sender of the original mail."""
    it: WriteFields = call.fields
    answers = call.client.mail.original(it.in_reply_to) if it.in_reply_to else None
    to, is_diverted = addresses(it.to), False
    if answers is not None and not to:
        to, is_diverted = answered(call, answers["payload"])
    text, html = written_text(it)
    people, reply_to = (to, addresses(it.cc), addresses(it.bcc)), addresses(it.reply_to)
    mail = OutgoingMail(*people, it.subject, text, files(call, it.attachments), html, reply_to, is_diverted)
    call.request.update({"to": to, "in_reply_to": it.in_reply_to})
    return Letter(mail, call.marker, answers, call.intended_at)


def letter_preview(call: Call, made: Letter) -> Preview:
    """Return a letter as its readers will see it, with the address of the mail that it answers or forwards."""
    answers = made.answers
    original = getattr(call.fields, "message", "") if answers is None else answers["id"]
    url = call.client.url(call.client.mail.id_of(original)) if original else ""
    return replace(mail_preview(made.mail, answers and answers["payload"]), url=url)


def files(call: Call, attachments: Attachments) -> list[File]:
    """Return the files to attach. Raises InvalidRequest, NotFound."""
    return [run_file(call, one) if isinstance(one, RunFile) else _file(call, one) for one in attachments]


def _file(call: Call, file: FileFields) -> File:
    if not file.message:
        return inline_file(file)
    if not file.id or file.text is not None or file.base64 is not None:
        raise InvalidRequest(
            f"The attachment {file.name!r} needs one of: text, base64, or message with id.", service=SERVICE
        )
    found: File = call.client.mail.attachment(file.message, file.id)
    return File(file.name or found.name, found.content, file.media_type or found.media_type)
