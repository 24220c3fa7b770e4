"""The REST API as one FastAPI application, over an engine that the caller has opened."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from fastapi.security import HTTPBearer
from fastapi.telemetry import TelemetryConfig

from api.base import errors
from api.base.documents import Refusal
from api.base.routing import Acting, BodyLimit, Door, OpenRoute, SignedInRoute, orchestra_of
from api.families import FAMILIES, Api
from api.mcp import route as mcp
from api.network.link_filter import LinkFilter
from api.routes import authentication, execution, live, reference, runs, sockets
from engine.operations.health import Health

if TYPE_CHECKING:
    from engine.orchestra import Orchestra

PUBLIC_PATHS = ("/health", "/ready", "/auth/login", "/api/docs", "/api/openapi.json")
"""All paths that need no sign-in; `/api/docs` includes its three files."""

_DESCRIPTION = (
    "Start workflows, follow their runs, and see what a workspace has. "
    "POST /auth/login returns an access token for one hour; send it as `Authorization: Bearer …`."
)
_REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"model": Refusal, "description": "Not signed in"},
    403: {"model": Refusal, "description": "The role does not allow it"},
    404: {"model": Refusal, "description": "Not found"},
    422: {"model": Refusal, "description": "The request is not valid"},
}
_NO_TELEMETRY: TelemetryConfig = {  # even if the environment enables it
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
_bearer = HTTPBearer(
    auto_error=False, bearerFormat="JWT", description="The access token that POST /auth/login returns."
)
_metrics = APIRouter(tags=["Health"], route_class=SignedInRoute)
_SIGNED_IN = (_metrics, execution.router, mcp.router, runs.router, live.router)


def create_api(orchestra_provider: Callable[[], Orchestra]) -> Api:
    """Return the application, with every path in full (`/api/runs`, `/health`): serve it alone or beside the pages.

    `orchestra_provider` is called at each request; whoever creates the engine also closes it.
    """
    signed_in = Depends(_bearer)  # only for the description: SignedInRoute decides
    app = Api(
        signed_in,
        title="AI-Orchestra",
        version="1",
        description=_DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=_NO_TELEMETRY,
        generate_unique_id_function=lambda route: route.name,
        responses=_REFUSALS,
    )
    app.state.orchestra_provider = orchestra_provider
    app.add_middleware(BodyLimit)
    app.add_middleware(LinkFilter)
    errors.install(app, app.addresses)
    for router in (_health, authentication.router, reference.router, sockets.router):
        app.include_router(router)
    for router in _SIGNED_IN:
        app.include_router(router, dependencies=[signed_in])
    app.stand_in(FAMILIES)
    return app


_health = APIRouter(tags=["Health"], route_class=OpenRoute)


@_health.get("/health", summary="Check the server's health", response_model=None)
async def get_health(request: Request) -> JSONResponse:
    """Report whether requests work (200; else 503 with reasons), and how many triggers and accounts need attention.

    It answers within five seconds, even if something hangs.
    """
    health = await _checked(request)
    root = orchestra_of(request).workspace.root
    body: dict[str, Any] = {"status": health.status, **health.counts}
    if health.reasons:
        body["reasons"] = [asdict(reason.without_paths(root)) for reason in health.reasons]
    return _uncached(body, is_fine=health.status != "failing")


@_health.get("/ready", summary="Check whether the server takes requests", response_model=None)
async def get_ready(request: Request) -> JSONResponse:
    """Report only whether this server can accept runs: 200, else 503, also while it stops. For load balancers. It makes
    the same checks as `/health`, and answers within five seconds. It does not depend on workers: accepted runs wait for
    them. With the state on a server, `taking_runs` says how many processes take runs.
    """
    health = await _checked(request)
    is_ready, body = health.status != "failing", {}
    if "workers" in health.counts:
        body = {"taking_runs": health.counts["workers"]["taking_runs"]}
    return _uncached({"ready": is_ready, **body}, is_fine=is_ready)


async def _checked(request: Request) -> Health:
    """Return the result of the health checks, within five seconds."""
    check = orchestra_of(request).health
    look = asyncio.wrap_future(check.begin())
    done, _ = await asyncio.wait([look], timeout=check.seconds_left())
    return look.result() if done else check.late()


def _uncached(body: dict[str, Any], *, is_fine: bool) -> JSONResponse:
    return JSONResponse(body, 200 if is_fine else 503, headers={"Cache-Control": "no-store"})


@_metrics.get("/metrics", summary="Read metrics", response_class=Response)
def get_metrics(request: Request, orchestra: Door, principal: Acting) -> Response:
    """Return metrics of the workspace and of this process, in the formats of Prometheus and OpenMetrics."""
    page = orchestra.metrics.page(principal, request.headers.get("Accept", ""))
    return Response(page.content, headers={"Content-Type": page.media_type, "Cache-Control": "no-store"})
