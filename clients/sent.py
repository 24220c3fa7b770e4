"""What a call has sent so far: one that only asked cannot have changed anything, whatever became of its answer."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator
from dataclasses import dataclass

from clients.errors import ServiceError

_READS = frozenset({"GET", "HEAD"})


@dataclass
class Sent:
    """The requests of one call."""

    asked: bool = False
    """Whether any left this program."""
    wrote: bool = False
    """Whether one of them may have changed something."""


_sent: contextvars.ContextVar[Sent | None] = contextvars.ContextVar("sent", default=None)
_only_asks: contextvars.ContextVar[bool] = contextvars.ContextVar("only_asks", default=False)


def leaves(method: str) -> None:
    """Count a request that is about to leave, in the call that its thread (or the context it copied) works for."""
    sent = _sent.get()
    if sent is not None:
        sent.asked = True
        sent.wrote = sent.wrote or not only_asks(method)


def only_asks(method: str) -> bool:
    """Whether a request of this method, sent here, changes nothing."""
    return method in _READS or _only_asks.get()


@contextlib.contextmanager
def asking() -> Iterator[None]:
    """Say that what is sent inside changes nothing, whatever its method: a search is a POST with some services."""
    token = _only_asks.set(True)
    try:
        yield
    finally:
        _only_asks.reset(token)


@contextlib.contextmanager
def counted_sends() -> Iterator[Sent]:
    """Count what is sent inside, and say of an error that nothing was done where nothing but questions was sent.

    Where no request was seen at all nothing is said: what does not speak HTTP is not counted.
    """
    sent = Sent()
    token = _sent.set(sent)
    try:
        yield sent
    except ServiceError as error:
        if sent.asked and not sent.wrote:
            error.outcome = "not_done"
        raise
    finally:
        _sent.reset(token)
