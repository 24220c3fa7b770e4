"""How long a test waits: as long as a loaded machine may take. Nobody waits for it all but who would fail anyway."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

PATIENCE_SECONDS = 90.0


def until(look: Callable[[], Found], what: str = "it") -> Found:
    """Look again and again until there is something to see, and give that; fail when patience is over."""
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while not (found := look()):
        assert time.monotonic() < ends_at, f"waited in vain for {what}"
        time.sleep(0.005)
    return found
