"""What was used last, up to a number of values and a size of all: what a cache may keep of things of any size."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """Keeps the values used last, and the last one whatever its size. Not thread-safe."""

    def __init__(self, most: int, most_size: int) -> None:
        self._most, self._most_size = most, most_size
        self._kept: OrderedDict[Key, tuple[Value, int]] = OrderedDict()
        self._size = 0

    def get(self, key: Key) -> Value | None:
        """Return the value, None if it is not kept."""
        found = self._kept.get(key)
        return None if found is None else found[0]

    def keep(self, key: Key, value: Value, size: int) -> list[Key]:
        """Keep a value as the one used last; return the keys of those that are kept no longer."""
        _, before = self._kept.pop(key, (None, 0))
        self._kept[key] = value, size
        self._size += size - before
        dropped = []
        while len(self._kept) > 1 and (len(self._kept) > self._most or self._size > self._most_size):
            oldest, (_, freed) = self._kept.popitem(last=False)
            self._size -= freed
            dropped.append(oldest)
        return dropped
