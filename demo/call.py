"""A request as the handlers of GitHub and Notion see it, and the routes that call them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from demo.service import PublicRoute, Refused, base_url, json_document
from demo.store import Store


@dataclass(frozen=True)
class StandInCall:
    """A request with its JSON body already parsed."""

    request: Request
    store: Store
    body: dict[str, Any]
    # The body, if it is an array (GitHub accepts labels in this form).
    array: list[Any] | None = None

    @property
    def base(self) -> str:
        """Scheme, host and port as the client addressed them."""
        return base_url(self.request)

    def part(self, name: str) -> str:
        """Return a path parameter, or "" if the route has none of this name."""
        return str(self.request.path_params.get(name, ""))

    def query(self, name: str, default: str = "") -> str:
        """Return a query parameter, or the default."""
        return self.request.query_params.get(name, default)


@dataclass(frozen=True)
class StandInReply:
    """A handler's response: a JSON document (None: no content) with status and headers."""

    document: Any
    status: int = 200
    headers: dict[str, str] | None = None

    def response(self, extra_headers: dict[str, str] | None = None) -> Response:
        """Return the response to send."""
        headers = {**(extra_headers or {}), **(self.headers or {})}
        if self.document is None:
            return Response(status_code=self.status, headers=headers)
        return JSONResponse(self.document, self.status, headers)


Handler = Callable[[StandInCall], StandInReply]
# Rows of method, path and handler.
Table = Sequence[tuple[str, str, Handler]]


def api_routes(store: Store, table: Table, headers: Callable[[], dict[str, str]]) -> list[Route]:
    """Return the routes of a table. A writing handler runs in one transaction and never awaits, so it runs alone."""

    def endpoint(handler: Handler) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            document = await json_document(request)
            call = _call(request, store, document)
            reads = request.method in {"GET", "HEAD"}
            # A read needs no transaction, and must not wait for the writer of another process.
            with nullcontext() if reads else store.transaction():
                reply = handler(call)
            return reply.response(headers())

        return answer

    return [Route(path, endpoint(handler), methods=[method]) for method, path, handler in table]


def _call(request: Request, store: Store, document: Any) -> StandInCall:
    if isinstance(document, list):
        return StandInCall(request, store, {}, document)
    if isinstance(document, dict):
        return StandInCall(request, store, document)
    raise Refused(400, "Body should be a JSON object")


def page_routes(store: Store, table: Sequence[tuple[str, Callable[[StandInCall], str]]]) -> list[Route]:
    """Return routes of web pages: path, and the function that makes the HTML."""

    def endpoint(page: Callable[[StandInCall], str]) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            return HTMLResponse(page(StandInCall(request, store, {})))

        return answer

    return [PublicRoute(path, endpoint(page)) for path, page in table]
