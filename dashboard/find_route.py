"""`GET /find`: the results of the dashboard's search, as JSON."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from dashboard.live_route import signed_in
from engine.base.errors import OrchestraError
from engine.base.json_text import compact

if TYPE_CHECKING:
    from engine.orchestra import Orchestra


def find_routes(shared: Callable[[], Orchestra]) -> list[BaseRoute]:
    """Return the route of the search; `shared` returns the open workspace."""

    async def found(request: Request) -> Response:
        return await run_in_threadpool(_found, shared(), request)

    return [Route("/find", found, methods=["GET"])]


def _found(orchestra: Orchestra, request: Request) -> Response:
    from dashboard.base.language import spoken
    from dashboard.search_results import find

    who = signed_in(orchestra, request)
    if who is None:
        return Response(status_code=401)
    try:
        with spoken(request.query_params.get("language", "")):
            found = find(orchestra, who, request.query_params.get("q", ""))
    except OrchestraError:  # a folder that cannot be read: the page says more
        return Response(status_code=409)
    body = compact({"found": [asdict(one) for one in found]})
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})
