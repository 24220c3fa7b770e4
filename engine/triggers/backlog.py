"""How much of the mail that was there before is gone through, and what is said of the rest."""

from __future__ import annotations

from collections.abc import Sequence

MOST = 10_000
"""So many are kept in the cursor, which is written anew with each piece of them."""


def note_on(found: Sequence[object]) -> str:
    """Say that only the newest count, where more were found than are gone through; else nothing."""
    if len(found) <= MOST:
        return ""
    return (
        f"More than {MOST:,} mails fit: only the newest {MOST:,} count, and the older ones start no run."
        " A narrower search, such as one with dates, takes them in parts."
    )
