"""Steps that send mail by SMTP, from the mailbox of an `imap` connection: new mails, replies, forwards."""

from __future__ import annotations

from engine.mail.fields import MailTextFields
from engine.mail.follow_ups import only_if_unanswered
from engine.mail.schedule import SendAfter, send_after
from engine.mail.writing import AnswerMail, ForwardMail, MailCompose, MailFiles, SendMail
from engine.plugins.step import JsonValue, Output, Receipt, content, destination, option, outside
from engine.steps.imap.reading import SERVICE


class ReplyFields(MailTextFields):
    """The fields of `smtp.reply`; if `subject` is empty, it is the old one after `Re:`."""

    message: str = destination("Mail to reply to", min_length=1, format="mail-message")
    all: bool = option("To everyone who received that mail", default=False)
    reply_to: str | list[str] = destination("Replies go to (empty: this account)", [])
    attachments: MailFiles = content("Attachments", [])
    only_if_unanswered: bool = only_if_unanswered()
    send_after: SendAfter = send_after()


class SentOutput(Output):
    """The mail that was sent; `id` is the id of its copy in the Sent folder, empty if this program made no copy."""

    id: str
    message_id: str
    thread_id: str = outside("Conversation")
    recipients: list[str] = outside("Recipients")


class _BySmtp(MailCompose):
    """What the steps that send by SMTP have in common."""

    service = SERVICE
    timeout_seconds = 120.0
    output = SentOutput

    def receipt(self, output: JsonValue) -> Receipt:
        """Return the Message-ID, which identifies the mail everywhere."""
        return Receipt(str(output["message_id"]))


class Send(_BySmtp, SendMail):
    """Send a mail right away, a new one or within a conversation. It is marked as written by a program."""

    name = "smtp.send"


class Reply(_BySmtp, AnswerMail):
    """Send a reply to a mail right away, in its conversation; it is marked as written by a program.

    If the mail asks for answers to an address other than its sender's (`Reply-To`), a person has to approve it.
    """

    name = "smtp.reply"
    fields = ReplyFields


class Forward(_BySmtp, ForwardMail):
    """Forward a mail with its attachments, below a text of your own."""

    name = "smtp.forward"
