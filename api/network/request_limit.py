"""How many requests to the API one token, and one address, may send in a minute."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from api.base.authentication import client_address
from api.base.errors import error_response
from api.base.hosts import is_loopback
from api.base.rate_limit import RateLimit
from engine.workspace.config import Config

_SECONDS = 60
_USUAL = 6000
_PROBES = ("/health", "/ready")
"""Whoever runs the server asks these; they share their work."""


class RequestLimit:
    """Answers further requests with 429. The address counts beside the token, as anybody can make up tokens."""

    def __init__(self, app: ASGIApp, config: Callable[[], Config]) -> None:
        self._app, self._config = app, config
        self._limits: tuple[RateLimit, RateLimit] | None = None
        self._most: int | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        seconds = 0
        if scope["type"] == "http" and scope["path"] not in _PROBES:
            seconds = self._wait_seconds(HTTPConnection(scope))
        if not seconds:
            await self._app(scope, receive, send)
            return
        message = f"There were more than {self._most:,} requests in a minute with this token, or from this address."
        remedy = "Send them more slowly; `Retry-After` says when. `limits.requests_per_minute` sets how many may come."
        refusal = error_response(429, "TooManyRequests", message, remedy, {"Retry-After": str(seconds)})
        await refusal(scope, receive, send)

    def _wait_seconds(self, connection: HTTPConnection) -> int:
        if self._limits is None:  # there are no settings before the workspace is open
            config = self._config()
            self._most = config.limits.requests_per_minute
            if self._most is None and not is_loopback(config.server.host):
                self._most = _USUAL
            self._limits = RateLimit(self._most or 1, _SECONDS), RateLimit(self._most or 1, _SECONDS)
        if self._most is None:
            return 0
        by_address, by_token = self._limits
        seconds = by_address.wait_seconds(client_address(connection))
        token = connection.headers.get("authorization", "").rpartition(" ")[2]  # `bearer` is written in many ways
        if seconds or not token:
            return seconds
        return by_token.wait_seconds_of(hashlib.sha256(token.encode()).hexdigest())
