"""One stand-in as a web application: its routes plus the token check, its error form and the `/_demo` controls."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from demo.faults import Fault, FaultSwitch
from demo.store import Store
from demo.wire import CONTROL_PREFIX, Latency, Wire

Endpoint = Callable[[Request], Awaitable[Response]]


class StandIn(Protocol):
    """What a module such as `demo.github` holds."""

    TOKEN: str

    def routes(self, store: Store) -> list[Route]:
        """The paths it answers."""

    def seed(self, store: Store) -> None:
        """Lay out its sample data in an empty store."""

    def show(self, store: Store) -> dict[str, Any]:
        """All that a person would see there, each entry the API's object."""

    def ERROR(self, status: int, message: str) -> dict[str, Any]:  # noqa: N802 - the name the modules share
        """The body of an answer of 400 or more, in the service's own form."""


class Refused(Exception):
    """The request cannot be served: raised anywhere in a handler, answered in the service's own error form.

    `fields` are laid over the body that the service's ERROR makes of status and message.
    """

    def __init__(self, status: int, message: str, *, headers: dict[str, str] | None = None, **fields: Any) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers
        self.fields = fields


class OpenRoute(Route):
    """A route that asks for no token: a page for people, or a service's own token endpoint."""


async def json_document(request: Request) -> Any:
    """The request's JSON ({} for an empty body); raises Refused 400."""
    try:
        return json.loads(await request.body() or b"{}")
    except ValueError as error:
        raise Refused(400, "Problems parsing JSON") from error


async def json_object(request: Request) -> dict[str, Any]:
    """The request's JSON object ({} for an empty body); raises Refused 400."""
    document = await json_document(request)
    if not isinstance(document, dict):
        raise Refused(400, "Body should be a JSON object")
    return document


def origin(store: Store, name: str) -> str:
    """Scheme, host and port on which the service was last started: for what is shown without a request."""
    return str((store.get("_origins", name) or {}).get("origin", "http://127.0.0.1"))


def base_url(request: Request) -> str:
    """Scheme, host and port as the caller named them: every address in an answer starts with it."""
    return f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}"


def service(
    stand_in: StandIn,
    store: Store,
    latency: Latency = Latency(),  # noqa: B008 - frozen
    reset: Callable[[], int] | None = None,
) -> Starlette:
    """The application of one stand-in; `reset` is what `POST /_demo/reset` does (default: this service alone)."""
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
        middleware=[
            Middleware(Wire, switch=switch, latency=latency, failure=failure, counts=counts),
            Middleware(TokenCheck, stand_in=stand_in, routes=routes, store=store),
        ],
        exception_handlers={Refused: refuse, HTTPException: refuse, Exception: refuse},
    )


def _refusal(stand_in: StandIn, error: Exception) -> Response:
    """An exception as an answer."""
    if isinstance(error, Refused):
        body = stand_in.ERROR(error.status, error.message) | error.fields
        return JSONResponse(body, error.status, error.headers)
    if isinstance(error, HTTPException):
        return JSONResponse(stand_in.ERROR(error.status_code, error.detail), error.status_code, error.headers)
    return JSONResponse(stand_in.ERROR(500, "Internal error of the stand-in"), 500)


class TokenCheck:
    """ASGI middleware that refuses a request without a token of the stand-in.

    That is its one TOKEN, or what its `refusal(store, token, method)` accepts, where it has one.
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
        # GitHub's libraries say "token", the others "Bearer".
        word, _, token = Request(scope).headers.get("authorization", "").partition(" ")
        if word.lower() in {"bearer", "token"} and token.strip() == self.stand_in.TOKEN:
            return None
        first = next((route for route in self.routes if route.matches(scope)[0] is Match.FULL), None)
        if isinstance(first, OpenRoute):
            return None
        asks = getattr(self.stand_in, "refusal", None)
        refusal: tuple[int, str] | None = (401, "Bad credentials")
        return refusal if asks is None else asks(self.store, token.strip(), scope["method"])


def _controls(
    switch: FaultSwitch, counts: Counter[str], reset: Callable[[], int], show: Callable[[], dict[str, Any]]
) -> list[Route]:
    """The `/_demo` routes that every service has on its origin."""

    async def set_fault(request: Request) -> Response:
        try:
            fault = Fault.parse(json.loads(await request.body()))
        except ValueError as error:
            return JSONResponse({"message": f"This is no fault: {error}."}, 422)
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
