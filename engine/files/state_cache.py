"""A cache of what was computed from files, valid while their state is unchanged."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class StateCache(Generic[T]):
    """The last results, by name. Thread-safe."""

    def __init__(self, most: int) -> None:
        """`most`: how many are kept; the one used longest ago goes first."""
        self._most = most
        self._known: OrderedDict[Hashable, tuple[Hashable, T]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: Hashable, state: Hashable | None, find: Callable[[], T]) -> T:
        """Return what was found in this state, or find it now; with None, the state is not known, so nothing is kept.

        `state` is read before `find` reads the files: a change in between is found the next time.
        """
        with self._lock:
            known = self._known.get(name)
            if known is not None and known[0] == state:
                self._known.move_to_end(name)
                return known[1]
        found = find()
        with self._lock:
            self._known.pop(name, None)
            if state is not None:
                self._known[name] = (state, found)
                while len(self._known) > self._most:
                    self._known.popitem(last=False)
        return found
