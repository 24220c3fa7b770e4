"""Identifies a mail and its conversation from its headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clients.mail.parts import header
from clients.mail.raw import headers_of


def message_id_of(content: bytes) -> str:
    """Return a mail's Message-ID, `<...>`, or ""."""
    return header(headers_of(content), "Message-ID").strip()


def thread_id_of(payload: Mapping[str, Any]) -> str:
    """Return the Message-ID of the first mail of the conversation, as far as the headers tell (RFC 5322 3.6.4)."""
    chain = [*header(payload, "References").split(), *header(payload, "In-Reply-To").split()]
    names = [word for word in chain if word.startswith("<") and word.endswith(">")]
    return names[0] if names else header(payload, "Message-ID").strip()
