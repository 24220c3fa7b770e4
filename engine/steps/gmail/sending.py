"""Steps that send mail with Gmail right away: new mails, replies, forwards."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from clients.errors import InvalidRequest
from clients.gmail.letter import Letter
from clients.mail.forwarding import forward_subject, forward_text
from clients.mail.outgoing import OutgoingMail
from clients.mail.rendered import html_of_text
from clients.mail.replies import reply_all_addresses
from engine.plugins.mail_fields import AddressFields, addresses, answered, require_seen, written_text
from engine.plugins.step import Call, JsonValue, Preview, Prompts, Repeat, content, destination, option
from engine.steps.gmail.reading import SERVICE
from engine.steps.gmail.writing import (
    AnswerFields,
    Attachments,
    GmailWrite,
    SentOutput,
    WriteFields,
    files,
    letter,
    letter_preview,
)


class GmailSend(GmailWrite):
    """Base of the steps that send a mail and find it again by its Message-ID."""

    makes = ("a mail",)
    done = "mailed"
    agreed = "If you agree, this mail goes to {to}."
    approval = "always"
    sends_mail: ClassVar[Literal["", "written", "stored"]] = "written"
    repeat = Repeat.FINDABLE
    lag_seconds = 5.0
    output = SentOutput
    lasts = "A sent mail cannot be recalled."

    def find(self, call: Call) -> JsonValue | None:
        """Look for it among the sent mails by its Message-ID."""
        return call.client.outbox.find_sent(call.marker)


class GmailCompose(GmailSend):
    """Base of the steps that write a mail and send it right away."""

    @abstractmethod
    def letter(self, call: Call) -> Letter:
        """Return the mail to send."""

    def call(self, call: Call) -> JsonValue:
        """Return {id, thread_id, message_id, url}."""
        made = self.letter(call)
        require_seen(call, made.mail, made.answers and made.answers["payload"])
        if not (made.mail.to or made.mail.cc or made.mail.bcc):
            raise InvalidRequest("The mail has no recipient.", service=SERVICE, remedy="Fill `to`, or `in_reply_to`.")
        return call.client.outbox.send(made)

    def preview(self, call: Call) -> Preview:
        """Return the mail."""
        return letter_preview(call, self.letter(call))


class Send(GmailCompose):
    """Send a mail right away; a reply stays in its thread. The mail is marked as written by a program."""

    name = "gmail.send"
    title = "Send a mail"
    fields = WriteFields

    def letter(self, call: Call) -> Letter:
        """Return the mail described by the fields."""
        return letter(call)

    def target(self, fields: Any) -> str:
        """Serialize mails to the same people."""
        return _people(fields.to) or str(fields.in_reply_to)

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> list[tuple[str, str]]:
        """Require a recipient."""
        if any(arguments.get(name) for name in ("to", "cc", "bcc", "in_reply_to")):
            return []
        return [("to", "Give the recipients: `to`, or `in_reply_to` for a reply.")]


class ReplyFields(AnswerFields):
    """The fields of `gmail.reply`; if `subject` is empty, it is the old one after `Re:`."""

    message: str = destination("Mail to reply to", min_length=1, format="gmail-message")
    all: bool = option("To everyone who received that mail", default=False)


class Reply(GmailCompose):
    """Reply to a mail right away, in its thread. Your own, automatic, bulk, list and no-reply mails are refused.

    If the mail asks for answers to an address other than its sender's (`Reply-To`), a person has to approve it.
    """

    name = "gmail.reply"
    title = "Reply to a mail"
    done = "answered"
    fields = ReplyFields

    def letter(self, call: Call) -> Letter:
        """Return a mail to the sender and, if requested, to all recipients."""
        it: ReplyFields = call.fields
        answers = call.client.mail.original(it.message)
        to, is_diverted = answered(call, answers["payload"])
        cc = reply_all_addresses(answers["payload"], call.client.account())[1] if it.all else []
        call.request.update({"to": to, "cc": cc})
        text, html = written_text(it)
        given, reply_to = files(call, it.attachments), addresses(it.reply_to)
        mail = OutgoingMail(to, cc, (), it.subject, text, given, html, reply_to, is_diverted)
        return Letter(mail, call.marker, answers, call.intended_at)

    def target(self, fields: Any) -> str:
        """Serialize replies to the same mail."""
        return str(fields.message)


class ForwardFields(AddressFields):
    """The fields of `gmail.forward`; `text` goes above the mail; an empty `subject` is the old one after `Fwd:`."""

    message: str = destination("Mail to forward", min_length=1, format="gmail-message")
    with_files: bool = option("With its attachments", default=True)
    attachments: Attachments = content("More attachments", [])


class Forward(GmailCompose):
    """Forward a mail with its attachments, below a text of your own."""

    name = "gmail.forward"
    title = "Forward a mail"
    done = "forwarded"
    sends_mail = "stored"
    timeout_seconds = 120.0
    fields = ForwardFields

    def letter(self, call: Call) -> Letter:
        """Return a mail with the new text above the original one and its sender."""
        it: ForwardFields = call.fields
        message = call.client.mail.id_of(it.message)
        old = call.client.mail.message(message)
        attached = [*(call.client.mail.attachments(message) if it.with_files else []), *files(call, it.attachments)]
        subject = it.subject or forward_subject(old["subject"])
        to, cc, bcc = addresses(it.to), addresses(it.cc), addresses(it.bcc)
        call.request.update({"to": to, "subject": subject, "attachments": [file.name for file in attached]})
        text, html = written_text(it)
        html = f"{html}\n<hr>\n{html_of_text(forward_text('', old))}" if html else ""
        mail = OutgoingMail(to, cc, bcc, subject, forward_text(text, old), attached, html, addresses(it.reply_to))
        return Letter(mail, call.marker, None, call.intended_at)

    def target(self, fields: Any) -> str:
        """Serialize mails to the same people."""
        return _people(fields.to)

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> list[tuple[str, str]]:
        """Require a recipient."""
        if any(arguments.get(name) for name in ("to", "cc", "bcc")):
            return []
        return [("to", "Give the recipients: `to`.")]


def _people(to: str | list[str]) -> str:
    return ",".join(sorted(address.lower() for address in addresses(to)))
