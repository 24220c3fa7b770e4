"""Sends a text that takes several messages: all of them, or none."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import httpx

from clients.deadline import seconds_left
from clients.errors import RateLimited, ServiceError
from clients.listing import Json

_LONGEST_WAIT = 30.0
"""Seconds."""
_TRIES = 3


def sent_in_parts(
    parts: Sequence[str],
    send: Callable[[int, str], Json],
    take_back: Callable[[Json], None],
    known: Mapping[int, Json] | None = None,
) -> Json:
    """Send the parts in turn, and return the first message with `ids`, the ids of all messages.

    `known` are the messages of parts that an earlier attempt has sent; they are not sent again. If a part is certainly
    refused, the others are taken back, so that a later attempt begins anew. Otherwise the outcome is unknown.
    """
    made: list[Json] = []
    for number, part in enumerate(parts):
        found = (known or {}).get(number)
        try:
            made.append(found if found is not None else _patiently(partial(send, number, part), is_begun=bool(made)))
        except ServiceError as error:
            if made and error.outcome == "not_done":
                _taken_back(made, take_back, error)
            if made:
                error.message = f"{error.message} It was message {number + 1} of {len(parts)}."
            raise
    return whole(made)


def whole(made: Sequence[Json]) -> Json:
    """Return several messages as one: the first, with the ids of all."""
    return {**made[0], "ids": [str(one["id"]) for one in made]}


def _patiently(send: Callable[[], Json], *, is_begun: bool) -> Json:
    """Send; in the middle of a text, wait as long as the service asks, if that is not long."""
    for _ in range(_TRIES - 1):
        try:
            return send()
        except RateLimited as error:
            # Before the first message nothing is half done: the step is retried later, and no thread waits meanwhile.
            pause = 1.0 if error.retry_after_seconds is None else error.retry_after_seconds
            if not is_begun or pause >= seconds_left(_LONGEST_WAIT, httpx.ReadTimeout):
                raise
            time.sleep(pause)
    return send()


def _taken_back(made: Sequence[Json], take_back: Callable[[Json], None], error: ServiceError) -> None:
    for one in reversed(made):
        try:
            take_back(one)
        except ServiceError:
            error.outcome = "unknown"  # some of it stays: a person decides
            return
