"""The port that tells whether anything has changed."""

from __future__ import annotations

from typing import Protocol


class ChangeWatch(Protocol):
    """Notices what any process writes; cheap enough to ask twice a second."""

    def version(self) -> int:
        """Return a number that changes whenever any process writes."""
