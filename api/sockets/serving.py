"""The life of one socket: who may open it, what it sends, and when it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import anyio
from starlette.websockets import WebSocket, WebSocketDisconnect

from api.base.errors import Unauthorized, answer_to
from api.base.identity import identify_socket
from api.base.routing import orchestra_of
from api.sockets.hub import Hub, Subject, TooManySockets, hub_of
from engine.base.errors import NotAllowed, OrchestraError, UnknownName
from engine.base.json_text import compact
from engine.orchestra import Orchestra
from engine.people.access import Principal

DONE = 1000
NOT_EXPECTED = 1008
BROKEN = 1011
SIGNED_OUT, ROLE_CHANGED, GONE = 4401, 4403, 4404
"""Close codes. After `ROLE_CHANGED` the same socket can be opened again, with the rights of the new role."""
_UNREAD_SECONDS = 30.0
"""A client that takes nothing for so long is not there any more."""
_CHECK_SECONDS, _CHECK_ANYWAY_SECONDS = 1.0, 15.0
"""How often it is checked who is signed in: after the state file has changed, and in any case."""

Message = dict[str, Any]


class News(Protocol):
    """What a socket sends; it knows what was sent before."""

    @property
    def subjects(self) -> Sequence[Subject[Any]]:
        """What it watches."""

    async def messages(self) -> Sequence[Message]:
        """Return what has changed since the last call; the first time a snapshot."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""


class Ended(Exception):
    """The socket ends, with a close code and a reason."""

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


Watch = Callable[[Hub, Orchestra, Principal], AbstractAsyncContextManager[News]]
"""Watches something; raises what the GET request for the same would be refused with."""


async def serve(websocket: WebSocket, watch: Watch) -> None:
    """Serve one socket to its end; whoever may not open it gets the answer that a request would get."""
    orchestra = orchestra_of(websocket)
    hub = hub_of(orchestra)
    is_open = False
    try:
        principal = await identify_socket(websocket, orchestra.users)
        with hub.place(principal.id):
            async with watch(hub, orchestra, principal) as news:
                await websocket.accept()
                is_open = True
                await _talk(websocket, news, _Guard(websocket, hub, orchestra, principal))
    except (OrchestraError, Unauthorized, TooManySockets) as error:
        if is_open:
            await _close(websocket, _ended_by(error))
        else:
            await websocket.send_denial_response(await answer_to(error))
    except WebSocketDisconnect:
        pass


async def _talk(websocket: WebSocket, news: News, guard: _Guard) -> None:
    """Send what changes until the socket ends, by whichever side."""
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

        group.start_soon(until_it_ends, lambda: _send_all(websocket, news))
        group.start_soon(until_it_ends, guard.watch)
        group.start_soon(until_it_ends, lambda: _listen(websocket))
    for end in ended[:1]:
        await _close(websocket, end)


async def _send_all(websocket: WebSocket, news: News) -> None:
    while True:
        signs = [subject.news for subject in news.subjects]
        error = next((one.error for one in news.subjects if one.error is not None), None)
        if error is not None:
            raise _ended_by(error)
        for message in await news.messages():
            await _send(websocket, message)
        if news.is_over:
            raise Ended(DONE)
        await _first_of(signs)


async def _send(websocket: WebSocket, message: Message) -> None:
    """Send a message; it waits here while the client does not read."""
    with anyio.move_on_after(_UNREAD_SECONDS) as limit:
        await websocket.send_text(compact(message))
    if limit.cancelled_caught:
        raise WebSocketDisconnect


async def _first_of(signs: Sequence[asyncio.Event]) -> None:
    """Wait until one of these is set."""
    waits = [asyncio.ensure_future(sign.wait()) for sign in signs]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waits:
            one.cancel()


async def _listen(websocket: WebSocket) -> None:
    """Wait until the client hangs up; it has nothing to say."""
    message = await websocket.receive()
    if message["type"] == "websocket.receive":
        raise Ended(NOT_EXPECTED, "This socket takes no messages.")


class _Guard:
    """Ends a socket when the person signs out, is removed, or gets another role, and when a token expires."""

    def __init__(self, websocket: WebSocket, hub: Hub, orchestra: Orchestra, principal: Principal) -> None:
        self._websocket, self._hub, self._orchestra, self._principal = websocket, hub, orchestra, principal

    async def watch(self) -> None:
        """Check again and again."""
        while True:
            since = self._hub.number
            await anyio.sleep(_CHECK_SECONDS)
            await self._hub.written(since, _CHECK_ANYWAY_SECONDS)
            try:
                now = await identify_socket(self._websocket, self._orchestra.users)
            except (Unauthorized, NotAllowed):
                raise Ended(SIGNED_OUT, "Signed out.") from None
            if now != self._principal:
                raise Ended(ROLE_CHANGED, "The role has changed.")


def _ended_by(error: Exception) -> Ended:
    if isinstance(error, UnknownName):
        return Ended(GONE, "It is not there any more.")
    return Ended(BROKEN, "It cannot be read now.")


async def _close(websocket: WebSocket, end: Ended) -> None:
    with anyio.move_on_after(_UNREAD_SECONDS):
        await websocket.close(end.code, end.reason)
