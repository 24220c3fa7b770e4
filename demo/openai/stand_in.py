"""The stand-in for OpenAI's API: chat completions, embeddings and models, answered by the demo model."""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from demo.model import model
from demo.openai.chat import ChatAnswer, server_sent_events
from demo.openai.request import ChatRequest
from demo.service import Refused, json_object
from demo.store import Store

TOKEN = "demo-openai-token"  # noqa: S105 - the stand-in's, no secret
REQUEST_ID = "x-request-id"
MODEL = model.MODEL
MODEL_ENTRY = {"id": MODEL, "object": "model", "created": 1_760_000_000, "owned_by": "ai-orchestra-demo"}
ERROR_TYPES = {
    401: ("invalid_request_error", "invalid_api_key"),
    429: ("requests", "rate_limit_exceeded"),
}
# Both: https://platform.openai.com/docs/api-reference/embeddings/create
MAX_INPUTS = 2048
MAX_DIMENSIONS = 3072


def ERROR(status: int, message: str) -> dict[str, Any]:  # noqa: N802 - the name the stand-ins share
    """OpenAI's error body, https://platform.openai.com/docs/guides/error-codes."""
    kind, code = ERROR_TYPES.get(status, ("server_error" if status >= 500 else "invalid_request_error", None))
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def seed(_: Store) -> None:
    """Do nothing: the model has no data."""


def show(_: Store) -> dict[str, Any]:
    """Return nothing: the model has no data."""
    return {}


def routes(_: Store) -> list[Route]:
    """Return the routes under /v1."""
    return [
        Route("/v1/models", models, methods=["GET"]),
        Route("/v1/models/{name:path}", one_model, methods=["GET"]),
        Route("/v1/chat/completions", chat_completions, methods=["POST"]),
        Route("/v1/embeddings", embeddings, methods=["POST"]),
    ]


async def models(_: Request) -> Response:
    """GET /v1/models."""
    return JSONResponse({"object": "list", "data": [MODEL_ENTRY]})


async def one_model(request: Request) -> Response:
    """GET /v1/models/{name}."""
    name = request.path_params["name"]
    if name != MODEL:
        message = f"The model '{name}' does not exist"
        raise Refused(404, message, error=ERROR(404, message)["error"] | {"param": "model", "code": "model_not_found"})
    return JSONResponse(MODEL_ENTRY)


async def chat_completions(request: Request) -> Response:
    """POST /v1/chat/completions. Accepts any model name; the answer names the real one."""
    asked = ChatRequest.parse(await json_object(request))
    completion = ChatAnswer.of(asked)
    if asked.stream:
        return StreamingResponse(server_sent_events(completion, asked), media_type="text/event-stream")
    return JSONResponse(completion.document())


async def embeddings(request: Request) -> Response:
    """POST /v1/embeddings; `encoding_format` float or base64 (little-endian 32-bit floats)."""
    body = await json_object(request)
    texts = _inputs(body.get("input"))
    dimensions = body.get("dimensions", model.DIMENSIONS)
    if not isinstance(dimensions, int) or not 1 <= dimensions <= MAX_DIMENSIONS:
        raise Refused(400, f"'dimensions' must be a whole number from 1 to {MAX_DIMENSIONS}.")
    encode = _encoder(body)
    tokens = sum(model.count_tokens(text) for text in texts)
    data = [
        {"object": "embedding", "index": index, "embedding": encode(model.embed(text, dimensions))}
        for index, text in enumerate(texts)
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return JSONResponse({"object": "list", "data": data, "model": MODEL, "usage": usage})


def _inputs(given: Any) -> list[str]:
    """Return the texts to embed; token numbers are not supported, as there is no tokenizer."""
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(each, str) and each for each in texts):
        raise Refused(400, "'input' must be a text or a list of texts, without empty ones.")
    if len(texts) > MAX_INPUTS:
        raise Refused(400, f"'input' may hold at most {MAX_INPUTS} texts.")
    return texts


def _encoder(body: Mapping[str, Any]) -> Any:
    """Return the function that encodes a vector for JSON."""
    encoding = body.get("encoding_format", "float")
    encoders = {"float": list, "base64": _base64}
    if encoding not in encoders:
        raise Refused(400, f"'encoding_format' must be float or base64, not {encoding!r}.")
    return encoders[encoding]


def _base64(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
