"""Steps that send mail with Outlook right away: new mails, replies, forwards."""

from __future__ import annotations

from engine.mail.writing import AnswerMail, ForwardMail, SendMail
from engine.steps.outlook.reading import SERVICE


class Send(SendMail):
    """Send a mail right away, a new one or within a thread. The mail is marked as written by a program.

    Outlook.com gives sent mails a `message_id` of its own; the mail keeps its `id`.
    """

    name = "outlook.send"
    service = SERVICE
    timeout_seconds = 120.0


class Reply(AnswerMail):
    """Send a reply to a mail right away, in its thread. Your own, automatic, bulk, list and no-reply mails are refused.

    If the mail asks for answers to an address other than its sender's (`Reply-To`), a person has to approve it.
    """

    name = "outlook.reply"
    service = SERVICE
    timeout_seconds = 120.0


class Forward(ForwardMail):
    """Forward a mail with its attachments, below a text of your own."""

    name = "outlook.forward"
    service = SERVICE
