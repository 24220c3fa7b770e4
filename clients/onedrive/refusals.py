"""What Microsoft Graph says when it refuses (https://learn.microsoft.com/graph/errors)."""

from __future__ import annotations

from typing import Any

import httpx

from clients.error_mapping import of_status, words_in
from clients.errors import AuthError, Conflict, ServiceError
from clients.onedrive.service import ONEDRIVE

_CONFLICTS = {"nameAlreadyExists"}
_NO_SCOPE = {"accessDenied", "InsufficientPermissions", "Authorization_RequestDenied"}


class CursorRefused(ServiceError):
    """The changes since a cursor are no longer kept (410)."""


def refusal(answer: httpx.Response) -> ServiceError:
    """Return the error of an answer."""
    code, said = _code(answer), words_in(answer.content)
    kind: type[ServiceError] | None = Conflict if code in _CONFLICTS else None
    kind = CursorRefused if answer.status_code == httpx.codes.GONE else kind
    words = f"{code}: {said}" if code else said
    error = of_status(ONEDRIVE, answer.status_code, dict(answer.headers), words, kind=kind)
    if code in _NO_SCOPE and isinstance(error, AuthError):
        error.lacks_scope = True
        error.remedy = "Allow Files.ReadWrite for your app, then sign in again."
    return error


def _code(answer: httpx.Response) -> str:
    try:
        found: Any = answer.json()["error"]
        return str(found.get("code") or "")
    except (ValueError, LookupError, TypeError, AttributeError):
        return ""
