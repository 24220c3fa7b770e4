"""What makes the dashboard an app that phones and desktops install: its manifest and icons, open to everybody."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from engine.base.json_text import compact

MANIFEST = "/assets/app.webmanifest"
_ASSETS = Path(__file__).parents[1] / "assets"
_TYPES = {"icon.svg": "image/svg+xml", "icon-192.png": "image/png", "icon-512.png": "image/png"}
_APP = {
    "name": "AI-Orchestra",
    "short_name": "Orchestra",
    "id": "/",
    "start_url": "/",
    "scope": "/",
    "display": "standalone",
    "theme_color": "#ffffff",
    "background_color": "#ffffff",
    "icons": [
        {"src": "/assets/icon.svg", "sizes": "any", "type": "image/svg+xml"},
        {"src": "/assets/icon-192.png", "sizes": "192x192", "type": "image/png", "purpose": "any maskable"},
        {"src": "/assets/icon-512.png", "sizes": "512x512", "type": "image/png", "purpose": "any maskable"},
    ],
}
_HEADERS = {"Cache-Control": "max-age=86400"}


def app_routes() -> list[Route]:
    """Return the routes of the manifest and of each icon."""
    icons = [Route(f"/assets/{name}", _icon, methods=["GET"]) for name in _TYPES]
    return [Route(MANIFEST, _manifest, methods=["GET"]), *icons]


def _manifest(_request: Request) -> Response:
    return Response(compact(_APP), media_type="application/manifest+json", headers=_HEADERS)


def _icon(request: Request) -> Response:
    name = request.url.path.rpartition("/")[2]
    return Response((_ASSETS / name).read_bytes(), media_type=_TYPES[name], headers=_HEADERS)
