"""The stand-in for the Gemini API: content, embeddings and models, answered by the demo model."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from demo.gemini.content import ContentRequest, answer
from demo.model import model
from demo.service import Refused, json_object
from demo.store import Store

TOKEN = "demo-gemini-key"  # noqa: S105 - the stand-in's, no secret
KEY_HEADER = "x-goog-api-key"
MODEL = model.MODEL
MODEL_ENTRY = {
    "name": f"models/{MODEL}",
    "version": "1",
    "displayName": "Demo",
    "inputTokenLimit": 1_048_576,
    "outputTokenLimit": 65_536,
    "supportedGenerationMethods": ["generateContent", "embedContent"],
}
STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def ERROR(status: int, message: str) -> dict[str, Any]:  # noqa: N802 - the name the stand-ins share
    """Google's error body, https://ai.google.dev/gemini-api/docs/troubleshooting; a wrong key is a 400 there."""
    error: dict[str, Any] = {"code": status, "message": message, "status": STATUSES.get(status, "INTERNAL")}
    # The reason is what tells a wrong key from an invalid request, as both are INVALID_ARGUMENT at Google.
    if status == 401:
        reason = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
        error["details"] = [reason]
    return {"error": error}


def seed(_: Store) -> None:
    """Do nothing: the model has no data."""


def show(_: Store) -> dict[str, Any]:
    """Return nothing: the model has no data."""
    return {}


def routes(_: Store) -> list[Route]:
    """Return the routes under /v1beta."""
    return [
        Route("/v1beta/models", models, methods=["GET"]),
        Route("/v1beta/models/{name}", one_model, methods=["GET"]),
        Route("/v1beta/models/{name}:generateContent", generate, methods=["POST"]),
        Route("/v1beta/models/{name}:streamGenerateContent", stream, methods=["POST"]),
        Route("/v1beta/models/{name}:batchEmbedContents", embed, methods=["POST"]),
    ]


async def models(_: Request) -> Response:
    """GET /v1beta/models."""
    return JSONResponse({"models": [MODEL_ENTRY]})


async def one_model(request: Request) -> Response:
    """GET /v1beta/models/{name}."""
    if request.path_params["name"] != MODEL:
        raise Refused(404, f"models/{request.path_params['name']} is not found for API version v1beta.")
    return JSONResponse(MODEL_ENTRY)


async def generate(request: Request) -> Response:
    """POST /v1beta/models/{name}:generateContent. Accepts any model name; the answer names the real one."""
    return JSONResponse(answer(ContentRequest.parse(await json_object(request))))


async def stream(request: Request) -> Response:
    """POST /v1beta/models/{name}:streamGenerateContent?alt=sse."""
    whole = answer(ContentRequest.parse(await json_object(request)))
    return StreamingResponse(_events(whole), media_type="text/event-stream")


def _events(whole: Mapping[str, Any]) -> Iterator[str]:
    """Yield an answer in pieces; the last says why it ended."""
    candidate = whole["candidates"][0]
    parts = candidate["content"]["parts"]
    pieces = [
        {"text": piece} for part in parts if "text" in part for piece in re.findall(r"\s*\S{1,20}|\s+$", part["text"])
    ]
    for piece in pieces or parts:
        part = {"content": {"role": "model", "parts": [piece]}, "index": 0}
        yield _event({**whole, "candidates": [part]})
    yield _event({**whole, "candidates": [{**candidate, "content": {"role": "model", "parts": [{"text": ""}]}}]})


def _event(document: Mapping[str, Any]) -> str:
    # Google ends lines with CR LF, the others with LF; the HTML standard allows both (9.2.5).
    return f"data: {json.dumps(document, ensure_ascii=False)}\r\n\r\n"


async def embed(request: Request) -> Response:
    """POST /v1beta/models/{name}:batchEmbedContents."""
    asked = (await json_object(request)).get("requests") or []
    vectors = []
    for one in asked:
        text = "".join(part.get("text", "") for part in one["content"]["parts"])
        vectors.append({"values": model.embed(text, one.get("outputDimensionality") or model.DIMENSIONS)})
    return JSONResponse({"embeddings": vectors})
