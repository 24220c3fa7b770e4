"""Suggests the name that a misspelt one probably means."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint at the nearest known name, ` Did you mean 'Due'?`, or ""."""
    by_case = {each.casefold(): each for each in known}
    found = difflib.get_close_matches(name.casefold(), by_case, n=1, cutoff=0.6)
    return f" Did you mean {by_case[found[0]]!r}?" if found else ""
