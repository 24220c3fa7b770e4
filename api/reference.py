"""`/api/docs`: Swagger UI, served whole from this machine."""

from __future__ import annotations

from importlib.resources import files

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.requests import Request

from api.routing import OpenRoute

router = APIRouter(prefix="/api", route_class=OpenRoute, include_in_schema=False)

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>AI-Orchestra: REST API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/api/docs/swagger-ui.css">
</head>
<body>
<div id="reference"></div>
<noscript>This page needs JavaScript. The same as JSON: <a href="/api/openapi.json">/api/openapi.json</a></noscript>
<script src="/api/docs/swagger-ui-bundle.js"></script>
<script src="/api/docs/start.js"></script>
</body>
</html>
"""
_START = """SwaggerUIBundle({
  url: "/api/openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  displayRequestDuration: true,
  validatorUrl: null,
});
"""
# The package is used for the files of Swagger UI that it carries, not for its code.
_ONE_DAY = {"Cache-Control": "max-age=86400"}


@router.get("/openapi.json")
def description(request: Request) -> JSONResponse:
    """Give the description of every address (OpenAPI 3.1)."""
    return JSONResponse(request.app.openapi())


@router.get("/docs")
def page() -> HTMLResponse:
    """Give the page that shows the description and tries it out."""
    return HTMLResponse(_PAGE, headers={"Content-Security-Policy": _POLICY})


@router.get("/docs/start.js")
def start() -> Response:
    """Give the lines that start Swagger UI; in the page itself its policy would refuse them."""
    return Response(_START, media_type="text/javascript")


@router.get("/docs/swagger-ui-bundle.js")
def script() -> Response:
    """Give Swagger UI's script."""
    return _asset("swagger-ui-bundle.js", "text/javascript")


@router.get("/docs/swagger-ui.css")
def style() -> Response:
    """Give Swagger UI's style sheet."""
    return _asset("swagger-ui.css", "text/css")


def _asset(name: str, media_type: str) -> Response:
    content = (files("fastapi_swagger") / "resources" / name).read_bytes()
    return Response(content, media_type=media_type, headers=_ONE_DAY)
