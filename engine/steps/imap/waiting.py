"""The step that waits until somebody answers a mail of an IMAP mailbox."""

from __future__ import annotations

from engine.mail.waiting import AwaitReply
from engine.plugins.step import Output, own
from engine.steps.imap.reading import SERVICE, MailOutput


class ReplyOutput(Output):
    """Whether somebody has answered, the mail with the answer or null, and when the run went on."""

    answered: bool
    mail: MailOutput | None
    waited_until: str = own("Continued at (UTC)")


class WaitForReply(AwaitReply):
    """Wait until somebody answers a mail, for at most so long; if nobody does, `answered` is false.

    An answer refers to the mail, or to the first mail of its conversation, and is in the folder of the connection, in
    the archive or among all mail. Answers that are there already count. Your own mails do not, and automatic replies
    only if you say so. While it waits, the run uses nothing; the folder of the connection is looked at once a minute,
    however many runs wait.
    """

    name = "imap.wait_for_reply"
    service = SERVICE
    output = ReplyOutput
