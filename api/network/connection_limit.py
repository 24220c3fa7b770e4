"""Limits the connections of a server and how long it waits for each: silent ones make room for others."""

from __future__ import annotations

import asyncio
import resource
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

HEAD_SECONDS = 10.0
"""For the head of a request, from the connection or from the previous response on."""
BODY_SECONDS = 30.0
BODY_BYTES_A_SECOND = 1024
"""A body may take 30 s, plus a second for each 1,024 bytes."""
REST_SECONDS = 120.0
"""How long the rest of a body is read, and thrown away, once it has been refused."""
UNREAD_SECONDS = 30.0
"""How long a client may read nothing of a response that is ready for it."""
_OWN_FILES = 96
"""Files that the server itself holds open: libraries, state, logs, calls to services."""
_MOST = 4096
_FEWEST = 8


def capacity(open_files: int) -> int:
    """Return how many connections fit beside the server's own files; as many again are kept for bursts."""
    return max(_FEWEST, min(_MOST, (open_files - _OWN_FILES) // 2))


def open_files_limit() -> int:
    """Return how many files this process may have open."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return _MOST * 4 if soft == resource.RLIM_INFINITY else soft


@dataclass(eq=False)
class TrackedConnection:
    """One connection, what it is doing and since when; `protocol` is uvicorn's, with its latest request's cycle."""

    protocol: Any = field(repr=False)
    address: str
    since: float
    received_bytes: int = 0
    is_websocket: bool = False
    _phase: tuple[Any, bool, bool] | None = None
    _unread_bytes: int = 0
    _unread_since: float = 0.0

    @property
    def is_closed(self) -> bool:
        """Whether it is closed or closing."""
        return bool(self.protocol.transport.is_closing())

    @property
    def is_waiting(self) -> bool:
        """Whether it has no work to do: no request has come, or all of it is answered."""
        cycle = self.protocol.cycle
        return not self.is_websocket and (cycle is None or cycle.response_complete)

    def close(self) -> None:
        """Close the connection at once."""
        self.protocol.transport.abort()

    def is_overdue(self, now: float) -> bool:
        """Return whether the client has used up its time for what it has to do next."""
        if self.is_websocket:
            return False  # these belong to signed-in people, and the server pings them
        self._follow(now)
        took = now - self.since
        if self.is_waiting:
            return took > HEAD_SECONDS + self._rest_seconds()
        if self.protocol.cycle.more_body and took > BODY_SECONDS + self.received_bytes / BODY_BYTES_A_SECOND:
            return True
        return self._is_unread(now)

    def _rest_seconds(self) -> float:
        """Return how much longer the rest of a refused body may take; a client that is cut off loses the answer."""
        cycle = self.protocol.cycle
        arrives = cycle is not None and cycle.more_body
        return min(self.received_bytes / BODY_BYTES_A_SECOND, REST_SECONDS) if arrives else 0.0

    def _follow(self, now: float) -> None:
        cycle = self.protocol.cycle
        phase = (cycle, cycle is not None and cycle.response_complete, cycle is not None and cycle.more_body)
        if self._phase is not None and phase != self._phase:
            self.since, self.received_bytes = now, 0
        self._phase = phase

    def _is_unread(self, now: float) -> bool:
        unread = self.protocol.transport.get_write_buffer_size()
        if unread == 0 or unread != self._unread_bytes:
            self._unread_bytes, self._unread_since = unread, now
        return now - self._unread_since > UNREAD_SECONDS


class ConnectionLimit:
    """Holds up to `most` connections, at most three quarters of them from one address.

    If there is no room, it closes the connection that has waited longest, of the address that has the most: a new
    one always gets its turn as long as some are idle.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._most_of_one = most, max(1, most * 3 // 4)
        self._clock = clock
        self._tracked: dict[Any, TrackedConnection] = {}

    @property
    def at_once(self) -> int:
        """How many new connections may be accepted before any of them is checked."""
        return max(4, self._most // 8)

    def came(self, protocol: Any, address: str) -> TrackedConnection:
        """Register a new connection; if there is no room for it, close it."""
        tracked = self._tracked[protocol] = TrackedConnection(protocol, address, self._clock())
        self._make_room(tracked)
        return tracked

    def went(self, protocol: Any) -> None:
        """Forget a connection that has closed."""
        self._tracked.pop(protocol, None)

    def look(self) -> None:
        """Close overdue connections and forget closed ones; call it every second."""
        now = self._clock()
        for protocol, tracked in list(self._tracked.items()):
            if tracked.is_closed:
                del self._tracked[protocol]
            elif tracked.is_overdue(now):
                self._close(tracked)

    def _make_room(self, new: TrackedConnection) -> None:
        if self._is_room_for(new):
            return
        for protocol, tracked in list(self._tracked.items()):
            if tracked.is_closed:  # e.g. a websocket, which does not report it
                del self._tracked[protocol]
        counts = Counter(tracked.address for tracked in self._tracked.values())
        if self._is_room_for(new):
            return
        busiest = new.address if counts[new.address] > self._most_of_one else max(counts, key=lambda one: counts[one])
        waiting = [
            one for one in self._tracked.values() if one.address == busiest and one.is_waiting and one is not new
        ]
        self._close(min(waiting, key=lambda one: one.since) if waiting else new)

    def _is_room_for(self, new: TrackedConnection) -> bool:
        if len(self._tracked) > self._most:
            return False
        if len(self._tracked) <= self._most_of_one:
            return True
        return sum(tracked.address == new.address for tracked in self._tracked.values()) <= self._most_of_one

    def _close(self, tracked: TrackedConnection) -> None:
        self._tracked.pop(tracked.protocol, None)
        tracked.close()


def guarded(connection_limit: ConnectionLimit) -> type[asyncio.Protocol]:
    """Return uvicorn's protocol with its connections held to the limit."""
    from uvicorn.protocols.http.auto import AutoHTTPProtocol

    class GuardedHttp(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
        tracked: TrackedConnection

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self.tracked = connection_limit.came(self, self.client[0] if self.client else "")

        def connection_lost(self, exc: Exception | None) -> None:
            connection_limit.went(self)
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            self.tracked.received_bytes += len(data)
            super().data_received(data)

        def handle_websocket_upgrade(self, *event: Any) -> None:
            self.tracked.is_websocket = True
            super().handle_websocket_upgrade(*event)

    return GuardedHttp
