"""What a check of a connection says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CheckLine:
    """One line of a check: what was tried, whether it worked, and a sentence, with the remedy if it did not."""

    what: str
    ok: bool
    text: str
