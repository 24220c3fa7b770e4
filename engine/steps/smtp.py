"""Steps that send mail by SMTP, from the mailbox of an `imap` connection."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from clients.imap.drafts import original
from clients.imap.sent import find_sent, send
from clients.mail.outgoing import File, Outgoing
from clients.mail.replies import reply_address, reply_all_addresses
from engine.mail_fields import AddressFields, InlineFile, TextFields, addresses, inline_file, run_file
from engine.run_file import RunFile
from engine.step import (
    Call,
    Effect,
    JsonValue,
    Output,
    Receipt,
    Repeat,
    StepType,
    content,
    destination,
    option,
    outside,
)
from engine.steps.imap import SERVICE

Attachments = list[RunFile | InlineFile]


class WriteFields(AddressFields):
    """What the steps that write a mail take."""

    attachments: Attachments = content("Attachments", [])
    in_reply_to: str = destination("Mail that this answers", "", format="imap-message")


class ReplyFields(TextFields):
    """What `smtp.reply` takes; an empty `subject` is the old one behind `Re:`."""

    message: str = destination("Mail that this answers", min_length=1, format="imap-message")
    all: bool = option("To everybody who got that mail", default=False)
    attachments: Attachments = content("Attachments", [])


class SentOutput(Output):
    """The mail that left; `id` is that of its copy in the Sent folder, empty where this program made none."""

    id: str
    message_id: str
    thread_id: str = outside("Conversation")
    recipients: list[str] = outside("Recipients")


class _Sending(StepType):
    """Sends a mail."""

    service = SERVICE
    effect = Effect.WRITES
    repeat = Repeat.FINDABLE
    lag_seconds = 5.0
    timeout_seconds = 120.0
    output = SentOutput
    done = "mailed"
    lasts = "A mail that was sent cannot be called back."

    @abstractmethod
    def mail(self, call: Call) -> tuple[Outgoing, dict[str, Any] | None]:
        """Give the mail to write, and the headers of the mail that it answers."""

    def call(self, call: Call) -> JsonValue:
        """Give {id, message_id, thread_id, recipients}."""
        mail, answers = self.mail(call)
        return send(call.client.mailbox, call.client.outbox, mail, call.marker, answers, call.intended_at)

    def find(self, call: Call) -> JsonValue | None:
        """Look it up in the Sent folder by its Message-ID; where the copy there is ours to make, nobody can tell."""
        return find_sent(call.client.mailbox, call.marker)

    def receipt(self, output: JsonValue) -> Receipt:
        """Keep the Message-ID: it names the mail everywhere."""
        return Receipt(str(output["message_id"]))


class Send(_Sending):
    """Send a mail at once; an answer stays in its conversation and says that a program wrote it."""

    name = "smtp.send"
    title = "Send a mail"
    fields = WriteFields

    def mail(self, call: Call) -> tuple[Outgoing, dict[str, Any] | None]:
        """As the fields say."""
        return written_mail(call)

    def target(self, fields: Any) -> str:
        """Mails to the same people go one after the other."""
        return ",".join(sorted(address.lower() for address in addresses(fields.to))) or str(fields.in_reply_to)

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Somebody must get it."""
        if any(arguments.get(name) for name in ("to", "cc", "bcc", "in_reply_to")):
            return []
        return [("to", "Say to whom it goes: `to`, or `in_reply_to` for an answer.")]


class Reply(_Sending):
    """Answer a mail at once, in its conversation; the answer says that a program wrote it."""

    name = "smtp.reply"
    title = "Answer a mail"
    done = "answered"
    fields = ReplyFields

    def mail(self, call: Call) -> tuple[Outgoing, dict[str, Any] | None]:
        """To whoever wrote that mail, and where it is wished to all who got it."""
        fields: ReplyFields = call.fields
        answers = original(call.client.mailbox, fields.message)
        to, cc = reply_all_addresses(answers, call.client.account())
        cc = cc if fields.all else []
        call.request.update({"to": to, "cc": cc})
        return Outgoing(to, cc, (), fields.subject, fields.text, _files(call)), answers

    def target(self, fields: Any) -> str:
        """One mail is answered once at a time."""
        return str(fields.message)


def written_mail(call: Call) -> tuple[Outgoing, dict[str, Any] | None]:
    """Give the mail to write and the headers of the one that it answers; without `to` it goes to who wrote that."""
    fields: WriteFields = call.fields
    answers = original(call.client.mailbox, fields.in_reply_to) if fields.in_reply_to else None
    to = addresses(fields.to) or ([reply_address(answers)] if answers else [])
    call.request.update({"to": to, "in_reply_to": fields.in_reply_to})
    mail = Outgoing(to, addresses(fields.cc), addresses(fields.bcc), fields.subject, fields.text, _files(call))
    return mail, answers


def _files(call: Call) -> list[File]:
    given: Attachments = call.fields.attachments
    return [run_file(call, one) if isinstance(one, RunFile) else inline_file(one) for one in given]
