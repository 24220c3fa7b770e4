"""Sends one request to the API of a chat, and converts its errors."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx

from clients.error_mapping import of_broken_connection, of_status, words_in
from clients.errors import ServiceError
from clients.service import Service


def asked(
    service: Service,
    http: httpx.Client,
    method: str,
    url: str,
    refuse: Callable[[httpx.Response], ServiceError] | None = None,
    **more: Any,
) -> Any:
    """Return the JSON of an answer, None if it has no content (204). Raises ServiceError.

    `refuse`: makes the error of an answer with status 300 or above; `refusal` if not given.
    """
    try:
        answer = http.request(method, url, **more)
        if answer.status_code >= 300:
            raise (refuse or partial(refusal, service))(answer)
        return None if answer.status_code == httpx.codes.NO_CONTENT else answer.json()
    except Exception as error:
        raise of_broken_connection(service, error) from error


def refusal(service: Service, answer: httpx.Response, kind: type[ServiceError] | None = None) -> ServiceError:
    """Return the error of an answer; the wait may be in its body, too: `retry_after`, in seconds."""
    headers = dict(answer.headers)
    wait = parameters(answer).get("retry_after")
    if isinstance(wait, int | float) and math.isfinite(wait):
        # Discord's fraction of a second is rounded up: Retry-After has whole seconds (RFC 9110 10.2.3).
        headers.setdefault("retry-after", str(max(math.ceil(wait), 0)))
    return of_status(service, answer.status_code, headers, words_in(answer.content), kind=kind)


def parameters(answer: httpx.Response) -> dict[str, Any]:
    """Return an error's members for programs: its `parameters` (Telegram), or all; empty if it is not an object."""
    try:
        found = json.loads(answer.content)
    except (ValueError, RecursionError):
        return {}
    inner = found.get("parameters", found) if isinstance(found, dict) else {}
    return inner if isinstance(inner, dict) else {}
