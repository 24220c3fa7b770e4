"""A mail that Gmail is to send or keep as a draft."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from clients.mail.outgoing import OutgoingMail


class Letter(Struct, frozen=True):
    """A mail to write, and the write that it belongs to."""

    mail: OutgoingMail
    marker: str
    answers: dict[str, Any] | None = None
    """Gmail's record of the mail that this one answers, as returned by `GmailClient.original`."""
    written_at: datetime | None = None
