"""What is known of a mail that others may answer, the same for all services."""

from __future__ import annotations

from msgspec import Struct


class MailConversation(Struct, frozen=True):
    """A mail that others may answer, and its conversation."""

    names: tuple[str, ...]
    """The ids of the conversation: of a thread, or of the mails that answers refer to."""
    mail: str
    """The Message-ID of the mail, or ""."""
    since: str
    """When it was sent or has arrived (RFC 3339, UTC, in seconds): what is older answers something else."""


class MailHint(Struct, frozen=True):
    """A mail that has arrived."""

    id: str
    names: tuple[str, ...]
    """The ids of its conversation, as in `MailConversation`."""
