"""`GET /assets/….js`: scripts that pages load when they need them, and that browsers cache."""

from __future__ import annotations

import gzip
import hashlib
from functools import cache
from pathlib import Path
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

Bundle = Literal["editor", "search", "studio"]
_BUNDLES: tuple[Bundle, ...] = ("editor", "search", "studio")
_ASSETS = Path(__file__).parents[1] / "assets"


def bundle_routes() -> list[BaseRoute]:
    """Return the routes of all bundles."""
    return [Route("/assets/{file}.js", _bundle, methods=["GET"])]


@cache
def bundle_address(name: Bundle) -> str:
    """Return the path under which browsers get a bundle; it changes with the file."""
    return f"/assets/{name}-{hashlib.sha256(_text(name)).hexdigest()[:16]}.js"


@cache
def _text(name: Bundle) -> bytes:
    return (_ASSETS / name / f"{name}.js").read_bytes()


@cache
def _compressed(name: Bundle) -> bytes:
    return gzip.compress(_text(name), mtime=0)


def _bundle(request: Request) -> Response:
    name = next((one for one in _BUNDLES if request.url.path == bundle_address(one)), None)
    if name is None:  # a page of another version: it goes on without
        return Response(status_code=404)
    headers = {"Cache-Control": "private, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(_text(name), media_type="text/javascript", headers=headers)
    return Response(_compressed(name), media_type="text/javascript", headers={**headers, "Content-Encoding": "gzip"})
