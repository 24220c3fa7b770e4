"""The port by which workers take runs that belong to nobody: accepted for any of them, or left by one that died."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Draining(Exception):
    """A person has asked this process to take nothing more, and to end."""


class Claims(Protocol):
    """Hands out runs to the processes that share a state; any thread. Everything raises StorageError."""

    def claim(self, owner: str, now: str, most: int) -> Sequence[str]:
        """Make at most so many runs a process's own, the oldest first; return their ids. Raises Fenced, Draining.

        A run that another one has called is left to that one, as long as it is at work.
        """

    def wait(self, seconds: float) -> None:
        """Wait until there may be something to claim; at most so long."""
