"""Sign in to the dashboard and out of it: `/login` and `/logout`, plain forms that set and end the session cookie."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from api.base.authentication import client_address, session_cookie
from api.base.errors import for_strangers
from api.base.hosts import is_same_origin
from api.base.routing import BodyLimit
from api.pages.login_page import LoginMethods, link_page, sign_in_page, signed_out_page
from engine.base.errors import NotAllowed, OrchestraError, SignInRefused, TooManyTries
from engine.people.devices import device_cookie, device_cookies
from engine.people.openid.sign_in import SIGNED_OUT_PATH
from engine.people.sessions import Session, cookie_name

if TYPE_CHECKING:
    from engine.orchestra import Orchestra

_LARGEST_FORM_BYTES = 10_000
# The session ends in the engine, 14 days after its last use. The cookie only has to outlast it: a tab that stays
# open loads no page that could renew it. Browsers keep no cookie longer than this (RFC 6265bis, 5.5).
COOKIE_LASTS_SECONDS = 400 * 24 * 3600
_STATUS = {TooManyTries: 429, NotAllowed: 403, SignInRefused: 403}
_USED = "This link has been used, or is older than 15 minutes. `orchestra login-link` prints a new one."
_WRONG = "User or password is wrong."


@dataclass(frozen=True)
class LoginPages:
    """The handlers, over an engine that the caller has opened."""

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
        """Show the button behind a link, or else the password form; looking changes nothing."""
        wanted = own_path(request.query_params.get("next", "/"))
        token = request.query_params.get("token")
        if token:
            return link_page(token, wanted)
        try:
            who = await run_in_threadpool(self.orchestra().users.session, session_cookie(request))
        except OrchestraError as error:
            return refused(self.ways(), error, wanted)
        return RedirectResponse(wanted, 303) if who else sign_in_page(self.ways(), wanted)

    async def sign_in(self, request: Request) -> Response:
        """Accept the link's secret, or user and password; set the cookie and redirect to the page the person wanted."""
        if "origin" in request.headers and not is_same_origin(request.headers):
            return PlainTextResponse("This request did not come from a page of this address.\n", 403)
        form = await request.form(max_fields=8, max_files=0)
        wanted = own_path(_text(form, "next") or "/")
        try:
            session = await run_in_threadpool(
                self._session, form, client_address(request), request.headers.get("user-agent", ""), devices_of(request)
            )
            word = "" if session is None else await run_in_threadpool(self._device_word, session)
        except OrchestraError as error:
            return refused(self.ways(), error, wanted)
        if session is None:
            message = _USED if _text(form, "token") else _WRONG
            return sign_in_page(self.ways(), wanted, message=message, user_id=_text(form, "user_id"), status=403)
        await run_in_threadpool(self.orchestra().users.logout, session_cookie(request))  # who was signed in before
        return signed_in(request, session, word, wanted)

    async def sign_out(self, request: Request) -> Response:
        """End the session, and go to the sign-in page; to the provider if it opened the session."""
        orchestra, cookie = self.orchestra(), session_cookie(request)
        back = here(request, orchestra.config.server.public_url, SIGNED_OUT_PATH)
        there = await run_in_threadpool(orchestra.openid.sign_out_url, cookie, back)
        await run_in_threadpool(orchestra.users.logout, cookie)
        name = orchestra.openid.settings.shown_name
        response: Response = signed_out_page(name, there) if there else RedirectResponse("/login", 303)
        response.delete_cookie(cookie_name(request.headers["host"]), path="/", httponly=True, samesite="lax")
        return response

    def ways(self) -> LoginMethods:
        """Return how people may sign in."""
        settings = self.orchestra().openid.settings
        return LoginMethods(settings.shown_name, settings.passwords)

    def _session(self, form: FormData, address: str, agent: str, devices: list[str]) -> Session | None:
        users = self.orchestra().users
        if token := _text(form, "token"):
            return users.redeem(token, address, agent, devices)
        return users.login(_text(form, "user_id"), _text(form, "password"), address, agent, devices)

    def _device_word(self, session: Session) -> str:
        return self.orchestra().users.device_word(session.user_id)


def signed_in(request: Request, session: Session, device_word: str, wanted: str) -> Response:
    """Return the answer to a good sign-in: the cookies, and the way to the page that the person wanted."""
    response, host = RedirectResponse(wanted, 303), request.headers["host"]
    keep(response, request, cookie_name(host), session.id)
    keep(response, request, device_cookie(host, session.user_id), device_word)
    return response


def here(request: Request, public_url: str, path: str) -> str:
    """Return the address of a path as browsers know it; `public_url`: of a proxy, if there is one."""
    return (public_url or f"{request.url.scheme}://{request.headers['host']}") + path


def _text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    if not isinstance(value, str):
        raise HTTPException(400, "The form contains a file where text is expected.")
    return value


def refused(ways: LoginMethods, error: OrchestraError, wanted: str) -> Response:
    """Return the sign-in page with what went wrong."""
    error = for_strangers(error)
    status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 503)
    response = sign_in_page(ways, wanted, message=f"{error.message} {error.remedy}", status=status)
    if isinstance(error, TooManyTries):
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    return response


def devices_of(request: Request) -> list[str]:
    """Return the device tokens that this browser got at earlier sign-ins; they outlast signing out."""
    begins = device_cookies(request.headers.get("host", ""))
    return [value for name, value in request.cookies.items() if name.startswith(begins)]


def keep(
    response: Response, request: Request, name: str, value: str, *, path: str = "/", seconds: int = COOKIE_LASTS_SECONDS
) -> None:
    """Give the browser a cookie that only this server reads."""
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path=path,
        secure=request.url.scheme == "https",
        httponly=True,  # no script may read it
        samesite="lax",  # no foreign page's form may send it
    )


def own_path(wanted: str) -> str:
    r"""Return `wanted` if it is a path of this site, else `/`; browsers read `//x`, `/\x`, `/<tab>/x` as hosts."""
    parts = urlsplit(wanted) if wanted.isprintable() and "\\" not in wanted else None
    if parts is None or parts.scheme or parts.netloc or not wanted.startswith("/") or wanted.startswith("//"):
        return "/"
    return wanted
