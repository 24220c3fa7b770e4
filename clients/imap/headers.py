"""What the headers of a mail say of who it is, and which conversation it belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clients.mail.parts import header
from clients.mail.raw import headers_of


def message_id_of(content: bytes) -> str:
    """Give the Message-ID of a mail, `<...>`; "" for none."""
    return header(headers_of(content), "Message-ID").strip()


def thread_id_of(payload: Mapping[str, Any]) -> str:
    """Give the Message-ID of the first mail of the conversation, as far as this one names it (RFC 5322 3.6.4)."""
    chain = [*header(payload, "References").split(), *header(payload, "In-Reply-To").split()]
    names = [word for word in chain if word.startswith("<") and word.endswith(">")]
    return names[0] if names else header(payload, "Message-ID").strip()
