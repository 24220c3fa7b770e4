"""Which requests the API answers, and which the dashboard: by the address, and by who asks."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.base.hosts import SAFE_METHODS
from engine.base.names import RUN_ID

_PATHS = frozenset({"/api", "/health", "/ready", "/auth/login", "/metrics", "/workflows/execute", "/mcp", "/flows"})
_FOLDERS = ("/api/", "/flows/")
_SHARED = "/workflows"
"""Pages of workflows, and an address of the API: they differ by method and by what is asked for."""
_OPEN_PAGES = ("/forms/", "/hooks/", "/preview/", "/static/")
_OF_SCRIPTS = ("/_stcore/", "/media/", "/component/", "/live/", "/assets/", "/find")
"""What scripts of our pages ask for, some of them as JSON; they have a cookie and no token."""


class BesideApi:
    """Sends requests for the API past Streamlit's middleware (sessions, compression), which is for its pages only."""

    def __init__(self, app: ASGIApp, api: ASGIApp) -> None:
        self.app, self._api = app, api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        await (self._api if is_of_api(scope) else self.app)(scope, receive, send)


def is_of_api(scope: Scope) -> bool:
    """Return whether the API answers: it has the address, or a program asks, which has no use for a page."""
    path = scope.get("path", "")  # the lifespan has none
    if path.startswith("/api/"):
        return True
    if scope["type"] != "http":
        return False
    return path in _PATHS or path.startswith(_FOLDERS) or _is_run(scope["method"], path) or _is_program(scope, path)


def _is_run(method: str, path: str) -> bool:
    """Return whether it starts or shows a run; no workflow has the name of a run, and its page is only read."""
    shared, _, rest = path.removeprefix(_SHARED).partition("/")
    is_shared = path.startswith(_SHARED) and not shared
    return is_shared and (method not in SAFE_METHODS or RUN_ID.match(rest) is not None)


def _is_program(scope: Scope, path: str) -> bool:
    """Return whether a program asks: with a token, for JSON, or a browser with a CORS preflight.

    A browser has a cookie; behind some proxies it sends `Authorization: Basic` with everything.
    """
    headers = Headers(scope=scope)
    if path.startswith(_OPEN_PAGES):
        return False
    if headers.get("authorization", "").lower().startswith("bearer "):
        return True
    if path.startswith(_OF_SCRIPTS):
        return False
    accept = headers.get("accept", "").lower()
    is_preflight = scope["method"] == "OPTIONS" and "access-control-request-method" in headers
    return is_preflight or ("application/json" in accept and "text/html" not in accept)
