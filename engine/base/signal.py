"""Tell listeners that something has happened, without knowing who they are."""

from __future__ import annotations

from collections.abc import Callable


class Signal:
    """Calls its listeners, in the order in which they have subscribed, on the thread that emits it."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[], None]] = []

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Call `listener` from now on; it must neither block nor raise."""
        self._listeners.append(listener)

    def emit(self) -> None:
        """Call every listener."""
        for each in self._listeners:
            each()
