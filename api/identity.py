"""Who sends a request: a program by its access token, or a page of ours by the session cookie."""

from __future__ import annotations

from typing import Protocol

from starlette.requests import HTTPConnection, Request

from api.errors import Unauthorized
from api.hosts import SAFE_METHODS, is_same_origin
from engine.errors import NotAllowed
from engine.people.access import Principal
from engine.people.sessions import cookie_name


class Accounts(Protocol):
    """What must be asked of `Orchestra.users` to know somebody."""

    def session(self, session_id: str) -> Principal | None:
        """Return who is behind a cookie."""

    def principal_of_token(self, token: str) -> Principal | None:
        """Return who is behind an access token."""


def identify(request: Request, accounts: Accounts) -> Principal:
    """Return who sends `request`; raise Unauthorized, or NotAllowed for a change that a foreign page sends.

    Where there is an Authorization header it alone counts.
    """
    authorization = request.headers.getlist("authorization")
    if authorization:
        principal = accounts.principal_of_token(_bearer(authorization))
    else:
        principal = accounts.session(session_cookie(request))
        if principal is not None and request.method not in SAFE_METHODS and not is_same_origin(request.headers):
            raise NotAllowed(
                "A session cookie may change something only from a page of this address.",
                remedy="A program sends an access token instead: POST /auth/login gives one.",
            )
    if principal is None:
        raise Unauthorized
    return principal


def session_cookie(connection: HTTPConnection) -> str:
    """Return the value of the session cookie of this host and port, or an empty text."""
    return connection.cookies.get(cookie_name(connection.headers.get("host", "")), "")


def _bearer(authorization: list[str]) -> str:
    scheme, _, token = authorization[0].partition(" ")
    return token if scheme.lower() == "bearer" and len(authorization) == 1 else ""
