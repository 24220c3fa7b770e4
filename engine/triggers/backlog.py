"""Limits how much existing mail a new trigger processes, and says what was left out."""

from __future__ import annotations

from collections.abc import Sequence

MOST = 10_000
"""The number of mails kept in the cursor, which is rewritten with each batch."""


def note_on(found: Sequence[object]) -> str:
    """Return a note that only the newest mails count if there are more than the limit, else an empty text."""
    if len(found) <= MOST:
        return ""
    return (
        f"More than {MOST:,} mails match: only the newest {MOST:,} count, and the older ones start no run."
        " Use a narrower search, such as one with dates, to process them in parts."
    )
