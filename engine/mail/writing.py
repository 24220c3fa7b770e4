"""The steps that send mail from a mailbox, without their names: each service (Gmail, Outlook, IMAP) adds its own.

The client has `mail` (`original`, `id_of`, `message`, `attachment`, `attachments`), `outbox` (`send`, `find_sent`),
`account` and `url`, which returns "" if mails have no page.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar, Literal

from msgspec import structs

from clients.errors import InvalidRequest
from clients.mail.forwarding import forward_subject, forward_text
from clients.mail.letter import Letter
from clients.mail.outgoing import File, OutgoingMail
from clients.mail.rendered import html_of_text
from clients.mail.replies import reply_all_addresses
from engine.base.run_file import RunFile
from engine.mail.fields import (
    AddressFields,
    InlineFile,
    MailTextFields,
    addresses,
    answered,
    inline_file,
    mail_preview,
    require_seen,
    run_file,
    text_markup,
)
from engine.mail.follow_ups import FollowUp, follow_up_problems, only_if_unanswered
from engine.mail.identity import signed_text
from engine.mail.schedule import SendAfter, goes_out_at, schedule_line, send_after
from engine.plugins.step import (
    Call,
    Effect,
    Fields,
    JsonValue,
    Markup,
    Output,
    Preview,
    Prompts,
    Repeat,
    content,
    destination,
    option,
)


class FileOrAttachment(InlineFile):
    """A file to attach: a text, base64-encoded bytes, or an attachment of a mail (`message` and `id`)."""

    message: str = destination("Mail that contains it", "", format="mail-message")
    id: str = destination("Attachment of that mail", "")


MailFiles = list[RunFile | FileOrAttachment]


class LetterFields(AddressFields):
    """The recipients, the text, and files to attach."""

    attachments: MailFiles = content("Attachments", [])
    in_reply_to: str = destination("Mail to reply to", "", format="mail-message")
    only_if_unanswered: bool = only_if_unanswered()


class SentLetterFields(LetterFields):
    """The recipients, the text, files to attach, and when it goes out."""

    send_after: SendAfter = send_after()


class MailAnswerFields(MailTextFields):
    """The answer, and the mail that it is for; if `subject` is empty, it is the old one after `Re:`."""

    reply_to: str | list[str] = destination("Replies go to (empty: this account)", [])
    attachments: MailFiles = content("Attachments", [])
    message: str = destination("Mail to reply to", min_length=1, format="mail-message")
    all: bool = option("To everyone who received that mail", default=False)
    only_if_unanswered: bool = only_if_unanswered()
    send_after: SendAfter = send_after()


class PassOnFields(AddressFields):
    """The mail to forward; `text` goes above the mail; an empty `subject` is the old one after `Fwd:`."""

    message: str = destination("Mail to forward", min_length=1, format="mail-message")
    with_files: bool = option("With its attachments", default=True)
    attachments: MailFiles = content("More attachments", [])
    send_after: SendAfter = send_after()


class SentMail(Output):
    """The mail that was sent."""

    id: str
    thread_id: str
    message_id: str
    url: str


class MailWrite(FollowUp):
    """A step that writes to a mailbox."""

    effect = Effect.WRITES

    def markup_of(self, name: str, arguments: Mapping[str, JsonValue]) -> Markup:
        """Return how a field is read: the text of a mail may be Markdown."""
        return text_markup(arguments) if name == "text" else super().markup_of(name, arguments)


class MailSend(MailWrite):
    """Base of the steps that send a mail and find it again by its marker."""

    makes = ("a mail",)
    done = "mailed"
    agreed = "If you agree, this mail goes to {to}."
    approval = "always"
    sends_mail: ClassVar[Literal["", "written", "stored"]] = "written"
    repeat = Repeat.FINDABLE
    lag_seconds = 5.0
    output: ClassVar[type[Output] | None] = SentMail
    lasts = "A sent mail cannot be recalled."

    def waits_until(self, arguments: Mapping[str, JsonValue], now: datetime) -> datetime | None:
        """Return until when the mail is held."""
        return goes_out_at(arguments, now)

    def find(self, call: Call) -> JsonValue | None:
        """Look for it among the sent mails by its marker."""
        return call.client.outbox.find_sent(call.marker)


class MailCompose(MailSend):
    """Base of the steps that write a mail and send it right away."""

    @abstractmethod
    def letter(self, call: Call) -> Letter:
        """Return the mail to send."""

    def call(self, call: Call) -> JsonValue:
        """Return {id, thread_id, message_id, url}."""
        made = self.letter(call)
        require_seen(call, made.mail, made.answers and made.answers["payload"])
        if not (made.mail.to or made.mail.cc or made.mail.bcc):
            service = call.client.service.name
            raise InvalidRequest("The mail has no recipient.", service=service, remedy="Fill `to`, or `in_reply_to`.")
        self.require_unanswered(call, answered_mail(made))
        return call.client.outbox.send(made)

    def preview(self, call: Call) -> Preview:
        """Return the mail."""
        return letter_preview(call, self.letter(call))


class SendMail(MailCompose):
    """Sends a mail right away."""

    title = "Send a mail"
    fields: ClassVar[type[Fields]] = SentLetterFields

    def letter(self, call: Call) -> Letter:
        """Return the mail described by the fields."""
        return letter(call)

    def target(self, fields: Any) -> str:
        """Serialize mails to the same people."""
        return _people(fields.to) or str(fields.in_reply_to)

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> list[tuple[str, str]]:
        """Require a recipient."""
        if any(arguments.get(name) for name in ("to", "cc", "bcc", "in_reply_to")):
            return follow_up_problems(arguments)
        return [("to", "Give the recipients: `to`, or `in_reply_to` for a reply.")]


class AnswerMail(MailCompose):
    """Replies to a mail right away, in its thread."""

    title = "Reply to a mail"
    done = "answered"
    fields: ClassVar[type[Fields]] = MailAnswerFields

    def letter(self, call: Call) -> Letter:
        """Return a mail to the sender and, if requested, to all recipients."""
        it: MailAnswerFields = call.fields
        answers = call.client.mail.original(it.message)
        to, is_diverted = answered(call, answers["payload"])
        cc = reply_all_addresses(answers["payload"], call.client.account())[1] if it.all else []
        call.request.update({"to": to, "cc": cc})
        signed = signed_text(call, it)
        given, reply_to = files(call, it.attachments), addresses(it.reply_to)
        words = (it.subject, signed.text, given, signed.html)
        mail = OutgoingMail(to, cc, (), *words, reply_to, is_diverted, signed.sender)
        return Letter(mail, call.marker, answers, call.intended_at)

    def target(self, fields: Any) -> str:
        """Serialize replies to the same mail."""
        return str(fields.message)


class ForwardMail(MailCompose):
    """Forwards a mail with its attachments, below a text of your own."""

    title = "Forward a mail"
    done = "forwarded"
    sends_mail = "stored"
    timeout_seconds = 120.0
    fields: ClassVar[type[Fields]] = PassOnFields

    def letter(self, call: Call) -> Letter:
        """Return a mail with the new text above the original one and its sender."""
        it: PassOnFields = call.fields
        message = call.client.mail.id_of(it.message)
        old = call.client.mail.message(message)
        theirs = call.client.mail.attachments(message) if it.with_files else []
        attached = [*(structs.replace(one, is_passed_on=True) for one in theirs), *files(call, it.attachments)]
        subject = it.subject or forward_subject(old["subject"])
        to, cc, bcc = addresses(it.to), addresses(it.cc), addresses(it.bcc)
        call.request.update({"to": to, "subject": subject, "attachments": [file.name for file in attached]})
        signed = signed_text(call, it)
        html = f"{signed.html}\n<hr>\n{html_of_text(forward_text('', old))}" if signed.html else ""
        words = (subject, forward_text(signed.text, old), attached, html)
        mail = OutgoingMail(to, cc, bcc, *words, addresses(it.reply_to), sender=signed.sender)
        return Letter(mail, call.marker, None, call.intended_at)

    def target(self, fields: Any) -> str:
        """Serialize mails to the same people."""
        return _people(fields.to)

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> list[tuple[str, str]]:
        """Require a recipient."""
        if any(arguments.get(name) for name in ("to", "cc", "bcc")):
            return []
        return [("to", "Give the recipients: `to`.")]


def letter(call: Call) -> Letter:
    """Return the letter that `LetterFields` describe; a reply without `to` goes to the sender of the original mail.

    With `to`, it may follow up a mail of one's own.
    """
    it: LetterFields = call.fields
    to, is_diverted = addresses(it.to), False
    answers = call.client.mail.original(it.in_reply_to, follows_up=bool(to)) if it.in_reply_to else None
    if answers is not None and not to:
        to, is_diverted = answered(call, answers["payload"])
    signed = signed_text(call, it)
    cc, bcc, reply_to = addresses(it.cc), addresses(it.bcc), addresses(it.reply_to)
    words = (it.subject, signed.text, files(call, it.attachments), signed.html)
    mail = OutgoingMail(to, cc, bcc, *words, reply_to, is_diverted, signed.sender)
    call.request.update({"to": to, "in_reply_to": it.in_reply_to})
    return Letter(mail, call.marker, answers, call.intended_at)


def answered_mail(made: Letter) -> str:
    """Return the id of the mail that a letter answers, or follows up; "" if there is none."""
    return "" if made.answers is None else str(made.answers["id"])


def letter_preview(call: Call, made: Letter) -> Preview:
    """Return a letter as its readers will see it, with the address of the mail that it answers or forwards."""
    answers = made.answers
    original = getattr(call.fields, "message", "") if answers is None else answers["id"]
    url = call.client.url(call.client.mail.id_of(original)) if original else ""
    return replace(mail_preview(made.mail, answers and answers["payload"], schedule_line(call)), url=url)


def files(call: Call, attachments: MailFiles) -> list[File]:
    """Return the files to attach. Raises InvalidRequest, NotFound."""
    return [run_file(call, one) if isinstance(one, RunFile) else _file(call, one) for one in attachments]


def _file(call: Call, file: FileOrAttachment) -> File:
    if not file.message:
        return inline_file(file)
    if not file.id or file.text is not None or file.base64 is not None:
        raise InvalidRequest(
            f"The attachment {file.name!r} needs one of: text, base64, or message with id.",
            service=call.client.service.name,
        )
    found: File = call.client.mail.attachment(file.message, file.id)
    return File(file.name or found.name, found.content, file.media_type or found.media_type, not file.name)


def _people(to: str | list[str]) -> str:
    return ",".join(sorted(address.lower() for address in addresses(to)))
