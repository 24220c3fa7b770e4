"""The life of one socket: who may open it, what it sends, and when it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Protocol

import anyio
from starlette.websockets import WebSocket, WebSocketDisconnect

from api.base.authentication import identify_socket
from api.base.errors import Unauthorized, answer_to
from api.base.routing import orchestra_of
from api.network.link_filter import acts_as
from api.sockets.hub import Hub, Subject, TooManySockets, hub_of
from engine.base.errors import NotAllowed, OrchestraError, TooManyTries, UnknownName
from engine.base.json_text import compact
from engine.people.access import Principal

if TYPE_CHECKING:
    from engine.orchestra import Orchestra

DONE = 1000
UNEXPECTED_MESSAGE = 1008
BROKEN = 1011
SIGNED_OUT, ROLE_CHANGED, GONE = 4401, 4403, 4404
"""Close codes (RFC 6455, 7.4; 4000 and above are ours). After `ROLE_CHANGED` the same socket can be opened again, with
the rights of the new role."""
_UNREAD_SECONDS = 30.0
"""A client that reads nothing for so long is disconnected."""
_CHECK_SECONDS, _CHECK_ANYWAY_SECONDS = 1.0, 15.0
"""How often the sign-in is checked: after the state has changed, and in any case."""

Message = dict[str, Any]


class SocketFeed(Protocol):
    """The messages of a socket; it remembers what was sent."""

    @property
    def subjects(self) -> Sequence[Subject[Any]]:
        """The subjects that it watches."""

    async def messages(self) -> Sequence[Message]:
        """Return the changes since the last call; the first time a snapshot."""

    @property
    def is_over(self) -> bool:
        """Whether no more messages will follow."""


class Ended(Exception):
    """The socket ends, with a close code and a reason."""

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


Watch = Callable[[Hub, "Orchestra", Principal], AbstractAsyncContextManager[SocketFeed]]
"""Opens the feed of a socket; raises the errors of the GET request for the same data."""


async def serve(websocket: WebSocket, watch: Watch) -> None:
    """Serve a socket until it ends. A refused socket gets the HTTP response of a refused request."""
    orchestra = orchestra_of(websocket)
    hub = hub_of(orchestra)
    is_open = False
    try:
        principal = await identify_socket(websocket, orchestra.users)
        acts_as(websocket.scope, principal)
        with hub.socket(principal.id):
            async with watch(hub, orchestra, principal) as feed:
                await websocket.accept()
                is_open = True
                await _run(websocket, feed, _Guard(websocket, hub, orchestra, principal))
    except (OrchestraError, Unauthorized, TooManySockets) as error:
        if is_open:
            await _close(websocket, _ended_by(error))
        else:
            await websocket.send_denial_response(await answer_to(error))
    except WebSocketDisconnect:
        pass


async def _run(websocket: WebSocket, feed: SocketFeed, guard: _Guard) -> None:
    """Send messages until either side ends the socket."""
    ended: list[Ended] = []

    async with anyio.create_task_group() as group:

        async def until_it_ends(work: Callable[[], Awaitable[None]]) -> None:
            try:
                await work()
            except Ended as end:
                ended.append(end)
            except WebSocketDisconnect:
                pass
            except OrchestraError as error:
                ended.append(_ended_by(error))
            group.cancel_scope.cancel()

        group.start_soon(until_it_ends, lambda: _send_all(websocket, feed))
        group.start_soon(until_it_ends, guard.watch)
        group.start_soon(until_it_ends, lambda: _listen(websocket))
    for end in ended[:1]:
        await _close(websocket, end)


async def _send_all(websocket: WebSocket, feed: SocketFeed) -> None:
    while True:
        updates = [subject.updated for subject in feed.subjects]
        error = next((one.error for one in feed.subjects if one.error is not None), None)
        if error is not None:
            raise _ended_by(error)
        for message in await feed.messages():
            await _send(websocket, message)
        if feed.is_over:
            raise Ended(DONE)
        await _first_of(updates)


async def _send(websocket: WebSocket, message: Message) -> None:
    """Send a message; waits while the client does not read."""
    with anyio.move_on_after(_UNREAD_SECONDS) as limit:
        await websocket.send_text(compact(message))
    if limit.cancelled_caught:
        raise WebSocketDisconnect


async def _first_of(events: Sequence[asyncio.Event]) -> None:
    """Wait until one of these events is set."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waits:
            one.cancel()


async def _listen(websocket: WebSocket) -> None:
    """Wait until the client disconnects; it may not send messages."""
    message = await websocket.receive()
    if message["type"] == "websocket.receive":
        raise Ended(UNEXPECTED_MESSAGE, "This socket takes no messages.")


class _Guard:
    """Ends a socket when the person signs out, is removed or gets another role, or when the token expires."""

    def __init__(self, websocket: WebSocket, hub: Hub, orchestra: Orchestra, principal: Principal) -> None:
        self._websocket, self._hub, self._orchestra, self._principal = websocket, hub, orchestra, principal

    async def watch(self) -> None:
        """Check whether the person is still signed in, until they are not."""
        while True:
            since = self._hub.number
            await anyio.sleep(_CHECK_SECONDS)
            await self._hub.written(since, _CHECK_ANYWAY_SECONDS)
            try:
                now = await identify_socket(self._websocket, self._orchestra.users)
            except (Unauthorized, NotAllowed, TooManyTries):
                raise Ended(SIGNED_OUT, "Signed out: sign in again.") from None
            if now != self._principal:
                raise Ended(ROLE_CHANGED, "The role has changed: open the socket again.")


def _ended_by(error: Exception) -> Ended:
    if isinstance(error, UnknownName):
        return Ended(GONE, "This run or workflow no longer exists.")
    return Ended(BROKEN, "The state cannot be read at the moment: open the socket again later.")


async def _close(websocket: WebSocket, end: Ended) -> None:
    with anyio.move_on_after(_UNREAD_SECONDS):
        await websocket.close(end.code, end.reason)
