"""Identifies the sender of a request: a program by its access token, a page of ours by the session cookie."""

from __future__ import annotations

from functools import partial
from typing import Protocol

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection, Request

from api.base.errors import Unauthorized
from api.base.hosts import SAFE_METHODS, is_same_origin
from engine.base.errors import NotAllowed
from engine.people.access import Principal
from engine.people.api_tokens import PREFIX, ApiTokens
from engine.people.sessions import cookie_name

_MCP = "/mcp"


class Authenticator(Protocol):
    """The part of `Orchestra.users` that identifies a sender."""

    @property
    def is_far(self) -> bool:
        """Whether its methods wait for a network."""

    def session(self, session_id: str) -> Principal | None:
        """Return the owner of a session cookie, if it is valid."""

    def principal_of_token(self, token: str) -> Principal | None:
        """Return the owner of an access token, if it is valid."""

    @property
    def api_tokens(self) -> ApiTokens:
        """The long-lived access tokens."""


async def identify(request: Request, authenticator: Authenticator) -> Principal:
    """Return who sends `request`; raise Unauthorized, or NotAllowed for a change sent by a foreign page.

    If there is an Authorization header, the cookie is ignored.
    """
    if request.method in SAFE_METHODS:
        return await _principal(request, authenticator, "")
    return await _principal(request, authenticator, "make changes")


async def identify_socket(websocket: HTTPConnection, authenticator: Authenticator) -> Principal:
    """Return who opens a websocket; raise as `identify`.

    Browsers let any page open a websocket with the cookies of another one, so a cookie is only taken from our pages.
    """
    return await _principal(websocket, authenticator, "open a websocket")


async def _principal(connection: HTTPConnection, authenticator: Authenticator, own_pages_only: str) -> Principal:
    """Return the sender; `own_pages_only`: in words, what a cookie allows only from our own pages; "" for nothing."""
    authorization = connection.headers.getlist("authorization")
    token = _bearer(authorization) if authorization else ""
    if token.startswith(PREFIX):
        is_mcp = connection.scope["path"] == _MCP  # the URL is made with the Host header
        ask = partial(authenticator.api_tokens.principal, token, client_address(connection), is_mcp=is_mcp)
        principal = await run_in_threadpool(ask)
    elif authorization and not authenticator.is_far:  # one short read: a thread would take ten times as long
        principal = authenticator.principal_of_token(token)
    elif authorization:
        principal = await run_in_threadpool(authenticator.principal_of_token, token)
    else:
        principal = await run_in_threadpool(authenticator.session, session_cookie(connection))
        if principal is not None and own_pages_only and not is_same_origin(connection.headers):
            raise NotAllowed(
                f"A session cookie may only {own_pages_only} from a page of this address.",
                remedy="Programs send an access token instead: POST /auth/login returns one.",
            )
    if principal is None:
        raise Unauthorized
    return principal


def session_cookie(connection: HTTPConnection) -> str:
    """Return the value of the session cookie for this host and port, or an empty string."""
    return connection.cookies.get(cookie_name(connection.headers.get("host", "")), "")


def client_address(connection: HTTPConnection) -> str:
    """Return the IP address of the client; behind a trusted proxy, the address that the proxy forwards."""
    return connection.client.host if connection.client is not None else ""


def _bearer(authorization: list[str]) -> str:
    scheme, _, token = authorization[0].partition(" ")
    return token if scheme.lower() == "bearer" and len(authorization) == 1 else ""
