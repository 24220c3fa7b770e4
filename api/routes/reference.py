"""`/api/docs`: Swagger UI, served entirely from this machine."""

from __future__ import annotations

from importlib.resources import files

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response
from starlette.requests import Request

from api.base.routing import OpenRoute

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
<style>
/* Swagger UI's own colours are too pale to read (WCAG 2.2: 4.5 for text). */
.swagger-ui .opblock.opblock-get .opblock-summary-method { background: #1d64c4; }
.swagger-ui .opblock.opblock-post .opblock-summary-method { background: #15803d; }
.swagger-ui .opblock.opblock-put .opblock-summary-method { background: #b45309; }
.swagger-ui .opblock.opblock-patch .opblock-summary-method { background: #0f766e; }
.swagger-ui .opblock.opblock-delete .opblock-summary-method { background: #c81e1e; }
.swagger-ui .info .title small, .swagger-ui .info .title small.version-stamp { background: #4b5563; }
.swagger-ui .info a, .swagger-ui .info .url, .swagger-ui .info .base-url { color: #1d64c4; }
.swagger-ui .btn.authorize { color: #15803d; border-color: #15803d; }
.swagger-ui .btn.authorize svg { fill: #15803d; }
.swagger-ui .btn.cancel { color: #c81e1e; border-color: #c81e1e; }
.swagger-ui .btn.execute { background: #1d64c4; border-color: #1d64c4; }
.swagger-ui .json-schema-2020-12-expand-deep-button,
.swagger-ui .parameter__in, .swagger-ui .parameter__deprecated { color: #4b5563; }
.swagger-ui .parameter__name.required::after, .swagger-ui .parameter__name.required span { color: #c81e1e; }
</style>
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
# The package is used for the files of Swagger UI that it contains, not for its code.
_ONE_DAY = {"Cache-Control": "max-age=86400"}


@router.get("/openapi.json")
def description(request: Request) -> Response:
    """Return the description of every route (OpenAPI 3.1)."""
    return Response(request.app.description_json(), media_type="application/json")


@router.get("/docs")
def page() -> HTMLResponse:
    """Return the page that shows the description and lets you try it out."""
    return HTMLResponse(_PAGE, headers={"Content-Security-Policy": _POLICY})


@router.get("/docs/start.js")
def start() -> Response:
    """Return the lines that start Swagger UI; inside the page, its security policy would refuse them."""
    return Response(_START, media_type="text/javascript")


@router.get("/docs/swagger-ui-bundle.js")
def script() -> Response:
    """Return the script of Swagger UI."""
    return _asset("swagger-ui-bundle.js", "text/javascript")


@router.get("/docs/swagger-ui.css")
def style() -> Response:
    """Return the style sheet of Swagger UI."""
    return _asset("swagger-ui.css", "text/css")


def _asset(name: str, media_type: str) -> Response:
    content = (files("fastapi_swagger") / "resources" / name).read_bytes()
    return Response(content, media_type=media_type, headers=_ONE_DAY)
