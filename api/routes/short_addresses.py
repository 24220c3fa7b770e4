"""Addresses that a person would type: `/runs/ID`, `/workflows/NAME` and `/prompts/NAME` lead to the page.

A page of the dashboard has a name of one word; what it shows is in its query.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

_PAGES = {"runs": ("run", "id"), "workflows": ("workflow", "name"), "prompts": ("prompt", "name")}
"""List -> (page of one of it, the name of its query parameter)."""


def short_addresses() -> list[BaseRoute]:
    """Return the routes for the application that serves the dashboard."""
    return [Route(f"/{name}/{{which}}", _redirect(*target), methods=["GET"]) for name, target in _PAGES.items()]


def _redirect(page: str, parameter: str) -> Callable[[Request], Awaitable[Response]]:
    async def redirect(request: Request) -> Response:
        """Redirect to the page."""
        return RedirectResponse(f"/{page}?{urlencode({parameter: request.path_params['which']})}", 307)

    return redirect
