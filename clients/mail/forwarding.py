"""Forwarding a mail: its subject, and its text below the sender's own words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clients.mail.quoting.envelope import forwards

_MARK = "---------- Forwarded message ---------"


def forward_subject(subject: str) -> str:
    """Return the subject of a forwarded mail: the original behind one `Fwd:`."""
    return subject if forwards(subject) else f"Fwd: {subject}".strip()


def forward_text(own: str, mail: Mapping[str, Any]) -> str:
    """Return the text that forwards `mail` (in the form of `read_mail`), below the sender's `own` words."""
    named = {"From": "from", "Date": "date", "Subject": "subject", "To": "to", "Cc": "cc"}
    head = [f"{name}: {mail[key]}" for name, key in named.items() if mail.get(key)]
    text = mail["text"] if mail.get("full_text") is None else mail["full_text"]
    return "\n".join([*([own.rstrip(), ""] if own.strip() else []), _MARK, *head, "", text])
