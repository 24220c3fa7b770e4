"""Steps that send mail with Gmail right away: new mails, replies, forwards."""

from __future__ import annotations

from engine.mail.writing import AnswerMail, ForwardMail, SendMail
from engine.steps.gmail.reading import SERVICE


class Send(SendMail):
    """Send a mail right away, a new one or within a thread. The mail is marked as written by a program."""

    name = "gmail.send"
    service = SERVICE


class Reply(AnswerMail):
    """Send a reply to a mail right away, in its thread. Your own, automatic, bulk, list and no-reply mails are refused.

    If the mail asks for answers to an address other than its sender's (`Reply-To`), a person has to approve it.
    """

    name = "gmail.reply"
    service = SERVICE


class Forward(ForwardMail):
    """Forward a mail with its attachments, below a text of your own."""

    name = "gmail.forward"
    service = SERVICE
