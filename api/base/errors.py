"""Every error in one JSON form: `{"error": {"type", "message", "remedy"}}`, never a traceback."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from api.base.remedies import with_requests
from api.base.strict_json import NotJson
from api.base.turns import Busy
from clients.errors import InvalidRequest, ServiceError
from clients.wording import nearest
from engine.base import errors
from engine.base.problem import Problem

logger = logging.getLogger(__name__)

_FORMAT = "/api/docs shows the expected format."
_LONGEST_REASON = 300
UNAUTHORIZED = "Sign in first: this needs a valid access token."
"""The same message for every invalid token: it tells a guesser nothing."""

_STATUS: Mapping[type[errors.OrchestraError], int] = {
    errors.InvalidFile: 422,
    errors.InvalidInput: 422,
    errors.ExpressionError: 422,
    errors.AssertionFailed: 422,
    errors.UnknownName: 404,
    errors.StaleEdit: 409,
    errors.ConfirmationNeeded: 409,
    errors.InUse: 409,
    errors.ProtectedLabel: 409,
    errors.Cancelled: 409,
    errors.PlanDrift: 409,
    errors.PlanNotChecked: 503,
    errors.Fenced: 503,
    errors.NotAllowed: 403,
    errors.SignInRefused: 403,
    errors.ProviderFailed: 502,
    errors.TooManyRequests: 429,
    errors.StorageError: 507,
    errors.SecretLost: 507,
    errors.NotAvailableYet: 501,
    errors.OrchestraError: 500,
}

_OF_HTTP: Mapping[int, tuple[str, str, str]] = {  # without a message: whoever raises it has one
    400: ("BadRequest", "The request could not be read.", "Send JSON in UTF-8 with `Content-Type: application/json`."),
    404: ("NotFound", "There is nothing at this address.", "GET /api/openapi.json lists every address."),
    405: (
        "MethodNotAllowed",
        "This address does not support this method.",
        "The `Allow` header lists the methods it supports.",
    ),
    413: ("TooLarge", "", "Send less at a time. Without a sign-in, 16,384 bytes fit."),
}


_RETRY_SECONDS = 5


class RewordedResponse(JSONResponse):
    """A JSON response whose remedies name requests instead of commands."""

    def render(self, content: Any) -> bytes:
        """Return the body."""
        return super().render(_reworded(content))


def _reworded(content: Any) -> Any:
    if isinstance(content, list):
        return [_reworded(one) for one in content]
    if not isinstance(content, dict):
        return content
    is_remedy = {name: name == "remedy" and isinstance(one, str) for name, one in content.items()}
    return {name: with_requests(one) if is_remedy[name] else _reworded(one) for name, one in content.items()}


class Unauthorized(Exception):
    """The request does not prove who sends it."""

    def __init__(self, message: str = UNAUTHORIZED) -> None:
        super().__init__(message)
        self.message = message


def install(app: FastAPI, addresses: Callable[[], Collection[str]]) -> None:
    """Make `app` answer every exception in this form; `addresses` returns the beginnings of the existing addresses."""
    app.add_exception_handler(errors.OrchestraError, _of_engine)
    app.add_exception_handler(ServiceError, _of_service)
    app.add_exception_handler(Busy, _busy)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Unauthorized, _unauthorized)
    app.add_exception_handler(RequestValidationError, _misfit)
    app.add_exception_handler(HTTPException, partial(_of_http, addresses))
    app.add_exception_handler(Exception, _unexpected)


async def answer_to(error: Exception) -> JSONResponse:
    """Return the answer to a websocket that is refused before it is open: the same as to a request."""
    if isinstance(error, Unauthorized):
        return await _unauthorized(None, error)
    if isinstance(error, errors.OrchestraError):
        return await _of_engine(None, error)
    return error_response(
        429,
        "TooManyRequests",
        "You, or all people together, have too many WebSockets open.",
        "Close some of yours, or try again after the seconds in `Retry-After`.",
        {"Retry-After": str(_RETRY_SECONDS)},
    )


def status_of(error: errors.OrchestraError) -> int:
    """Return the HTTP status for an error of the engine."""
    return status_for(type(error))


def status_for(kind: type[errors.OrchestraError]) -> int:
    """Return the HTTP status for a kind of error of the engine."""
    return next(_STATUS[one] for one in kind.__mro__ if one in _STATUS)


def error_response(
    status: int, kind: str, message: str, remedy: str, headers: Mapping[str, str] | None = None, **more: Any
) -> JSONResponse:
    """Return an error response; `more` are further members of `error`, e.g. `problems`."""
    body = {"error": {"type": kind, "message": message, "remedy": with_requests(remedy), **more}}
    return JSONResponse(body, status, headers={"Cache-Control": "no-store", **(headers or {})})


def view_of(error: errors.OrchestraError) -> dict[str, str]:
    """Return an error as a part of a response that reports on several things."""
    remedy = with_requests(_shown(error.remedy))
    return {"type": type(error).__name__, "message": _shown(error.message), "remedy": remedy}


def for_strangers(error: errors.OrchestraError) -> errors.OrchestraError:
    """Return the error as somebody may read it who has not signed in: without the address of the state's server."""
    if not isinstance(error, errors.StateAway):
        return error
    logger.error("%s %s", error.message, error.remedy)
    return errors.StateAway(
        "The server that keeps the state cannot be reached at the moment.",
        remedy="Try again later; whoever runs it finds the reason in its log.",
    )


