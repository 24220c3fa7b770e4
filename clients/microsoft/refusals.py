"""What Microsoft Graph says when it refuses (https://learn.microsoft.com/graph/errors)."""

from __future__ import annotations

from typing import Any

import httpx

from clients.error_mapping import of_status, words_in
from clients.errors import AuthError, Conflict, NotFound, ServiceError
from clients.oauth.api import Refusal
from clients.oauth.app import SignInApp

_KINDS: dict[str, type[ServiceError]] = {
    "nameAlreadyExists": Conflict,
    "ErrorInvalidIdMalformed": NotFound,
    "ErrorIrresolvableConflict": Conflict,
}
_NO_SCOPE = {"accessDenied", "ErrorAccessDenied", "InsufficientPermissions", "Authorization_RequestDenied"}
_FORGOTTEN = {"syncstatenotfound", "syncstateinvalid", "resyncrequired"}


class CursorRefused(ServiceError):
    """The changes since a cursor are no longer kept (410)."""


def refusals_of(app: SignInApp) -> Refusal:
    """Return what makes the errors of a service's answers."""

    def refusal(answer: httpx.Response) -> ServiceError:
        code, said = _code(answer), words_in(answer.content)
        is_forgotten = answer.status_code == httpx.codes.GONE or code.lower() in _FORGOTTEN
        kind = CursorRefused if is_forgotten else _KINDS.get(code)
        words = f"{code}: {said}" if code else said
        error = of_status(app.service, answer.status_code, dict(answer.headers), words, kind=kind)
        if code in _NO_SCOPE and isinstance(error, AuthError):
            error.lacks_scope = True
            error.remedy = f"Allow {' and '.join(app.needed)} for your app, then sign in again."
        return error

    return refusal


def _code(answer: httpx.Response) -> str:
    try:
        found: Any = answer.json()["error"]
        return str(found.get("code") or "")
    except (ValueError, LookupError, TypeError, AttributeError):
        return ""
