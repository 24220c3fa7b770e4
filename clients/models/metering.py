"""Asks for each request to a model before it is sent, and reports what it used.

The engine sets a meter around the calls of a step, and the client asks it at every single request: a step may send
several, and what a step type does with a client is not known beforehand.
"""

from __future__ import annotations

import contextlib
import contextvars
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct

from clients.errors import BadAnswer, ServiceError

_TOKENS_OF_A_PICTURE = 50_000
"""More than any model counts for a picture at full detail (OpenAI, Images and vision, calculating costs)."""
_TOKENS_AROUND_A_MESSAGE = 16
MOST_TOKENS = 1_000_000_000
"""More than any model reads or writes at once."""


class ModelRequest(Struct, frozen=True):
    """A request that is about to be sent."""

    model: str
    input_tokens: int
    """An upper bound."""
    output_tokens: int | None
    """The most that the answer may have, as the request says it: a prompt may set any number. None: no limit."""
    is_for_vectors: bool = False
    """Whether it asks for vectors, so that no other model can take its place: its vectors could not be compared."""


class Permit(Protocol):
    """The permission for one request."""

    model: str
    """The model to ask: not always the wanted one."""

    def answered(self, model: str, usage: Mapping[str, int], said: int = 0) -> None:
        """Report the answer: the model that gave it, {input_tokens, output_tokens}, and the bytes of its text."""

    def refused(self) -> None:
        """Report that the request was not charged: the server refused it, or it was not sent."""


class Meter(Protocol):
    """Permits requests."""

    def admit(self, request: ModelRequest) -> Permit:
        """Return the permission for a request, perhaps after a wait. Raises what refuses it."""


class _Free(Struct):
    """The permission where nothing is counted."""

    model: str

    def answered(self, model: str, usage: Mapping[str, int], said: int = 0) -> None:
        """Do nothing."""

    def refused(self) -> None:
        """Do nothing."""


_meter: contextvars.ContextVar[Meter | None] = contextvars.ContextVar("meter", default=None)


@contextlib.contextmanager
def metered(meter: Meter | None) -> Iterator[None]:
    """Ask this meter for every request to a model that this thread sends."""
    token = _meter.set(meter)
    try:
        yield
    finally:
        _meter.reset(token)


@contextlib.contextmanager
def permitted(request: ModelRequest) -> Iterator[Permit]:
    """Ask for a request; if the server refuses it, the error is reported."""
    meter = _meter.get()
    permit: Permit = _Free(request.model) if meter is None else meter.admit(request)
    try:
        yield permit
    except ServiceError as error:
        if isinstance(error, BadAnswer) and error.usage is not None:
            permit.answered(error.model, error.usage)
        # Otherwise it may have been charged, and all that was reserved for it stays counted.
        elif error.http_status is not None or error.outcome == "not_done":
            permit.refused()
        raise


def told_tokens(count: Any) -> int:
    """Return how many tokens a server says it has counted; 0 for any other value.

    A negative one would take from a budget what others have used, and one that is too large cannot be stored.
    """
    return int(count) if isinstance(count, int | float) and 0 < count <= MOST_TOKENS else 0


def most_tokens(parts: Sequence[Any]) -> int:
    """Return an upper bound of the tokens of messages, tools, schemas or texts.

    No tokenizer makes more tokens of a text than it has bytes in UTF-8.
    """
    return sum(_tokens_of(part) + _TOKENS_AROUND_A_MESSAGE for part in parts)


def _tokens_of(part: Any) -> int:
    content = part.get("content") if isinstance(part, Mapping) else None
    if isinstance(content, list):
        pictures = [one for one in content if isinstance(one, Mapping) and one.get("type") == "image_url"]
        rest = {**part, "content": [one for one in content if one not in pictures]}
        return len(pictures) * _TOKENS_OF_A_PICTURE + _bytes_of(rest)
    return _bytes_of(part)


def _bytes_of(part: Any) -> int:
    return len(part.encode()) if isinstance(part, str) else len(json.dumps(part, ensure_ascii=False).encode())