async def _of_engine(request: Request | None, error: Any) -> JSONResponse:
    if request is not None and getattr(request.state, "principal", None) is None:
        error = for_strangers(error)
    more: dict[str, Any] = {}
    headers: dict[str, str] = {}
    if isinstance(error, errors.InvalidFile):
        more["problems"] = [{**one.as_json(), "remedy": with_requests(one.remedy)} for one in error.problems]
    if isinstance(error, errors.ConfirmationNeeded):
        more["needs_confirmation"] = error.needs_confirmation
    if "operation" in error.details and isinstance(error, errors.InvalidInput):
        more["operation"] = error.details["operation"]
    if isinstance(error, errors.StaleEdit):
        more |= _conflict(error)
    elif "differences" in error.details:
        more["differences"] = error.details["differences"]
    if isinstance(error, errors.TooManyRequests):
        headers["Retry-After"] = str(error.retry_after_seconds)
    if isinstance(error, errors.Fenced):  # the next process is about to begin
        headers["Retry-After"] = str(_RETRY_SECONDS)
    return error_response(
        status_of(error), type(error).__name__, _shown(error.message), _shown(error.remedy), headers, **more
    )


def stale(error: errors.StaleEdit) -> JSONResponse:
    """Return the answer to `If-Match` for a file that has changed."""
    return error_response(412, type(error).__name__, _shown(error.message), _shown(error.remedy), **_conflict(error))


def _conflict(error: errors.StaleEdit) -> dict[str, Any]:
    return {"conflict": dict(error.details)} if error.details else {}


async def _of_service(_request: Request, error: Any) -> JSONResponse:
    """Report an error of an outside service: 422 if it does not accept the values, else 502."""
    status = 422 if isinstance(error, InvalidRequest) else 502
    return error_response(status, type(error).__name__, _shown(error.message), _shown(error.remedy))


async def _unauthorized(_request: Request | None, error: Any) -> JSONResponse:
    remedy = "POST /auth/login with user_id and password returns an access token; send it as `Authorization: Bearer …`."
    return error_response(401, "Unauthorized", error.message, remedy, {"WWW-Authenticate": "Bearer"})


async def _busy(_request: Request, error: Any) -> JSONResponse:
    return error_response(
        429,
        "TooManyRequests",
        "Too many requests to check a text are already waiting, yours or everybody's.",
        "Send them one after another; `Retry-After` says when to try again.",
        {"Retry-After": str(error.retry_after_seconds)},
    )


async def _gone(_request: Request, _error: Any) -> Response:
    return Response(status_code=499)  # nginx's code for a client that has hung up: nobody reads it


async def _misfit(_request: Request, error: Any) -> JSONResponse:
    if isinstance(error.__cause__, NotJson):
        return _no_json(error.__cause__.problem)
    problems = [_misfitting(one) for one in error.errors()]
    message = f"The request is not valid: {problems[0]['field']}: {problems[0]['message']}."
    return error_response(422, "InvalidInput", message, _FORMAT, problems=problems)


def _no_json(problem: Problem) -> JSONResponse:
    """Refuse a body that is not JSON, which has no fields yet: the place is a line and a column."""
    place = f"body, line {problem.line}, column {problem.column}" if problem.line else "body"
    said = _shown(problem.message)
    said = said if len(said) <= _LONGEST_REASON else f"{said[:_LONGEST_REASON]}…"
    remedy = "Send it as UTF-8." if problem.code == "not_utf8" else problem.remedy
    problems = [{"field": place, "message": said}]
    message = f"The request is not valid: {place}: {said}"
    return error_response(422, "InvalidInput", message, remedy or _FORMAT, problems=problems)


def _misfitting(one: Mapping[str, Any]) -> dict[str, str]:
    """Return the place and the reason."""
    return {"field": _place(one["loc"]), "message": errors.own_words(one)}


def _place(location: Sequence[str | int]) -> str:
    """Return the place of the error in the request, e.g. `body.inputs.limit`; never the value sent."""
    return _shown(".".join(str(part) for part in location))[:200]


async def _of_http(addresses: Callable[[], Collection[str]], request: Request, error: Any) -> JSONResponse:
    kind, message, remedy = _OF_HTTP.get(error.status_code, ("Refused", str(error.detail), ""))
    near = _nearest(request.scope["path"], addresses()) if error.status_code == 404 else ""
    if near:
        remedy = f"The nearest is {near}. {remedy}"
    return error_response(error.status_code, kind, message or str(error.detail), remedy, error.headers)


def _nearest(path: str, addresses: Collection[str]) -> str:
    """Return the nearest of `addresses` (beginnings, such as `/api/runs`), "" if none is near."""
    path = path.rstrip("/")
    # People leave out `/api`, and what follows the first two parts is mostly an id, which resembles no address.
    meant = {one.removeprefix("/api"): one for one in addresses} | {one: one for one in addresses}
    beginning = path
    while beginning.strip("/"):
        if beginning in meant:
            return meant[beginning]
        beginning = beginning.rpartition("/")[0]
    if same_end := sorted(one for one in addresses if path.strip("/") and one.endswith(path)):
        return same_end[0]
    return meant.get(nearest(path, meant) or nearest("/".join(path.split("/")[:3]), meant) or "", "")


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return error_response(
        500,
        "InternalError",
        "Internal error; nothing that was accepted is lost.",
        "See the server's log for details; please report it.",
    )


def _shown(text: str) -> str:
    """Return `text` without lone surrogates, which no JSON response can carry."""
    return text.encode("utf-8", "replace").decode()
