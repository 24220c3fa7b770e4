"""Tracks what a call has sent: a call that only read cannot have changed anything, even if the answer was lost.

A write often begins with a read, such as a look-up of an id. If that read times out, the error alone leaves open
whether the write took place. Counting the requests that left this program settles it: if none of them was a write,
nothing was done and the call is safe to repeat.
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator

from msgspec import Struct

from clients.errors import ServiceError

_READS = frozenset({"GET", "HEAD"})


class SentRequests(Struct):
    """The requests of one call."""

    asked: bool = False
    """Whether any request left this program."""
    wrote: bool = False
    """Whether one of them may have changed something."""


_sent: contextvars.ContextVar[SentRequests | None] = contextvars.ContextVar("sent", default=None)
_only_asks: contextvars.ContextVar[bool] = contextvars.ContextVar("only_asks", default=False)


def leaves(method: str) -> None:
    """Count a request that is about to leave, for the call of the current thread (or of the context it copied)."""
    sent = _sent.get()
    if sent is not None:
        sent.asked = True
        sent.wrote = sent.wrote or not only_asks(method)


def only_asks(method: str) -> bool:
    """Return whether a request of this method, sent here, only reads."""
    return method in _READS or _only_asks.get()


@contextlib.contextmanager
def asking() -> Iterator[None]:
    """Declare that requests sent inside only read, whatever their method: a search is a POST with some services."""
    token = _only_asks.set(True)
    try:
        yield
    finally:
        _only_asks.reset(token)


@contextlib.contextmanager
def counted_sends() -> Iterator[SentRequests]:
    """Count the requests sent inside; if an error occurs and all of them were reads, mark it `not_done`.

    If no request was seen at all, the error is not marked: protocols other than HTTP are not counted.
    """
    sent = SentRequests()
    token = _sent.set(sent)
    try:
        yield sent
    except ServiceError as error:
        if sent.asked and not sent.wrote:
            error.outcome = "not_done"
        raise
    finally:
        _sent.reset(token)
