"""`GET /live/run`: the changes of a run, for its open pages (`run/feed.py`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

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


def live_routes(shared: Callable[[], Orchestra]) -> list[BaseRoute]:
    """Return the routes that open pages poll; `shared` returns the open workspace."""

    async def run_news(request: Request) -> Response:
        return await run_in_threadpool(_run_news, shared(), request)

    return [Route("/live/run", run_news, methods=["GET"])]


def signed_in(orchestra: Orchestra, request: Request) -> Principal | None:
    """Return who is signed in in the browser that asks, if anybody."""
    cookie = request.cookies.get(cookie_name(request.headers.get("host", "")), "")
    return orchestra.users.session(cookie) if cookie else None


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
