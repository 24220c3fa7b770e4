"""The REST API as one FastAPI application, over an engine that somebody else opens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBearer
from fastapi.telemetry import TelemetryConfig

from api import approvals, authentication, catalog, connections, errors, execution, live, reference, runs, triggers
from api.documents import Refusal
from api.routing import BodyLimit, Door, OpenRoute
from engine.orchestra import Orchestra

PUBLIC_PATHS = ("/health", "/auth/login", "/api/docs", "/api/openapi.json")
"""All that a stranger may call; `/api/docs` with its three files."""

_DESCRIPTION = (
    "Start workflows, follow their runs, and see what a workspace has. "
    "POST /auth/login gives an access token for one hour; send it as `Authorization: Bearer …`."
)
_REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"model": Refusal, "description": "Not signed in"},
    403: {"model": Refusal, "description": "The role does not allow it"},
    404: {"model": Refusal, "description": "There is no such thing"},
    422: {"model": Refusal, "description": "The request does not fit"},
}
_TOLD_TO_STRANGERS = ("status", "triggers", "refused_connections")
_NO_TELEMETRY: TelemetryConfig = {  # also where the environment asks for some
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT", description="What POST /auth/login gives.")


def create_api(orchestra_provider: Callable[[], Orchestra]) -> FastAPI:
    """Return the application with every path in full (`/api/runs`, `/health`): serve it alone or beside the pages.

    `orchestra_provider` is called at each request; who made the engine also closes it.
    """
    app = FastAPI(
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
    errors.install(app)
    for router in (_health, authentication.router, reference.router):
        app.include_router(router)
    for router in (
        execution.router,
        runs.router,
        live.router,
        approvals.router,
        catalog.router,
        connections.router,
        triggers.router,
    ):
        app.include_router(router, dependencies=[Depends(_bearer)])  # for the description: SignedInRoute decides
    return app


_health = APIRouter(tags=["Health"], route_class=OpenRoute)


@_health.get("/health", summary="Check the health", response_model=None)
def get_health(orchestra: Door) -> JSONResponse:
    """Say whether the engine runs (200, else 503), and how many triggers and accounts need somebody."""
    health = orchestra.health()
    status = health["status"]
    told = {key: health[key] for key in _TOLD_TO_STRANGERS if key in health}
    return JSONResponse(told, 200 if status == "ok" else 503, headers={"Cache-Control": "no-store"})
