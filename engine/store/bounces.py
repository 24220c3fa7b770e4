"""The port of mails that could not be delivered: which were sent of late, and what reports have said of them.

A report is text from outside. It says something of the mail that it names, and of nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol


class MailedAccount(NamedTuple):
    """An account from which mail was sent."""

    account: str
    """As in identities of writes."""
    last_at: str
    """When the newest one was sent (RFC 3339, UTC)."""


class MadeMail(NamedTuple):
    """A mail that a run has sent."""

    identity: str
    generation: int
    run_id: str
    path: str
    output: str
    """What the step returned, as JSON, or ""."""
    intended_at: str
    """When it was about to be sent (RFC 3339, UTC)."""
    done_at: str
    """When it was known to be sent; after a crash, that may be much later."""


class BouncedMail(NamedTuple):
    """What a report says of one recipient of a mail that a run has sent; its texts come from outside."""

    run_id: str
    path: str
    recipient: str
    action: str
    """`failed`, `delivered`, `relayed` (out of sight), or `delayed`: then it may still arrive."""
    status: str
    diagnostic: str
    connection: str
    mail: str
    """The id of the report in the mailbox."""
    at: str
    """When it was noticed (RFC 3339, UTC)."""
    number: int = 0
    """Rises with each report; given by the store."""


class Bounces(Protocol):
    """Reports about mails that runs have sent; any thread. Everything raises StorageError."""

    def mailed(self, uses: Collection[str], since: str) -> Sequence[MailedAccount]:
        """Return the accounts from which steps of these types have sent mail since a time, in runs that are kept."""

    def mails(self, account: str, uses: Collection[str], since: str) -> Sequence[MadeMail]:
        """Return the mails that steps of these types have sent from an account since a time, as `mailed` counts."""

    def note(self, found: Sequence[BouncedMail]) -> None:
        """Keep reports as long as their runs. A second one of an action and a recipient, or over 100, is ignored."""

    def of(self, run_id: str) -> Sequence[BouncedMail]:
        """Return the word about each recipient whom a mail of a run has not reached, oldest first.

        A mail that was `delayed` may arrive or fail later. A failure stays: anybody could write that it arrived.
        """

    def after(self, number: int, most: int) -> Sequence[BouncedMail]:
        """Return at most so many of the reports with higher numbers, oldest first."""

    def last_number(self) -> int:
        """Return the highest number; 0 without any report."""
