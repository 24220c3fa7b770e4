"""Steps that send mail by SMTP, from the mailbox of an `imap` connection."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from clients.imap.drafts import original
from clients.imap.sent import find_sent, send
from clients.mail.outgoing import File, OutgoingMail
from clients.mail.replies import reply_all_addresses
from engine.base.run_file import RunFile
from engine.plugins.mail_fields import (
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
    written_text,
)
from engine.plugins.step import (
    Call,
    Effect,
    JsonValue,
    Markup,
    Output,
    Preview,
    Prompts,
    Receipt,
    Repeat,
    StepType,
    content,
    destination,
    option,
    outside,
)
from engine.steps.imap.reading import SERVICE

Attachments = list[RunFile | InlineFile]


class WriteFields(AddressFields):
    """The recipients, the text, and files to attach."""

    attachments: Attachments = content("Attachments", [])
    in_reply_to: str = destination("Mail to reply to", "", format="imap-message")


class ReplyFields(MailTextFields):
    """The fields of `smtp.reply`; if `subject` is empty, it is the old one after `Re:`."""

    message: str = destination("Mail to reply to", min_length=1, format="imap-message")
    all: bool = option("To everyone who received that mail", default=False)
    reply_to: str | list[str] = destination("Replies go to (empty: this account)", [])
    attachments: Attachments = content("Attachments", [])


class SentOutput(Output):
    """The mail that was sent; `id` is the id of its copy in the Sent folder, empty if this program made no copy."""

    id: str
    message_id: str
    thread_id: str = outside("Conversation")
    recipients: list[str] = outside("Recipients")


class WritesMail(StepType):
    """Base of the steps that write a mail."""

    makes = ("a mail",)
    service = SERVICE
    effect = Effect.WRITES

    def markup_of(self, name: str, arguments: Mapping[str, JsonValue]) -> Markup:
        """Return how a field is read: the text of a mail may be Markdown."""
        return text_markup(arguments) if name == "text" else super().markup_of(name, arguments)


class _Sending(WritesMail):
    """Base of the steps that send a mail."""

    approval = "always"
    sends_mail = "written"
    repeat = Repeat.FINDABLE
    lag_seconds = 5.0
    timeout_seconds = 120.0
    output = SentOutput
    done = "mailed"
    agreed = "If you agree, this mail goes to {to}."
    lasts = "A sent mail cannot be recalled."

    @abstractmethod
    def mail(self, call: Call) -> tuple[OutgoingMail, dict[str, JsonValue] | None]:
        """Return the mail to send, and the headers of the mail it replies to."""

    def call(self, call: Call) -> JsonValue:
        """Return {id, message_id, thread_id, recipients}."""
        mail, answers = self.mail(call)
        require_seen(call, mail, answers)
        return send(call.client.mailbox, call.client.outbox, mail, call.marker, answers, call.intended_at)

    def preview(self, call: Call) -> Preview:
        """Return the mail."""
        return mail_preview(*self.mail(call))

    def find(self, call: Call) -> JsonValue | None:
        """Look for it in the Sent folder by its Message-ID; if we make that copy ourselves, the outcome is unknown."""
        return find_sent(call.client.mailbox, call.marker)

    def receipt(self, output: JsonValue) -> Receipt:
        """Return the Message-ID, which identifies the mail everywhere."""
        return Receipt(str(output["message_id"]))


class Send(_Sending):
    """Send a mail right away, a new one or within a conversation. It is marked as written by a program."""

    name = "smtp.send"
    title = "Send a mail"
    fields = WriteFields

    def mail(self, call: Call) -> tuple[OutgoingMail, dict[str, JsonValue] | None]:
        """Return the mail described by the fields."""
        return written_mail(call)

    def target(self, fields: Any) -> str:
        """Serialize mails to the same people."""
        return ",".join(sorted(address.lower() for address in addresses(fields.to))) or str(fields.in_reply_to)

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> list[tuple[str, str]]:
        """Require a recipient."""
        if any(arguments.get(name) for name in ("to", "cc", "bcc", "in_reply_to")):
            return []
        return [("to", "Give the recipients: `to`, or `in_reply_to` for a reply.")]


class Reply(_Sending):
    """Send a reply to a mail right away, in its conversation; it is marked as written by a program.

    If the mail asks for answers to an address other than its sender's (`Reply-To`), a person has to approve it.
    """

    name = "smtp.reply"
    title = "Reply to a mail"
    done = "answered"
    fields = ReplyFields

    def mail(self, call: Call) -> tuple[OutgoingMail, dict[str, JsonValue] | None]:
        """Return a mail to the sender and, if requested, to all recipients."""
        fields: ReplyFields = call.fields
        answers = original(call.client.mailbox, fields.message)
        to, is_diverted = answered(call, answers)
        cc = reply_all_addresses(answers, call.client.account())[1] if fields.all else []
        call.request.update({"to": to, "cc": cc})
        (text, html), reply_to = written_text(fields), addresses(fields.reply_to)
        mail = OutgoingMail(to, cc, (), fields.subject, text, _files(call), html, reply_to, is_diverted)
        return mail, answers

    def target(self, fields: Any) -> str:
        """Serialize replies to the same mail."""
        return str(fields.message)


def written_mail(call: Call) -> tuple[OutgoingMail, dict[str, JsonValue] | None]:
    """Return the mail to send and the headers of the one it replies to, whose sender is the default for `to`."""
    fields: WriteFields = call.fields
    answers = original(call.client.mailbox, fields.in_reply_to) if fields.in_reply_to else None
    to, is_diverted = addresses(fields.to), False
    if answers is not None and not to:
        to, is_diverted = answered(call, answers)
    call.request.update({"to": to, "in_reply_to": fields.in_reply_to})
    people, (text, html) = (to, addresses(fields.cc), addresses(fields.bcc)), written_text(fields)
    reply_to = addresses(fields.reply_to)
    return OutgoingMail(*people, fields.subject, text, _files(call), html, reply_to, is_diverted), answers


def _files(call: Call) -> list[File]:
    given: Attachments = call.fields.attachments
    return [run_file(call, one) if isinstance(one, RunFile) else inline_file(one) for one in given]
