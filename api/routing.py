"""What every address of the API does before its own function: know who asks, then read strict JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from typing import Annotated, Any, NoReturn

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.identity import identify
from engine.orchestra import Orchestra
from engine.people.access import Principal

LARGEST_BODY_BYTES = 1_000_000
_LONGEST_SHOWN = 60


class StrictRequest(Request):
    """A request whose JSON is only what RFC 8259 allows and what can be written again."""

    async def json(self) -> Any:
        """Return the body's value; raise JSONDecodeError for what is not strict: NaN, a key twice, half a character."""
        body = await self.body()
        try:
            value = json.loads(body, parse_constant=_refuse_constant, object_pairs_hook=_with_each_key_once)
            json.dumps(value, ensure_ascii=False).encode()
        except json.JSONDecodeError:
            raise
        except (ValueError, RecursionError) as error:
            raise json.JSONDecodeError("not JSON that can be kept", "", 0) from error
        return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _with_each_key_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        twice = next(key for key in counts if counts[key] > 1)
        raise json.JSONDecodeError(f"the key {twice[:_LONGEST_SHOWN]!r} is there twice in one object", "", 0)
    return found


class OpenRoute(APIRoute):
    """An address that anybody may call."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, reading strict JSON."""
        handle = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            return await handle(StrictRequest(request.scope, request.receive))

        return strictly


class SignedInRoute(OpenRoute):
    """An address for people and programs of this workspace: nothing of the request is read for anybody else."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler behind the question who asks."""
        handle = super().get_route_handler()

        async def knowing_who(request: Request) -> Response:
            users = orchestra_of(request).users
            request.state.principal = await run_in_threadpool(identify, request, users)
            return await handle(request)

        return knowing_who


def orchestra_of(request: Request) -> Orchestra:
    """Return the engine behind this application."""
    orchestra: Orchestra = request.app.state.orchestra_provider()
    return orchestra


def principal_of(request: Request) -> Principal:
    """Return who asks, as SignedInRoute found out."""
    principal: Principal = request.state.principal
    return principal


Door = Annotated[Orchestra, Depends(orchestra_of)]
"""The engine, as a parameter of a route."""
Acting = Annotated[Principal, Depends(principal_of)]
"""Who asks, as a parameter of a route."""


class BodyLimit:
    """Stops reading a request at 1 MB; the refusal is then made where all others are."""

    def __init__(self, app: ASGIApp, largest_bytes: int = LARGEST_BODY_BYTES) -> None:
        self.app = app
        self._largest_bytes = largest_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a `receive` that counts."""
        seen_bytes = 0

        async def counted() -> Message:
            nonlocal seen_bytes
            message = await receive()
            seen_bytes += len(message.get("body", b""))
            if seen_bytes > self._largest_bytes:
                raise HTTPException(413)
            return message

        await self.app(scope, counted if scope["type"] == "http" else receive, send)
