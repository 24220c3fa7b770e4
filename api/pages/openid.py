"""`/login/openid`: the way to the sign-in provider, and `/login/openid/back`, where it sends the browser back to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from api.base.authentication import client_address, session_cookie
from api.pages.login import LoginPages, devices_of, here, keep, own_path, refused, signed_in
from engine.base.errors import OrchestraError, SignInRefused
from engine.people.openid.pending import PENDING_LASTS
from engine.people.openid.sign_in import REDIRECT_PATH
from engine.people.sessions import Session, cookie_name

if TYPE_CHECKING:
    from engine.orchestra import Orchestra

_BEGIN = "/login/openid"


@dataclass(frozen=True)
class OpenIdPages:
    """The handlers, over an engine that the caller has opened."""

    orchestra: Callable[[], Orchestra]

    def routes(self) -> list[Route]:
        """Return the routes for the application that also serves the dashboard."""
        return [Route(_BEGIN, self.begin, methods=["GET"]), Route(REDIRECT_PATH, self.finish, methods=["GET"])]

    async def begin(self, request: Request) -> Response:
        """Send the browser to the provider, with a cookie that it must bring back."""
        wanted, openid = own_path(request.query_params.get("next", "/")), self.orchestra().openid
        try:
            redirect_uri, address = self._redirect_uri(request), client_address(request)
            away = await run_in_threadpool(openid.begin, redirect_uri, wanted, address)
        except OrchestraError as error:
            return self._refused(error, wanted)
        response = RedirectResponse(away.url, 303, headers={"Cache-Control": "no-store"})
        seconds = int(PENDING_LASTS.total_seconds())
        keep(response, request, _pending_cookie(request), away.cookie, path=REDIRECT_PATH, seconds=seconds)
        return response

    async def finish(self, request: Request) -> Response:
        """Take what the provider sent with the browser, and open a session."""
        try:
            session, word, wanted = await run_in_threadpool(self._finished, request)
        except OrchestraError as error:
            response = self._refused(error, "/")
        else:
            response = signed_in(request, session, word, wanted)
        response.delete_cookie(_pending_cookie(request), path=REDIRECT_PATH, httponly=True, samesite="lax")
        return response

    def _finished(self, request: Request) -> tuple[Session, str, str]:
        users = self.orchestra().users
        cookie = request.cookies.get(_pending_cookie(request), "")
        where = client_address(request), request.headers.get("user-agent", "")
        redirect_uri = self._redirect_uri(request)
        session, wanted = self.orchestra().openid.finish(
            redirect_uri, cookie, dict(request.query_params), *where, devices_of(request)
        )
        users.logout(session_cookie(request))  # who was signed in before
        return session, users.device_word(session.user_id), own_path(wanted)

    def _redirect_uri(self, request: Request) -> str:
        """Return where the provider sends the browser back to. Raises SignInRefused at another name of this server.

        The provider knows one name, and the cookie stays with the name at which the sign-in began.
        """
        public = self.orchestra().config.server.public_url
        if public and urlsplit(public).netloc != request.headers["host"].lower():
            raise SignInRefused("This works at another address of this server only.", remedy=f"Open {public}.")
        return here(request, public, REDIRECT_PATH)

    def _refused(self, error: OrchestraError, wanted: str) -> Response:
        return refused(LoginPages(self.orchestra).ways(), error, wanted)


def _pending_cookie(request: Request) -> str:
    return cookie_name(request.headers["host"]).replace("session", "openid", 1)
