"""Leaves links that answer a question out of all that is sent to those who may start no runs.

One place for the pages, the API, its sockets and files: what a run has got from a mail may be in any of them.
"""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.people.access import Principal, may
from engine.people.answer_links import LONGEST_LINK_BYTES, without_links, without_links_in_bytes

_SLICE_BYTES = 64 * 1024
"""What is read at once, in some milliseconds: other requests have their turn before the next."""
_IN_PARTS = frozenset({b"accept-encoding", b"range"})
"""Request headers that ask for a compressed answer, or for a part of it: neither could be searched here."""
_EVENTS = b"text/event-stream"


def acts_as(scope: Scope, principal: Principal) -> None:
    """Say for whom the answer is."""
    scope.setdefault("state", {})["principal"] = principal


class LinkFilter:
    """Plain ASGI, so that it sees websockets as well; `acts_as` says for whom each answer is."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        scope.setdefault("state", {})
        if _is_filtered(scope):
            kept = [(name, value) for name, value in scope["headers"] if name.lower() not in _IN_PARTS]
            scope = {**scope, "headers": kept}
        await self.app(scope, receive, _Filter(scope, send).send)


def _is_filtered(scope: Scope) -> bool:
    principal: Principal | None = scope["state"].get("principal")
    return principal is not None and not may(principal, "run")


class _Filter:
    """Sends the messages of one answer; texts stay as long as they are, so all lengths stay true."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope, self._send = scope, send
        self._held = b""
        """The end of what was sent last: a link may go on in the next part."""
        self._is_live = False

    async def send(self, message: Message) -> None:
        """Send a message."""
        if _is_filtered(self._scope):
            message = await self._filtered(message)
        await self._send(message)

    async def _filtered(self, message: Message) -> Message:
        if message["type"] == "http.response.start":
            self._is_live = any(
                name.lower() == b"content-type" and value.startswith(_EVENTS) for name, value in message["headers"]
            )
        elif message["type"] == "http.response.body":
            is_whole = self._is_live or not message.get("more_body", False)
            return {**message, "body": await self._read(message.get("body", b""), is_whole=is_whole)}
        elif message["type"] == "websocket.send" and message.get("bytes") is not None:
            return {**message, "bytes": await self._read(message["bytes"], is_whole=True)}
        elif message["type"] == "websocket.send":
            return {**message, "text": without_links(message["text"])}
        return message

    async def _read(self, content: bytes, *, is_whole: bool) -> bytes:
        """Return what can be sent now: all if `is_whole`, else without the end, in which a link may begin."""
        read = []
        held, self._held = self._held, b""  # messages of a socket may be sent at the same time
        for at in range(0, max(1, len(content)), _SLICE_BYTES):
            part = without_links_in_bytes(held + content[at : at + _SLICE_BYTES])
            is_last = is_whole and at + _SLICE_BYTES >= len(content)
            end = len(part) if is_last else max(0, len(part) - LONGEST_LINK_BYTES)
            read.append(part[:end])
            held = part[end:]
            if len(content) > _SLICE_BYTES:
                await asyncio.sleep(0)
        self._held = held
        return b"".join(read)
