"""What a mail that was made and a mail that was read differ in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.mail.made_mails import Made


def differences(made: Made, read: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return {field: (what was put in, what was read)} of those that differ; a cut has to be declared."""
    pairs = {
        "subject": (made.subject, read["subject"]),
        "from": (made.sender, read["from"]),
        "files": (made.files, [file["name"] for file in read["attachments"]]),
        "text_truncated": (made.is_cut, read["text_truncated"]),
        "text_missing": ("", read["text_missing"]),
        "text": (made.text, read["text"][: len(made.text)] if made.is_cut else read["text"]),
    }
    if made.is_cut:
        pairs["says so"] = (True, "[Cut here: 200,000 of " in read["text"])
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
