"""How many lists and objects may be in each other: in tables, in inputs of runs, in files and in answers of tools."""

from __future__ import annotations

from typing import Any

LEVELS_MOST = 64


def is_deep(value: Any) -> bool:
    """Return whether a JSON value has more than LEVELS_MOST lists and objects in each other."""
    level = [value]
    for _ in range(LEVELS_MOST + 1):
        level = [one for one in level if isinstance(one, dict | list)]
        if not level:
            return False
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
    return True
