"""The ports by which processes notice each other: whether anything was written, and short texts that may be lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class ChangeWatch(Protocol):
    """Notices what any process writes; cheap enough to ask twice a second."""

    def version(self) -> int:
        """Return a number that changes whenever any process writes."""


class Broadcast(Protocol):
    """Sends texts to all processes that are listening at that moment. Nothing raises: some texts are lost.

    A text has less than 8,000 bytes, the limit of NOTIFY (https://www.postgresql.org/docs/current/sql-notify.html).
    """

    def tell(self, texts: Sequence[str]) -> None:
        """Send texts, in order, also to this process; any thread."""

    def heard(self, seconds: float) -> list[str]:
        """Return texts as soon as some arrive, or an empty list after `seconds`; one thread at a time."""

    def close(self) -> None:
        """Listen no more. Call it when no thread waits in `heard`."""
