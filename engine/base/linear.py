"""Our own regular expressions for texts of strangers, run by RE2: their time is linear in the text.

Python's own take for ever on some texts, and hold the interpreter meanwhile: 8 KB stopped a whole server for minutes.
"""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def linear(pattern: str) -> Any:
    """Return a pattern with the methods of `re.Pattern`, in RE2's syntax (https://github.com/google/re2/wiki/Syntax)."""
    import re2

    compiled: Any = re2.compile  # it has no types
    return compiled(pattern)
