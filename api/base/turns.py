"""Turns for requests that have a text checked, so that the texts of one person do not delay everybody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from anyio import Lock, Semaphore
from anyio.lowlevel import RunVar
from fastapi import Depends, Request
from starlette.requests import ClientDisconnect

from api.base.documents import Refusal

AT_ONCE = 2
"""How many texts are checked at a time, each from another person."""
WAITING_OF_ONE = 4
"""How many requests of one person may be checked or wait."""
WAITING = 32
"""How many requests of all people may be checked or wait."""


class Busy(Exception):
    """Too many requests of this kind are waiting already."""

    retry_after_seconds = 1


@dataclass
class _Person:
    """A person whose requests take turns; `places` counts the requests."""

    turn: Lock = field(default_factory=Lock)
    places: int = 0


class CheckQueue:
    """Queues text checks: one at a time for each person, a few at a time for all, and a limit on how many wait."""

    def __init__(self) -> None:
        self._at_once = Semaphore(AT_ONCE)
        self._people: dict[str, _Person] = {}

    @asynccontextmanager
    async def turn(self, who: str) -> AsyncIterator[None]:
        """Wait for a turn and hold it while the block runs; raise Busy at once if too many are waiting."""
        known = self._people.get(who)
        if known is not None and known.places >= WAITING_OF_ONE:
            raise Busy
        if sum(one.places for one in self._people.values()) >= WAITING:
            raise Busy
        person = self._people.setdefault(who, _Person())
        person.places += 1
        try:
            async with person.turn, self._at_once:
                yield
        finally:
            person.places -= 1
            if person.places == 0:
                del self._people[who]


_turns: RunVar[CheckQueue] = RunVar("requests that have a text checked")


async def turn_to_check(request: Request) -> AsyncIterator[None]:
    """Let a route that checks a text begin when its turn comes; drop the request if the client has hung up.

    A dependency with `scope="function"`: it begins once the body is read, and ends before the response is sent.
    """
    await request.body()  # else `is_disconnected` would take its first part, and whoever reads it would wait for ever
    try:
        turns = _turns.get()
    except LookupError:
        _turns.set(turns := CheckQueue())
    async with turns.turn(request.state.principal.id):
        if await request.is_disconnected():
            raise ClientDisconnect
        yield


CHECKED = Depends(turn_to_check, scope="function")
TOO_MANY: dict[int | str, dict[str, Any]] = {429: {"model": Refusal, "description": "Too many are checked already"}}
