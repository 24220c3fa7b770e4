"""Sign in and out of the dashboard: `/login` and `/logout`, plain forms that set and end the session cookie."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from api.hosts import is_same_origin
from api.identity import session_cookie
from api.login_page import link_page, password_page
from api.routing import BodyLimit
from engine.errors import OrchestraError, TooManyTries
from engine.orchestra import Orchestra
from engine.people.sessions import Session, cookie_name

_LARGEST_FORM_BYTES = 10_000
# The session ends in the engine, 14 days after its last use. The cookie only has to outlast it: a tab that stays open
# loads no page that could renew it. Browsers keep none longer than this (RFC 6265bis, 5.5).
_COOKIE_LASTS_SECONDS = 400 * 24 * 3600
_USED = "This link has been used, or is older than 15 minutes. `orchestra login-link` prints a new one."
_WRONG = "User or password is wrong."


@dataclass(frozen=True)
class Pages:
    """The handlers, over an engine that somebody else opens."""

    orchestra: Callable[[], Orchestra]

    def routes(self) -> list[Route]:
        """Return the routes for the application that also serves the dashboard."""
        limit = [Middleware(BodyLimit, largest_bytes=_LARGEST_FORM_BYTES)]
        return [
            Route("/login", self.show, methods=["GET"]),
            Route("/login", self.sign_in, methods=["POST"], middleware=limit),
            Route("/logout", self.sign_out, methods=["POST"], middleware=limit),
        ]

    async def show(self, request: Request) -> Response:
        """Show the button behind a link, else the password form; nothing changes by looking."""
        wanted = _own_path(request.query_params.get("next", "/"))
        token = request.query_params.get("token")
        if token:
            return link_page(token, wanted)
        try:
            who = await run_in_threadpool(self.orchestra().users.session, session_cookie(request))
        except OrchestraError as error:
            return _refused(error, wanted)
        return RedirectResponse(wanted, 303) if who else password_page(wanted)

    async def sign_in(self, request: Request) -> Response:
        """Take the link's secret, or user and password; set the cookie and go where the person wanted to go."""
        if "origin" in request.headers and not is_same_origin(request.headers):
            return PlainTextResponse("This did not come from a page of this address.\n", 403)
        form = await request.form(max_fields=8, max_files=0)
        wanted = _own_path(_text(form, "next") or "/")
        try:
            session = await run_in_threadpool(self._session, form)
        except OrchestraError as error:
            return _refused(error, wanted)
        if session is None:
            message = _USED if _text(form, "token") else _WRONG
            return password_page(wanted, message=message, user_id=_text(form, "user_id"), status=403)
        await run_in_threadpool(self.orchestra().users.logout, session_cookie(request))  # who was signed in before
        return _with_cookie(RedirectResponse(wanted, 303), request, session)

    async def sign_out(self, request: Request) -> Response:
        """End the session and go to the sign-in page."""
        await run_in_threadpool(self.orchestra().users.logout, session_cookie(request))
        response = RedirectResponse("/login", 303)
        response.delete_cookie(cookie_name(request.headers["host"]), path="/", httponly=True, samesite="lax")
        return response

    def _session(self, form: FormData) -> Session | None:
        users = self.orchestra().users
        if token := _text(form, "token"):
            return users.redeem(token)
        return users.login(_text(form, "user_id"), _text(form, "password"))


def _text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    if not isinstance(value, str):
        raise HTTPException(400, "The form has a file where a text belongs.")
    return value


def _refused(error: OrchestraError, wanted: str) -> Response:
    limited = isinstance(error, TooManyTries)
    response = password_page(wanted, message=f"{error.message} {error.remedy}", status=429 if limited else 503)
    if isinstance(error, TooManyTries):
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    return response


def _with_cookie(response: Response, request: Request, session: Session) -> Response:
    response.set_cookie(
        cookie_name(request.headers["host"]),
        session.id,
        max_age=_COOKIE_LASTS_SECONDS,
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,  # no script may read it
        samesite="lax",  # no foreign page's form may send it
    )
    return response


def _own_path(wanted: str) -> str:
    r"""Return `wanted` if it is a path of this address, else `/`; browsers take `//x`, `/\x`, `/<tab>/x` for hosts."""
    parts = urlsplit(wanted) if wanted.isprintable() and "\\" not in wanted else None
    if parts is None or parts.scheme or parts.netloc or not wanted.startswith("/") or wanted.startswith("//"):
        return "/"
    return wanted
