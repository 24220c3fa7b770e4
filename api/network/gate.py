"""The gate of the dashboard: its pages, files and websocket are open only to those who are signed in."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.base.authentication import session_cookie
from api.base.hosts import SAFE_METHODS, is_same_origin, refuse_websocket
from api.network.link_filter import acts_as
from engine.base.errors import OrchestraError
from engine.people.access import Principal, may

if TYPE_CHECKING:
    from engine.orchestra import Orchestra

# Open to strangers: sign-in, and what is the same in every Streamlit or workspace. Everything else, including what a
# later Streamlit adds, is closed. Requests for the API do not come here: it asks for a token itself.
_OPEN_PATHS = frozenset(
    {
        *("/login", "/login/openid", "/login/openid/back", "/approve"),
        *("/_stcore/health", "/favicon.ico", "/favicon.png"),
    }
)
_OPEN_FOLDER = "/static/"
_FORMS = "/forms/"
_HOOKS = "/hooks/"
_PREVIEWS = "/preview/"
"""Their frames send no cookies: the address itself says what may be read."""
_UPLOADS = "/_stcore/upload_file"
"""Streamlit keeps what is sent here in memory, whether or not the page asks for a file."""
_NO_PAGES = ("/_stcore/", "/media/", "/component/", "/live/", "/assets/")


class Gate:
    """Plain ASGI, so that it guards websockets as well."""

    def __init__(
        self, app: ASGIApp, orchestra_provider: Callable[[], Orchestra], open_paths: Collection[str] = ()
    ) -> None:
        self.app = app
        self._orchestra = orchestra_provider
        self._open_paths = _OPEN_PATHS.union(open_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let open paths and signed-in people through; send others to the sign-in page."""
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        elif scope["type"] != "http" or self._is_open(scope["path"]):
            await self.app(scope, receive, send)
        else:
            refusal = await self._refusal(HTTPConnection(scope), scope["method"])
            await (refusal or self.app)(scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = HTTPConnection(scope)
        if not is_same_origin(connection.headers):
            await refuse_websocket(receive, send)
        elif await self._refusal(connection, "GET"):
            await refuse_websocket(receive, send, 4401)
        else:
            await self.app(scope, self._knowing_who(connection, receive), send)

    def _knowing_who(self, connection: HTTPConnection, receive: Receive) -> Receive:
        """Return a `receive` that looks up the role again with each message: a websocket stays open for days."""

        async def received() -> Message:
            message = await receive()
            with suppress(OrchestraError):  # the state cannot be read: the page says so
                person = await self._signed_in(connection)
                if person is not None:
                    acts_as(connection.scope, person)
            return message

        return received

    async def _refusal(self, connection: HTTPConnection, method: str) -> Response | None:
        try:
            person = await self._signed_in(connection)
        except OrchestraError as error:  # the state cannot be read
            return PlainTextResponse(f"{error.message} {error.remedy}\n", 503)
        if person is None:
            return _sign_in_first(connection, method)
        acts_as(connection.scope, person)
        if method not in SAFE_METHODS and not is_same_origin(connection.headers):
            return PlainTextResponse("This request did not come from a page of this address.\n", 403)
        if connection.url.path.startswith(_UPLOADS) and not may(person, "run"):
            return PlainTextResponse("Viewers upload no files.\n", 403)
        return None

    def _is_open(self, path: str) -> bool:
        if path.startswith(_FORMS):
            return "/" not in path.removeprefix(_FORMS)
        return path in self._open_paths or path.startswith((_OPEN_FOLDER, _PREVIEWS, _HOOKS))

    async def _signed_in(self, connection: HTTPConnection) -> Principal | None:
        cookie = session_cookie(connection)
        return await run_in_threadpool(self._orchestra().users.session, cookie) if cookie else None


def _sign_in_first(connection: HTTPConnection, method: str) -> Response:
    path = connection.url.path
    if path.startswith(_NO_PAGES):
        return PlainTextResponse("Sign in first.\n", 401)
    if method not in SAFE_METHODS:  # what was sent is lost: `next` can only be an address
        return RedirectResponse("/login", 303)
    wanted = path + (f"?{connection.url.query}" if connection.url.query else "")
    return RedirectResponse("/login" if wanted == "/" else f"/login?next={quote(wanted, safe='')}", 303)
