"""Placeholders for lists of values in statements."""

from __future__ import annotations

from collections.abc import Sequence


def places(values: Sequence[object]) -> str:
    """Return a placeholder for each of some values: `?, ?`."""
    return ", ".join("?" * len(values))


def padded(values: Sequence[str]) -> Sequence[str]:
    """Repeat the last of some values until there are 1, 2, 4, 8, … of them, for an `IN (…)` that is made often.

    A driver prepares each text of a statement once: this way there are few.
    """
    missing = (1 << (len(values) - 1).bit_length()) - len(values)
    return [*values, *([values[-1]] * missing)]
