"""Values that are not in memory: expressions hand them on as they are, and open them only to look inside."""

from __future__ import annotations

from typing import Any


class Deferred:
    """Stands in the place of a value that lies elsewhere; equal ones stand for equal values."""

    __slots__ = ()

    def opened(self) -> Any:
        """Return the value; large ones inside it may be Deferred again. Raises OrchestraError where it is gone."""
        raise NotImplementedError


def opened(value: Any) -> Any:
    """Return the value itself where it is Deferred; what is inside stays as it is. Raises OrchestraError."""
    return value.opened() if isinstance(value, Deferred) else value


def complete(value: Any) -> Any:
    """Return the value with everything Deferred in it opened; what has none comes back uncopied."""
    value = opened(value)
    if isinstance(value, dict):
        changed = {key: inner for key, old in value.items() if (inner := complete(old)) is not old}
        return {**value, **changed} if changed else value
    if isinstance(value, list):
        whole = [complete(inner) for inner in value]
        return whole if any(new is not old for new, old in zip(whole, value, strict=True)) else value
    return value
