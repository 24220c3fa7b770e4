"""One stand-in as a web application: its routes, the token check, its error format and the `/_demo` controls."""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo.faults import FaultSwitch, InjectedFault
from demo.store import Store
from demo.wire import CONTROL_PREFIX, Latency, Wire

Endpoint = Callable[[Request], Awaitable[Response]]


class StandIn(Protocol):
    """The interface of a module such as `demo.github.stand_in`."""

    TOKEN: str

    def routes(self, store: Store) -> list[Route]:
        """Return its routes."""

    def seed(self, store: Store) -> None:
        """Create its sample data in an empty store."""

    def show(self, store: Store) -> dict[str, Any]:
        """Return everything that a person would see there, in the API's form."""

    def ERROR(self, status: int, message: str) -> dict[str, Any]:  # noqa: N802 - the name the modules share
        """Return the body of an error response in the service's own format."""


class Refused(Exception):
    """The request cannot be served: raised in a handler, and answered in the service's own error format.

    `fields` are merged into the body that the service's ERROR builds from status and message.
    """

    def __init__(self, status: int, message: str, *, headers: dict[str, str] | None = None, **fields: Any) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers
        self.fields = fields


class PublicRoute(Route):
    """A route without a token check: a web page, or a service's own token endpoint."""


async def json_document(request: Request) -> Any:
    """Return the request's JSON ({} for an empty body); raises Refused 400."""
    try:
        return json.loads(await request.body() or b"{}")
    except ValueError as error:
        raise Refused(400, "Problems parsing JSON") from error


async def json_object(request: Request) -> dict[str, Any]:
    """Return the request's JSON object ({} for an empty body); raises Refused 400."""
    document = await json_document(request)
    if not isinstance(document, dict):
        raise Refused(400, "Body should be a JSON object")
    return document


def origin(store: Store, name: str) -> str:
    """Return the scheme, host and port of the service's last start, for links outside a request."""
    return str((store.get("_origins", name) or {}).get("origin", "http://127.0.0.1"))


def base_url(request: Request) -> str:
    """Return scheme, host and port as the client addressed them: every URL in an answer starts with these."""
    return f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}"


def service(
    stand_in: StandIn,
    store: Store,
    latency: Latency = Latency(),  # noqa: B008 - frozen
    reset: Callable[[], int] | None = None,
) -> Starlette:
    """Return the application of one stand-in; `reset` handles `POST /_demo/reset` (default: this service only)."""
    switch = FaultSwitch(generation=lambda: store.generation)

    def failure(status: int, message: str) -> bytes:
        return json.dumps(stand_in.ERROR(status, message)).encode()

    async def refuse(_: Request, error: Exception) -> Response:
        return _refusal(stand_in, error)

    routes = stand_in.routes(store)
    counts: Counter[str] = Counter()
    reset = reset or (lambda: store.reset(stand_in.seed))
    return Starlette(
        routes=[*_controls(switch, counts, reset, lambda: stand_in.show(store)), *routes],
        # From the outside in: a fault also replaces the refusal of a wrong token.
        middleware=[
            *([Middleware(RequestId, name=name)] if (name := getattr(stand_in, "REQUEST_ID", "")) else []),
            Middleware(Wire, switch=switch, latency=latency, failure=failure, counts=counts),
            Middleware(TokenCheck, stand_in=stand_in, routes=routes, store=store),
        ],
        exception_handlers={Refused: refuse, HTTPException: refuse, Exception: refuse},
    )


def _refusal(stand_in: StandIn, error: Exception) -> Response:
    """Convert an exception to a response."""
    if isinstance(error, Refused):
        body = stand_in.ERROR(error.status, error.message) | error.fields
        return JSONResponse(body, error.status, error.headers)
    if isinstance(error, HTTPException):
        return JSONResponse(stand_in.ERROR(error.status_code, error.detail), error.status_code, error.headers)
    return JSONResponse(stand_in.ERROR(500, "Internal error of the stand-in"), 500)


class RequestId:
    """ASGI middleware that adds a request id to each response, as real services do for their support."""

    def __init__(self, app: ASGIApp, *, name: str) -> None:
        self.app = app
        self.name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, with its own id in the response."""

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = (self.name.encode(), f"req_{secrets.token_hex(16)}".encode())
                message = {**message, "headers": [*message.get("headers", []), own]}
            await send(message)

        await self.app(scope, receive, named if scope["type"] == "http" else send)


class TokenCheck:
    """ASGI middleware that refuses requests without a valid token of the stand-in.

    Its TOKEN is valid, and any token that its function `refusal(store, token, method)` accepts, if it has one.
    """

    def __init__(self, app: ASGIApp, *, stand_in: StandIn, routes: list[Route], store: Store) -> None:
        self.app = app
        self.stand_in = stand_in
        self.routes = routes
        self.store = store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it."""
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        if refusal is None:
            await self.app(scope, receive, send)
            return
        status, message = refusal
        await JSONResponse(self.stand_in.ERROR(status, message), status)(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        if scope["path"].startswith(CONTROL_PREFIX):
            return None
        headers = Request(scope).headers
        # GitHub's libraries send "token", the others "Bearer", or a header of their own.
        word, _, token = headers.get("authorization", "").partition(" ")
        if word.lower() in {"bearer", "token"} and token.strip() == self.stand_in.TOKEN:
            return None
        if headers.get(getattr(self.stand_in, "KEY_HEADER", "")) == self.stand_in.TOKEN:
            return None
        # The route that Starlette will choose: a page may share its path with a route of the API.
        first = next((route for route in self.routes if route.matches(scope)[0] is Match.FULL), None)
        if isinstance(first, PublicRoute):
            return None
        asks = getattr(self.stand_in, "refusal", None)
        refusal: tuple[int, str] | None = (401, "Bad credentials")
        return refusal if asks is None else asks(self.store, token.strip(), scope["method"])


def _controls(
    switch: FaultSwitch, counts: Counter[str], reset: Callable[[], int], show: Callable[[], dict[str, Any]]
) -> list[Route]:
    """Return the `/_demo` routes of every service."""

    async def set_fault(request: Request) -> Response:
        try:
            fault = InjectedFault.parse(json.loads(await request.body()))
        except ValueError as error:
            return JSONResponse({"message": f"This is not a fault: {error}."}, 422)
        switch.set(fault)
        return JSONResponse({"ok": True}, 201)

    async def clear_faults(_: Request) -> Response:
        switch.clear()
        return JSONResponse({"ok": True})

    async def requests(_: Request) -> Response:
        return JSONResponse({"total": counts.total(), "requests": dict(counts)})

    async def reset_all(_: Request) -> Response:
        return JSONResponse({"generation": reset()})

    async def show_all(_: Request) -> Response:
        return JSONResponse(show())

    return [
        Route("/_demo/faults", set_fault, methods=["POST"]),
        Route("/_demo/faults", clear_faults, methods=["DELETE"]),
        Route("/_demo/requests", requests, methods=["GET"]),
        Route("/_demo/reset", reset_all, methods=["POST"]),
        Route("/_demo/show", show_all, methods=["GET"]),
    ]
