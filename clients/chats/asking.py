"""Sends one request to the API of a chat, and converts its errors."""

from __future__ import annotations

from typing import Any

import httpx

from clients.error_mapping import of_broken_connection, of_status, words_in
from clients.service import Service


def asked(service: Service, http: httpx.Client, method: str, url: str, **more: Any) -> Any:
    """Return the JSON of an answer, None if it has no content (204). Raises ServiceError."""
    try:
        answer = http.request(method, url, **more)
        if answer.status_code >= 300:
            raise of_status(service, answer.status_code, dict(answer.headers), said(answer))
        return None if answer.status_code == httpx.codes.NO_CONTENT else answer.json()
    except Exception as error:
        raise of_broken_connection(service, error) from error


def said(answer: httpx.Response) -> str:
    """Return the service's own words for an error, empty if it has none."""
    return words_in(answer.content)
