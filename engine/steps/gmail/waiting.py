"""The step that waits until somebody answers a mail of a Gmail mailbox."""

from __future__ import annotations

from engine.mail.waiting import AwaitReply
from engine.plugins.step import Output, own
from engine.steps.gmail.reading import SERVICE, MailOutput


class ReplyOutput(Output):
    """Whether somebody has answered, the mail with the answer or null, and when the run went on."""

    answered: bool
    mail: MailOutput | None
    waited_until: str = own("Continued at (UTC)")


class WaitForReply(AwaitReply):
    """Wait until somebody answers a mail, for at most so long; if nobody does, `answered` is false.

    Answers that are in its thread already count. Your own mails do not, and automatic replies only if you say so. While
    it waits, the run uses nothing; Gmail is asked once a minute for new mail, however many runs wait.
    """

    name = "gmail.wait_for_reply"
    service = SERVICE
    output = ReplyOutput
