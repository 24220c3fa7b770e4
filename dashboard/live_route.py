"""Routes that open pages call: `GET /live/run` returns the changes of a run (`run/feed.py`).

`POST /live/messages` translates messages of the engine for the canvas, which gets them in English from the REST API.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, MsgspecError, Struct
from msgspec.json import decode
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from engine.base.errors import OrchestraError
from engine.base.json_text import compact
from engine.people.access import Principal
from engine.people.sessions import cookie_name

if TYPE_CHECKING:
    from engine.orchestra import Orchestra

_MOST_MESSAGES = 2_000
"""Those of a workflow file with as many problems as are told, each a message and a remedy."""
_LARGEST_BYTES = 4_000_000
_LONGEST_SECONDS = 2.0
"""Of processor time; what is not translated by then stays in English."""


def live_routes(shared: Callable[[], Orchestra]) -> list[BaseRoute]:
    """Return the routes that open pages poll; `shared` returns the open workspace."""

    async def run_news(request: Request) -> Response:
        return await run_in_threadpool(_run_news, shared(), request)

    async def messages(request: Request) -> Response:
        length = request.headers.get("content-length", "")
        if not length.isdigit() or int(length) > _LARGEST_BYTES:
            return Response(status_code=413)
        if await run_in_threadpool(signed_in, shared(), request) is None:
            return Response(status_code=401)
        return await run_in_threadpool(_messages, await request.body())

    return [
        Route("/live/run", run_news, methods=["GET"]),
        Route("/live/messages", messages, methods=["POST"]),
    ]


def signed_in(orchestra: Orchestra, request: Request) -> Principal | None:
    """Return who is signed in in the browser that asks, if anybody."""
    cookie = request.cookies.get(cookie_name(request.headers.get("host", "")), "")
    return orchestra.users.session(cookie) if cookie else None


class _MessagesRequest(Struct, forbid_unknown_fields=True):
    language: Annotated[str, Meta(max_length=20)]
    messages: Annotated[list[str], Meta(max_length=_MOST_MESSAGES)]


def _messages(body: bytes) -> Response:
    from dashboard.base.language import spoken
    from dashboard.base.messages import translated
    from dashboard.base.remedies import with_pages

    try:
        asked = decode(body, type=_MessagesRequest)
    except MsgspecError:
        return Response(status_code=422)
    with spoken(asked.language):
        ends_at = time.thread_time() + _LONGEST_SECONDS
        found = [with_pages(translated(one)) if time.thread_time() < ends_at else one for one in asked.messages]
    return Response(compact({"messages": found}), media_type="application/json", headers={"Cache-Control": "no-store"})


def _run_news(orchestra: Orchestra, request: Request) -> Response:
    from dashboard.base.language import spoken
    from dashboard.run.feed import answer

    who = signed_in(orchestra, request)
    if who is None:
        return Response(status_code=401)
    try:
        with spoken(request.query_params.get("language", "")):
            update = answer(orchestra, who, request.query_params)
    except OrchestraError:  # the page shows the error when it is redrawn
        return Response(status_code=409)
    return Response(compact(update), media_type="application/json", headers={"Cache-Control": "no-store"})
