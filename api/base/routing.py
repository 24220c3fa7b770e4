"""What every route of the API does before its own function: identify the caller, then read strict JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.base.authentication import identify
from api.base.strict_json import NotJson, problem_of, strict_value
from engine.people.access import Principal

if TYPE_CHECKING:
    from engine.orchestra import Orchestra

LARGEST_BODY_BYTES = 1_000_000
LARGEST_OPEN_BODY_BYTES = 16 * 1024
"""The limit for requests that anybody may send."""


class StrictRequest(Request):
    """A request whose JSON must follow RFC 8259 and can be written again unchanged."""

    async def json(self) -> Any:
        """Return the value of the body; raise NotJson for NaN, duplicate keys or lone surrogates."""
        body = await self.body()
        try:
            if len(body) > LARGEST_BODY_BYTES:  # others do not wait for it
                return await asyncio.to_thread(strict_value, body)
            return strict_value(body)
        except (ValueError, RecursionError) as error:
            raise NotJson(await asyncio.to_thread(problem_of, body, error)) from error


class OpenRoute(APIRoute):
    """A route that anybody may call."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, which reads strict JSON."""
        handle = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            return await handle(StrictRequest(request.scope, request.receive))

        return strictly


class SignedInRoute(OpenRoute):
    """A route for people and programs of this workspace; for anybody else, nothing of the request is read."""

    largest_bytes: ClassVar[int] = LARGEST_BODY_BYTES
    """Of the body."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, which identifies the caller first."""
        handle = super().get_route_handler()

        async def knowing_who(request: Request) -> Response:
            users = orchestra_of(request).users
            request.state.principal = await identify(request, users)
            request.state.largest_bytes = self.largest_bytes
            return await handle(request)

        return knowing_who


def orchestra_of(connection: HTTPConnection) -> Orchestra:
    """Return the engine behind this application."""
    orchestra: Orchestra = connection.app.state.orchestra_provider()
    return orchestra


async def _orchestra(request: Request) -> Orchestra:
    """Do the same as `orchestra_of`; async, as FastAPI would run a plain function in a thread for each request."""
    return orchestra_of(request)


async def _principal(request: Request) -> Principal:
    """Return the caller, as SignedInRoute has identified them."""
    principal: Principal = request.state.principal
    return principal


if TYPE_CHECKING:
    Door = Annotated[Orchestra, Depends(_orchestra)]
else:  # FastAPI has no use for the type
    Door = Annotated[Any, Depends(_orchestra)]
"""The engine, as a parameter of a route."""
Acting = Annotated[Principal, Depends(_principal)]
"""The caller, as a parameter of a route."""


class BodyLimit:
    """Stops reading a body at the limit of its route, and at 16 KiB until the caller is known.

    It raises an HTTPException, which the usual handler answers with 413.
    """

    def __init__(self, app: ASGIApp, largest_bytes: int = LARGEST_BODY_BYTES) -> None:
        self.app = app
        self._largest_bytes = largest_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a `receive` that counts the bytes."""
        seen_bytes = 0

        async def counted() -> Message:
            nonlocal seen_bytes
            state = scope.get("state", {})
            largest = state.get("largest_bytes") or min(self._largest_bytes, LARGEST_OPEN_BODY_BYTES)
            if seen_bytes == 0 and (told := told_bytes(Headers(scope=scope))) > largest:
                raise HTTPException(413, f"The request has {told:,} bytes, and {largest:,} fit.")
            message = await receive()
            seen_bytes += len(message.get("body", b""))
            if seen_bytes > largest:
                raise HTTPException(413, f"The request has more than {largest:,} bytes.")
            return message

        await self.app(scope, counted if scope["type"] == "http" else receive, send)


def told_bytes(headers: Headers) -> int:
    """Return the announced length of a body, 0 if it is missing."""
    length = headers.get("content-length", "")
    # Cut, as int() raises ValueError for more than 4,300 digits.
    return int(length[:20]) if length.isascii() and length.isdigit() else 0
