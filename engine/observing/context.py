"""What the current work belongs to: names that log lines bear, such as the run, the step and the request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

_NOTHING: Mapping[str, str] = {}
_context: ContextVar[Mapping[str, str]] = ContextVar("log_context", default=_NOTHING)


def current() -> Mapping[str, str]:
    """Return the names that hold here: `owner`, `run_id`, `step`, `request_id`, as far as there are any."""
    return _context.get()


@contextmanager
def within(names: Mapping[str, str]) -> Iterator[None]:
    """Let exactly these names hold meanwhile, as they did where work was handed to a thread."""
    token = _context.set(names)
    try:
        yield
    finally:
        _context.reset(token)


@contextmanager
def more(**names: str) -> Iterator[None]:
    """Add names meanwhile."""
    with within({**_context.get(), **names}):
        yield
