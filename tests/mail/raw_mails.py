"""Read the bytes of a mail, as a mail server gives them, in the form that workflows see."""

from __future__ import annotations

from typing import Any

from clients.mail.parts import nothing_left_out
from clients.mail.raw import payload_of
from clients.mail.text import WHOLE, Trim, read_mail, written_at


def read_raw(content: bytes, trim: Trim = WHOLE) -> dict[str, Any]:
    """Return what `read_mail` returns, and {date} from the `Date` header ("" for none)."""
    payload = payload_of(content)
    return {**read_mail(payload, nothing_left_out, trim), "date": written_at(payload)}
