"""Lazy values: expressions pass them on unopened, and load them only to look inside."""

from __future__ import annotations

from typing import Any

from engine.base import expression_limits as limits


class Deferred:
    """A placeholder for a value stored elsewhere; equal placeholders refer to equal values."""

    __slots__ = ()

    def opened(self) -> Any:
        """Return the value; large values inside it may be Deferred again. Raises OrchestraError if it is gone."""
        raise NotImplementedError


def opened(value: Any) -> Any:
    """Return the value, loaded if it is Deferred; values inside it are left as they are. Raises OrchestraError."""
    return value.opened() if isinstance(value, Deferred) else value


def complete(value: Any) -> Any:
    """Return the value with everything Deferred in it loaded; a value without any is returned uncopied.

    Raises ExpressionError if the result exceeds what may be in memory at once.
    """
    return Opener().complete(value)


class Opener:
    """Loads Deferred values up to a common limit: one value may occur a thousand times inside another."""

    def __init__(self) -> None:
        self._room = limits.LARGEST_INPUT

    def complete(self, value: Any) -> Any:
        """Return the value with everything Deferred in it loaded."""
        if isinstance(value, Deferred):
            value = value.opened()
            self._room -= limits.size(value, self._room)
            if self._room < 0:
                raise limits.too_much_input()
        if isinstance(value, dict):
            changed = {key: inner for key, old in value.items() if (inner := self.complete(old)) is not old}
            return {**value, **changed} if changed else value
        if isinstance(value, list):
            whole = [self.complete(inner) for inner in value]
            return whole if any(new is not old for new, old in zip(whole, value, strict=True)) else value
        return value
