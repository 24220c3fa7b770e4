"""Every refusal in one JSON form: `{"error": {"type", "message", "remedy"}}`, never a traceback."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from clients.errors import InvalidRequest, ServiceError
from engine import errors

logger = logging.getLogger(__name__)

UNAUTHORIZED = "Sign in first: this needs a valid access token."
"""The same words whatever is wrong with a token: they tell a guesser nothing."""

_STATUS: Mapping[type[errors.OrchestraError], int] = {
    errors.InvalidFile: 422,
    errors.InvalidInput: 422,
    errors.ExpressionError: 422,
    errors.AssertionFailed: 422,
    errors.UnknownName: 404,
    errors.StaleEdit: 409,
    errors.InUse: 409,
    errors.Cancelled: 409,
    errors.NotAllowed: 403,
    errors.TooManyTries: 429,
    errors.StorageError: 507,
    errors.SecretLost: 507,
    errors.NotAvailableYet: 501,
    errors.OrchestraError: 500,
}

_OF_HTTP: Mapping[int, tuple[str, str, str]] = {
    400: ("BadRequest", "The request cannot be read.", "Send JSON in UTF-8 with `Content-Type: application/json`."),
    404: ("NotFound", "There is nothing at this address.", "GET /api/openapi.json lists every address."),
    405: ("MethodNotAllowed", "This address does not take this method.", "The `Allow` header lists those it takes."),
    413: ("TooLarge", "The request is larger than 1 MB.", "Send less at once."),
}


class Unauthorized(Exception):
    """The request does not prove who sends it."""

    def __init__(self, message: str = UNAUTHORIZED) -> None:
        super().__init__(message)
        self.message = message


def install(app: FastAPI) -> None:
    """Make `app` answer every exception in the one form."""
    app.add_exception_handler(errors.OrchestraError, _of_engine)
    app.add_exception_handler(ServiceError, _of_service)
    app.add_exception_handler(Unauthorized, _unauthorized)
    app.add_exception_handler(RequestValidationError, _misfit)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(Exception, _unexpected)


def status_of(error: errors.OrchestraError) -> int:
    """Return the HTTP status that stands for an error of the engine."""
    return next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)


def error_response(
    status: int, kind: str, message: str, remedy: str, headers: Mapping[str, str] | None = None, **more: Any
) -> JSONResponse:
    """Return the one form of refusal; `more` are further members of `error`, e.g. `problems`."""
    body = {"error": {"type": kind, "message": message, "remedy": remedy, **more}}
    return JSONResponse(body, status, headers={"Cache-Control": "no-store", **(headers or {})})


async def _of_engine(_request: Request, error: Any) -> JSONResponse:
    more: dict[str, Any] = {}
    headers: dict[str, str] = {}
    if isinstance(error, errors.InvalidFile):
        more["problems"] = [problem.as_json() for problem in error.problems]
    if "differences" in error.details:
        more["differences"] = error.details["differences"]
    if isinstance(error, errors.TooManyTries):
        headers["Retry-After"] = str(error.retry_after_seconds)
    return error_response(
        status_of(error), type(error).__name__, _shown(error.message), _shown(error.remedy), headers, **more
    )


async def _of_service(_request: Request, error: Any) -> JSONResponse:
    """Tell what an outside service said: 422 where the values do not suit it, else 502."""
    status = 422 if isinstance(error, InvalidRequest) else 502
    return error_response(status, type(error).__name__, _shown(error.message), _shown(error.remedy))


async def _unauthorized(_request: Request, error: Any) -> JSONResponse:
    remedy = "POST /auth/login with user_id and password gives an access token; send it as `Authorization: Bearer …`."
    return error_response(401, "Unauthorized", error.message, remedy, {"WWW-Authenticate": "Bearer"})


async def _misfit(_request: Request, error: Any) -> JSONResponse:
    problems = [_misfitting(one) for one in error.errors()]
    message = f"The request does not fit: {problems[0]['field']}: {problems[0]['message']}."
    return error_response(422, "InvalidInput", message, "/api/docs shows what fits.", problems=problems)


def _misfitting(one: Mapping[str, Any]) -> dict[str, str]:
    """Return where and why; of a body that is no JSON, which has no fields yet, with what its reader says."""
    if one["type"] == "json_invalid":
        return {"field": "body", "message": _shown(f"{one['msg']}: {one['ctx']['error']}")}
    return {"field": _place(one["loc"]), "message": errors.own_words(one)}


def _place(location: Sequence[str | int]) -> str:
    """Return where in the request something is wrong, e.g. `body.inputs.limit`; never what was sent there."""
    return _shown(".".join(str(part) for part in location))[:200]


async def _of_http(_request: Request, error: Any) -> JSONResponse:
    kind, message, remedy = _OF_HTTP.get(error.status_code, ("Refused", str(error.detail), ""))
    return error_response(error.status_code, kind, message, remedy, error.headers)


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return error_response(
        500,
        "InternalError",
        "Something went wrong here that should not have; nothing that was accepted is lost.",
        "The server's log says what; please report it.",
    )


def _shown(text: str) -> str:
    """Return `text` without half surrogate pairs, which no JSON answer can carry."""
    return text.encode("utf-8", "replace").decode()
