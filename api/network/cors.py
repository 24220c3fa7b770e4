"""Lets pages of other sites use the API, if config.yaml names them."""

from __future__ import annotations

from collections.abc import Callable

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from engine.workspace.config import ServerSettings

_METHODS = ("GET", "POST", "PUT", "DELETE")
_SENT = ("Authorization", "Content-Type", "Idempotency-Key", "If-Match")
_SHOWN = ("Location", "Retry-After", "X-Request-ID")


class Cors:
    """Answers browsers for exactly these origins. Without credentials: such a page has a token, never our cookie."""

    def __init__(self, app: ASGIApp, server: Callable[[], ServerSettings]) -> None:
        self._app, self._server = app, server
        self._answering: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer what a browser asks before one."""
        if self._answering is None:  # there are no settings before the workspace is open
            self._answering = self._with(self._server().cors_origins)
        await self._answering(scope, receive, send)

    def _with(self, origins: list[str]) -> ASGIApp:
        if not origins:
            return self._app
        return CORSMiddleware(self._app, origins, _METHODS, _SENT, allow_credentials=False, expose_headers=_SHOWN)
