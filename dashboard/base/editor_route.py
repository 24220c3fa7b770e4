"""`GET /assets/editor-….js`: the code editor, which browsers cache."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

_FILE = Path(__file__).parents[1] / "assets" / "editor" / "editor.js"


def editor_routes() -> list[BaseRoute]:
    """Return the route of the editor."""
    return [Route("/assets/editor-{digest}.js", _editor, methods=["GET"])]


@cache
def editor_address() -> str:
    """Return the path under which browsers get the editor; it changes with the file."""
    return f"/assets/editor-{hashlib.sha256(_text()).hexdigest()[:16]}.js"


@cache
def _text() -> bytes:
    return _FILE.read_bytes()


def _editor(request: Request) -> Response:
    if request.url.path != editor_address():  # a page of another version: it goes on with its text areas
        return Response(status_code=404)
    headers = {"Cache-Control": "private, max-age=31536000, immutable"}
    return Response(_text(), media_type="text/javascript", headers=headers)
