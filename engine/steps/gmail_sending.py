"""Steps that send mail with Gmail at once: a new one, an answer, a mail that is passed on."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from clients.errors import InvalidRequest
from clients.gmail.outbox import Letter
from clients.mail.forwarding import forward_subject, forward_text
from clients.mail.outgoing import Outgoing
from clients.mail.replies import reply_address, reply_all_addresses
from engine.mail_fields import AddressFields, addresses
from engine.step import Call, JsonValue, Repeat, content, destination, option
from engine.steps.gmail import SERVICE
from engine.steps.gmail_writing import AnswerFields, Attachments, GmailWrite, SentOutput, WriteFields, files, letter


class GmailSend(GmailWrite):
    """Sends a mail, and finds it again by its Message-ID."""

    done = "mailed"
    repeat = Repeat.FINDABLE
    lag_seconds = 5.0
    output = SentOutput
    lasts = "A mail that was sent cannot be called back."

    def find(self, call: Call) -> JsonValue | None:
        """Look it up among the sent mails by its Message-ID."""
        return call.client.outbox.find_sent(call.marker)


class GmailCompose(GmailSend):
    """Writes a mail and sends it at once."""

    @abstractmethod
    def letter(self, call: Call) -> Letter:
        """Give the mail to send."""

    def call(self, call: Call) -> JsonValue:
        """Give {id, thread_id, message_id, url}."""
        made = self.letter(call)
        if not (made.mail.to or made.mail.cc or made.mail.bcc):
            raise InvalidRequest("The mail has no recipient.", service=SERVICE, remedy="Fill `to`, or `in_reply_to`.")
        return call.client.outbox.send(made)


class Send(GmailCompose):
    """Send a mail at once; an answer stays in its thread. It says that a program wrote it."""

    name = "gmail.send"
    title = "Send a mail"
    fields = WriteFields

    def letter(self, call: Call) -> Letter:
        """As the fields say."""
        return letter(call)

    def target(self, fields: Any) -> str:
        """Mails to the same people go one after the other."""
        return _people(fields.to) or str(fields.in_reply_to)

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Somebody must get it."""
        if any(arguments.get(name) for name in ("to", "cc", "bcc", "in_reply_to")):
            return []
        return [("to", "Say to whom it goes: `to`, or `in_reply_to` for an answer.")]


class ReplyFields(AnswerFields):
    """What `gmail.reply` takes; an empty `subject` is the old one behind `Re:`."""

    message: str = destination("Mail that this answers", min_length=1, format="gmail-message")
    all: bool = option("To everybody who got that mail", default=False)


class Reply(GmailCompose):
    """Answer a mail at once, in its thread; mail from oneself, automatic, bulk, list and no-reply mail is refused."""

    name = "gmail.reply"
    title = "Answer a mail"
    done = "answered"
    fields = ReplyFields

    def letter(self, call: Call) -> Letter:
        """Write to whoever wrote that mail and, where it is wished, to all who got it."""
        it: ReplyFields = call.fields
        answers = call.client.mail.original(it.message)
        to, cc = [reply_address(answers["payload"])], list[str]()
        if it.all:
            to, cc = reply_all_addresses(answers["payload"], call.client.account())
        call.request.update({"to": to, "cc": cc})
        mail = Outgoing(to, cc, (), it.subject, it.text, files(call, it.attachments))
        return Letter(mail, call.marker, answers, call.intended_at)

    def target(self, fields: Any) -> str:
        """One mail is answered once at a time."""
        return str(fields.message)


class ForwardFields(AddressFields):
    """What `gmail.forward` takes; `text` stands above the mail, an empty `subject` is the old one behind `Fwd:`."""

    message: str = destination("Mail to pass on", min_length=1, format="gmail-message")
    with_files: bool = option("With its attachments", default=True)
    attachments: Attachments = content("More attachments", [])


class Forward(GmailCompose):
    """Pass a mail on to somebody else, with its attachments and own words above it."""

    name = "gmail.forward"
    title = "Pass a mail on"
    done = "passed on"
    timeout_seconds = 120.0
    fields = ForwardFields

    def letter(self, call: Call) -> Letter:
        """Write the mail's words, and who wrote them, below one's own."""
        it: ForwardFields = call.fields
        message = call.client.mail.id_of(it.message)
        old = call.client.mail.message(message)
        attached = [*(call.client.mail.attachments(message) if it.with_files else []), *files(call, it.attachments)]
        subject = it.subject or forward_subject(old["subject"])
        to, cc, bcc = addresses(it.to), addresses(it.cc), addresses(it.bcc)
        call.request.update({"to": to, "subject": subject, "attachments": [file.name for file in attached]})
        mail = Outgoing(to, cc, bcc, subject, forward_text(it.text, old), attached)
        return Letter(mail, call.marker, None, call.intended_at)

    def target(self, fields: Any) -> str:
        """Mails to the same people go one after the other."""
        return _people(fields.to)

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Somebody must get it."""
        if any(arguments.get(name) for name in ("to", "cc", "bcc")):
            return []
        return [("to", "Say to whom it goes: `to`.")]


def _people(to: str | list[str]) -> str:
    return ",".join(sorted(address.lower() for address in addresses(to)))
