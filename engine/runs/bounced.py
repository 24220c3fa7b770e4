"""What reports have said of mails that a run has sent, as people see it."""

from __future__ import annotations

from dataclasses import dataclass

from engine.people.answer_links import without_links
from engine.store.bounces import BouncedMail


@dataclass(frozen=True)
class UndeliveredMail:
    """A recipient of a mail of a run whom it did not reach, by a report that has come to the mailbox.

    Anybody can write such a report: its texts are text from outside, and nothing depends on them.
    """

    path: str
    """The path of the step that sent the mail."""
    recipient: str
    """The address."""
    action: str
    """`failed`, or `delayed`: then it may still arrive."""
    status: str
    """Such as `5.1.1` (RFC 3463), or empty."""
    diagnostic: str
    """What the server of the recipient has answered, or empty."""
    connection: str
    """The connection to the mailbox that has the report."""
    mail: str
    """The id of the report there."""
    noticed_at: str
    """When it was noticed (RFC 3339, UTC)."""
    sentence: str
    """All of it in a sentence."""


def undelivered_mail(found: BouncedMail) -> UndeliveredMail:
    """Return a report as people see it."""
    return UndeliveredMail(
        found.path,
        without_links(found.recipient),
        found.action,
        found.status,
        without_links(found.diagnostic),
        found.connection,
        found.mail,
        found.at,
        without_links(bounced_words(found)),
    )


def bounced_words(found: BouncedMail) -> str:
    """Return a report as a sentence, in the form that the dashboard translates."""
    why = found.diagnostic or found.status or "no reason given"
    if found.action == "delayed":
        return f"Not delivered to {found.recipient} yet: {why}"
    return f"Could not be delivered to {found.recipient}: {why}"
