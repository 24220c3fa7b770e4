"""Converts a Gmail message (`format=full`) to the plain form that workflows see."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from clients.mail.authentication import ReceivingServer
from clients.mail.parts import Load, Part
from clients.mail.text import WHOLE, Trim, read_mail, rfc3339

_RECEIVER = ReceivingServer(("mx.google.com",))


def read_message(message: Part, load: Load, trim: Trim = WHOLE) -> dict[str, Any]:
    """Return what `read_mail` returns, and {date}: the time of arrival (RFC 3339, UTC)."""
    return {**read_mail(message.get("payload") or {}, load, trim, _RECEIVER), "date": _arrived(message)}


def _arrived(message: Part) -> str:
    milliseconds = str(message.get("internalDate", "0"))
    # Eleven or more digits of seconds are not a plausible date.
    seconds = int(milliseconds) // 1000 if milliseconds.isdigit() and len(milliseconds) < 14 else 0
    return rfc3339(datetime.fromtimestamp(seconds, UTC))
