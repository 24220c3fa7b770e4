"""Shared by requests to Gmail: pages of lists, and the meaning of a 404."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from clients.errors import BadAnswer, NotFound, Unavailable
from clients.gmail.service import GMAIL
from clients.google.transport import answered

SERVICE = GMAIL.name
CHECK_THE_ID = "Check the id: it may belong to another mailbox, or the mail was permanently deleted."
PAGE = 500
"""Gmail's maximum page size."""


def gone(kind: str, wanted: str, error: NotFound) -> NotFound:
    """Return the error for a mail or thread that does not exist."""
    return NotFound(
        f"There is no {kind} {wanted!r} in this mailbox (Gmail answered 404).",
        service=SERVICE,
        http_status=error.http_status,
        remedy=CHECK_THE_ID,
    )


@contextlib.contextmanager
def mailbox_is_there() -> Iterator[None]:
    """Convert NotFound of something that every mailbox has to Unavailable: it does not mean that a mail is gone."""
    try:
        yield
    except NotFound as error:
        raise Unavailable(
            "Gmail answered 404 for the labels or the profile, which every mailbox has.",
            service=SERVICE,
            http_status=error.http_status,
            outcome="not_done",
        ) from error


def entries(answer: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return a list from an answer (Gmail omits empty lists); raises BadAnswer if an entry has no id."""
    found = answer.get(name) or []
    if not isinstance(found, list) or not all(isinstance(entry, dict) and "id" in entry for entry in found):
        raise BadAnswer(f"Gmail sent a list of {name} that cannot be understood.", service=SERVICE)
    return found


def listed(resource: Any, name: str, limit: int, **query: Any) -> tuple[list[dict[str, Any]], bool]:
    """List up to `limit` entries of a resource over all pages; return them, and whether there are more."""
    found: list[dict[str, Any]] = []
    token = None
    while True:
        most = min(PAGE, limit - len(found))
        answer = answered(resource.list(userId="me", maxResults=most, pageToken=token, **query))
        found += entries(answer, name)
        token = answer.get("nextPageToken")
        if not token or len(found) >= limit:
            return found[:limit], bool(token) or len(found) > limit
