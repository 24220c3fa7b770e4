"""A mail that a service is to send or keep as a draft."""

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
    """The service's record of the mail that this one answers, with its `payload` (`Part`) and `id`."""
    written_at: datetime | None = None
