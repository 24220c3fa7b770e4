"""Counts requests and how long they took, for metrics and the log, by the template of their address."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.observing.tally import RequestTally

OTHER = "other"
"""The label of addresses that no route has taken, and of unusual methods: the number of labels must not depend on what
strangers send."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_log = logging.getLogger(__name__)


class RequestCounts:
    """Plain ASGI, around everything but the request's id. Websockets are not counted: they last as long as a page."""

    def __init__(self, app: ASGIApp, tally: Callable[[], RequestTally]) -> None:
        self.app, self._tally = app, tally

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a `send` that notes the status."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 500  # what the server answers if nothing else does

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        tally, begun_at = self._tally(), time.monotonic()
        tally.in_flight += 1
        try:
            await self.app(scope, receive, noting)
        finally:
            tally.in_flight -= 1
            method, route, seconds = _method(scope), _template(scope), time.monotonic() - begun_at
            tally.answered(method, route, status, seconds)
            _log.info("%s %s %d in %.3f s", method, route, status, seconds)


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in _METHODS else OTHER


def _template(scope: Scope) -> str:
    """Return the template that the router has left in the scope, such as `/api/runs/{run_id}`."""
    template = getattr(scope.get("route"), "path", OTHER)
    return template if isinstance(template, str) else OTHER
