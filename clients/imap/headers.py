"""Identifies a mail and its conversation from its headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clients.mail.parts import header
from clients.mail.raw import headers_of
from clients.mail.replies import chain_of


def message_id_of(content: bytes) -> str:
    """Return a mail's Message-ID, `<...>`, or ""."""
    return header(headers_of(content), "Message-ID").strip()


def thread_id_of(payload: Mapping[str, Any]) -> str:
    """Return the Message-ID of the first mail of the conversation, as far as these headers tell."""
    return chain_of(payload).first
