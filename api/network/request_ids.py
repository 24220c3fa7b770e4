"""An id for each request, the caller's or a new one: the answer and all log lines about the request bear it."""

from __future__ import annotations

import re
import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.observing import context

HEADER = "X-Request-Id"
_WORD = re.compile(r"[A-Za-z0-9._-]{8,64}")


class RequestIds:
    """Plain ASGI, outside everything else: each answer has the id, also a refusal."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with a `send` that adds the id."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        request_id = _request_id(scope)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        with context.more(request_id=request_id):
            await self.app(scope, receive, send_with_id)


def _request_id(scope: Scope) -> str:
    """Return the id that the caller sent, if it is 8 to 64 letters, digits, `.`, `_` or `-`; else make one."""
    sent = Headers(scope=scope).getlist(HEADER)
    return sent[0] if len(sent) == 1 and _WORD.fullmatch(sent[0]) else secrets.token_hex(16)
