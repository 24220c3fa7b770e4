"""What the current work belongs to: names that log lines bear, such as the run, the step and the request."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar, Token

_NOTHING: Mapping[str, str] = {}
_context: ContextVar[Mapping[str, str]] = ContextVar("log_context", default=_NOTHING)


def current() -> Mapping[str, str]:
    """Return the names that hold here: `owner`, `run_id`, `step`, `request_id`, as far as there are any."""
    return _context.get()


class _Within(AbstractContextManager[None]):
    """Sets the names and sets them back. Every step enters one: a generator takes four times as long."""

    __slots__ = ("_names", "_token")
    _token: Token[Mapping[str, str]]

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def __enter__(self) -> None:
        self._token = _context.set(self._names)

    def __exit__(self, *_: object) -> None:
        _context.reset(self._token)


def within(names: Mapping[str, str]) -> AbstractContextManager[None]:
    """Let exactly these names hold meanwhile, as they did where work was handed to a thread."""
    return _Within(names)


def add(**names: str) -> Token[Mapping[str, str]]:
    """Add names until `take_back`. Every step does: `with more(…)` takes three times as many calls."""
    return _context.set({**_context.get(), **names})


def take_back(token: Token[Mapping[str, str]]) -> None:
    """Let the names hold again that held before `add`."""
    _context.reset(token)


def more(**names: str) -> AbstractContextManager[None]:
    """Add names meanwhile."""
    return _Within({**_context.get(), **names})
