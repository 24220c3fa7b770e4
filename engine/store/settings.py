"""The port of small switches of a workspace that are state, not configuration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Settings(Protocol):
    """Text values by key; any thread, any process. A change is on disk when its method returns."""

    def get(self, key: str, default: str = "") -> str:
        """Return the value of a key."""

    def with_prefix(self, prefix: str) -> dict[str, str]:
        """Return all values whose keys have a prefix, by key."""

    def put(self, key: str, value: str) -> None:
        """Store a value."""

    def change(self, key: str, change: Callable[[str], str | None]) -> None:
        """Replace a value with the result of `change`, None to remove it; no other write happens in between.

        `change` receives an empty text if there is no value. If it raises, the value is kept.
        """

    def change_all(self, prefix: str, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
        """Replace all values whose keys have a prefix with the result of `change`, in one transaction."""

    def remove(self, key: str) -> None:
        """Remove a key, if present."""
