"""What Dropbox says when it refuses (https://www.dropbox.com/developers/documentation/http/documentation#error-handling)."""

from __future__ import annotations

from typing import Any

import httpx

from clients.dropbox.service import DROPBOX
from clients.error_mapping import of_status, words_in
from clients.errors import AuthError, Conflict, InvalidRequest, NotFound, RateLimited, ServiceError, Unavailable

_BY_TAG: dict[str, type[ServiceError]] = {
    "not_found": NotFound,
    "conflict": Conflict,
    "too_many_write_operations": RateLimited,
    "too_many_requests": RateLimited,
    "internal_error": Unavailable,
    "no_write_permission": AuthError,
}


class OffsetRefused(InvalidRequest):
    """A part of an upload was sent for another place than the session is at."""

    def __init__(self, message: str, correct_offset: int) -> None:
        super().__init__(message, service=DROPBOX.name, http_status=int(httpx.codes.CONFLICT))
        self.correct_offset = correct_offset


def refusal(answer: httpx.Response) -> ServiceError:
    """Return the error of an answer. A 409 says by its tags what is wrong, and is a conflict only if they say so."""
    found = _document(answer)
    tags = tags_of(found)
    kind: type[ServiceError] | None = None
    offset = _correct_offset(found.get("error"), tags)
    if answer.status_code == httpx.codes.CONFLICT:
        kind = next((_BY_TAG[tag] for tag in tags if tag in _BY_TAG), InvalidRequest)
    # A summary looks like `path/not_found/..`.
    said = str(found.get("error_summary") or "").rstrip("./") or words_in(answer.content)
    error = of_status(DROPBOX, answer.status_code, dict(answer.headers), said, kind=kind)
    if offset is not None:
        return OffsetRefused(error.message, offset)
    if "missing_scope" in tags and isinstance(error, AuthError):
        error.lacks_scope = True
        error.remedy = "Tick the permission in the App Console of Dropbox, then sign in again."
    if "insufficient_space" in tags:
        error.remedy = "Free some space in Dropbox, or get more."
    return error


def tags_of(found: Any) -> list[str]:
    """Return the tags of an error, from the outermost: `path`, `conflict`, `file`."""
    tags: list[str] = []
    inner = found.get("error") if isinstance(found, dict) else None
    while isinstance(inner, dict) and isinstance(inner.get(".tag"), str):
        tags.append(inner[".tag"])
        inner = next((inner[name] for name in (tags[-1], "reason") if isinstance(inner.get(name), dict)), None)
    return tags


def _correct_offset(inner: Any, tags: list[str]) -> int | None:
    """Return how many bytes an upload session has, if the answer says that a part was sent for another place."""
    for tag in tags:
        if tag == "incorrect_offset" and isinstance(inner.get("correct_offset"), int):
            return int(inner["correct_offset"])
        inner = inner.get(tag) if isinstance(inner.get(tag), dict) else inner
    return None


def _document(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
