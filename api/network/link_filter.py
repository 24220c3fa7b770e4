"""Leaves links that answer a question out of all that is sent to those who may start no runs.

One place for the pages, the API, its sockets and files: what a run has got from a mail may be in any of them.
"""

from __future__ import annotations

from typing import Any

from anyio import to_thread
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.people.access import Principal, may
from engine.people.answer_links import LONGEST_LINK_BYTES, without_links, without_links_in_bytes

_LONG_BYTES = 100_000
"""What is longer is read in a thread, so that other requests do not wait for it."""
_IN_PARTS = frozenset({b"accept-encoding", b"range"})
"""Headers by which an answer would be compressed, or a part of it: neither could be read here."""
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
            return {**message, "body": await self._part(message)}
        elif message["type"] == "websocket.send" and message.get("bytes") is not None:
            return {**message, "bytes": await _without(message["bytes"])}
        elif message["type"] == "websocket.send":
            return {**message, "text": without_links(message["text"])}
        return message

    async def _part(self, message: Message) -> bytes:
        """Return what can be sent of a body now."""
        read = await _without(self._held + message.get("body", b""))
        is_whole = self._is_live or not message.get("more_body", False)
        end = len(read) if is_whole else max(0, len(read) - LONGEST_LINK_BYTES)
        self._held = read[end:]
        return read[:end]


async def _without(content: Any) -> bytes:
    if len(content) > _LONG_BYTES:
        return await to_thread.run_sync(without_links_in_bytes, content)
    return without_links_in_bytes(content)
