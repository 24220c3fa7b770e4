"""Converts a Gmail message (`format=full`) to the plain form that workflows see."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from clients.mail.authentication import ReceivingServer
from clients.mail.dates import rfc3339
from clients.mail.parts import Load, Part
from clients.mail.text import WHOLE, MailView, read_mail

_RECEIVER = ReceivingServer(("mx.google.com",))


def read_message(message: Part, load: Load, view: MailView = WHOLE) -> dict[str, Any]:
    """Return what `read_mail` returns, and {received_at, date}: both the time of arrival (RFC 3339, UTC)."""
    at = arrived_at(message)
    return {**read_mail(message.get("payload") or {}, load, view, _RECEIVER), "received_at": at, "date": at}


def arrived_at(message: Part) -> str:
    """Return when a mail was sent or has arrived (RFC 3339, UTC); a draft, when it was written."""
    milliseconds = str(message.get("internalDate", "0"))
    # Eleven or more digits of seconds are not a plausible date.
    seconds = int(milliseconds) // 1000 if milliseconds.isdigit() and len(milliseconds) < 14 else 0
    return rfc3339(datetime.fromtimestamp(seconds, UTC))
