"""Read the bytes of a mail, as a mail server gives them, in the form that workflows see."""

from __future__ import annotations

from typing import Any

from clients.mail.dates import written_at
from clients.mail.parts import nothing_left_out
from clients.mail.raw import payload_of
from clients.mail.text import WHOLE, MailView, attachment_of, read_mail


def read_raw(content: bytes, view: MailView = WHOLE) -> dict[str, Any]:
    """Return what `read_mail` returns, and {date} from the `Date` header ("" for none)."""
    payload = payload_of(content)
    return {**read_mail(payload, nothing_left_out, view), "date": written_at(payload)}


def taken_raw(content: bytes, wanted: str) -> bytes:
    """Return the content of a part by its id."""
    found = attachment_of(payload_of(content), wanted)
    assert found is not None, wanted
    return found[1]
