"""The stand-in for Anthropic's API: messages and models, answered by the demo model."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from demo.anthropic.answers import document, server_sent_events
from demo.anthropic.request import MessagesRequest
from demo.model import model
from demo.service import Refused, json_object
from demo.store import Store

TOKEN = "demo-anthropic-key"  # noqa: S105 - the stand-in's, no secret
KEY_HEADER = "x-api-key"
REQUEST_ID = "request-id"
MODEL = model.MODEL
MODEL_ENTRY = {"type": "model", "id": MODEL, "display_name": "Demo", "created_at": "2025-10-09T08:53:20Z"}
ERROR_TYPES = {
    401: "authentication_error",
    # An account without credit: unlike with a 429, a later attempt fails as well.
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    # Not a registered HTTP status, so tables of statuses lack it.
    529: "overloaded_error",
}


def ERROR(status: int, message: str) -> dict[str, Any]:  # noqa: N802 - the name the stand-ins share
    """Anthropic's error body, https://platform.claude.com/docs/en/api/errors."""
    kind = ERROR_TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_demo"}


def seed(_: Store) -> None:
    """Do nothing: the model has no data."""


def show(_: Store) -> dict[str, Any]:
    """Return nothing: the model has no data."""
    return {}


def routes(_: Store) -> list[Route]:
    """Return the routes under /v1."""
    return [
        Route("/v1/models", models, methods=["GET"]),
        Route("/v1/models/{name}", one_model, methods=["GET"]),
        Route("/v1/messages", messages, methods=["POST"]),
    ]


async def models(_: Request) -> Response:
    """GET /v1/models."""
    return JSONResponse({"data": [MODEL_ENTRY], "has_more": False, "first_id": MODEL, "last_id": MODEL})


async def one_model(request: Request) -> Response:
    """GET /v1/models/{name}."""
    if request.path_params["name"] != MODEL:
        raise Refused(404, f"model: {request.path_params['name']}")
    return JSONResponse(MODEL_ENTRY)


async def messages(request: Request) -> Response:
    """POST /v1/messages. Accepts any model name; the answer names the real one."""
    if not request.headers.get("anthropic-version"):
        raise Refused(400, "anthropic-version: header is required")
    asked = MessagesRequest.parse(await json_object(request))
    answer = document(asked)
    if asked.stream:
        return StreamingResponse(server_sent_events(answer), media_type="text/event-stream")
    return JSONResponse(answer)
