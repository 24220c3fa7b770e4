"""A mail that is passed on: its subject, and its words below those of the one who passes it on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_PREFIXES = ("fwd:", "fw:", "wg:", "tr:", "rv:")
_MARK = "---------- Forwarded message ---------"


def forward_subject(subject: str) -> str:
    """Give the subject of a mail that is passed on: the old one behind one `Fwd:`."""
    return subject if subject.lower().startswith(_PREFIXES) else f"Fwd: {subject}".strip()


def forward_text(own: str, mail: Mapping[str, Any]) -> str:
    """Give the words of a mail that passes on `mail` (as `read_mail` gives it), with `own` words above."""
    named = {"From": "from", "Date": "date", "Subject": "subject", "To": "to", "Cc": "cc"}
    head = [f"{name}: {mail[key]}" for name, key in named.items() if mail.get(key)]
    text = mail["text"] if mail.get("full_text") is None else mail["full_text"]
    return "\n".join([*([own.rstrip(), ""] if own.strip() else []), _MARK, *head, "", text])
