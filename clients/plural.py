"""Counts in words."""

from __future__ import annotations


def counted(count: int, one: str, many: str = "") -> str:
    """Return "1 label", "2 labels" or, with `many`, "2 repositories"; thousands are separated by a comma."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
