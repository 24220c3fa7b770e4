"""Lazy values: expressions pass them on unopened, and load them only to look inside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from engine.base import expression_limits as limits
from engine.base.errors import ExpressionError


class Deferred:
    """A placeholder for a value stored elsewhere; equal placeholders refer to equal values."""

    __slots__ = ()

    def opened(self) -> Any:
        """Return the value; large values inside it may be Deferred again. Raises OrchestraError if it is gone."""
        raise NotImplementedError


_IN_A_PLAN = "A plan cannot look at what a write will return; let this step take it without looking inside."


class NotKnownYet(ExpressionError):
    """A plan needs a value that is known only once a planned write has been made."""

    def __init__(self, source: str) -> None:
        super().__init__(f"{source} is not known before the plan is applied.", remedy=_IN_A_PLAN)
        self.source = source


MARKS = ("\u27ea", "\u27eb")
"""Around the name of an unknown value in a text: mathematical double angle brackets, which nobody writes in a mail."""


@dataclass(frozen=True, slots=True)
class Unknown(Deferred):
    """A value of a planning run that is known only once a planned write has been made.

    `text`: what it would read, with the name of each unknown part between `MARKS`. An expression that looks into one
    is unknown itself.
    """

    text: str

    @classmethod
    def of(cls, source: str) -> Unknown:
        """Return the unknown value of an expression."""
        begin, end = MARKS
        return cls(f"{begin}{source.strip(begin + end).strip()}{end}")

    def opened(self) -> Any:
        """Raise NotKnownYet."""
        raise NotKnownYet(self.text)


def opened(value: Any) -> Any:
    """Return the value, loaded if it is Deferred; values inside it are left as they are. Raises OrchestraError."""
    return value.opened() if isinstance(value, Deferred) else value


def complete(value: Any) -> Any:
    """Return the value with everything Deferred in it loaded; a value without any is returned uncopied.

    Raises ExpressionError if the result exceeds what may be in memory at once.
    """
    return Opener().complete(value)


def marked(value: Any) -> Any:
    """Return the value as `complete` does, with the text of each part that is not known yet in its place."""
    return Opener(lambda unknown: unknown.text).complete(value)


def known_parts(value: Any) -> Any:
    """Return the value as `complete` does, with each part that is not known yet as it is."""
    return Opener(lambda unknown: unknown).complete(value)


def unknown_paths(value: Any, path: str = "") -> Iterator[str]:
    """Yield the path of each part that is not known yet: `properties.Due`, `labels[1]`; "" is the value itself."""
    if isinstance(value, Unknown):
        yield path
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from unknown_paths(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from unknown_paths(inner, f"{path}[{index}]")


class Opener:
    """Loads Deferred values up to a common limit: one value may occur a thousand times inside another.

    `unknown` returns a placeholder for a part that is not known yet; without it, NotKnownYet is raised.
    """

    def __init__(self, unknown: Callable[[Unknown], Any] | None = None) -> None:
        self._room = limits.LARGEST_INPUT
        self._unknown = unknown

    def complete(self, value: Any) -> Any:
        """Return the value with everything Deferred in it loaded."""
        if self._unknown is not None and isinstance(value, Unknown):
            return self._unknown(value)
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
