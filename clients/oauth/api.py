"""Requests with the access token of a sign-in: one that was rejected is renewed once."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from clients.error_mapping import of_broken_connection
from clients.errors import ServiceError
from clients.oauth.app import TokenSource

Refusal = Callable[[httpx.Response], ServiceError]
"""Makes the error of an answer with status 300 or above."""


class OAuthApi:
    """Sends requests of one account."""

    def __init__(self, http: httpx.Client, tokens: TokenSource, refusal: Refusal) -> None:
        self._service, self._http, self._tokens, self._refusal = tokens.app.service, http, tokens, refusal

    def asked(self, method: str, url: str, **more: Any) -> Any:
        """Return the JSON of an answer, None if it has no content. Raises ServiceError."""
        answer = self.answered(method, url, **more)
        try:
            return answer.json() if answer.content else None
        except ValueError as error:
            raise of_broken_connection(self._service, error) from error

    def answered(self, method: str, url: str, **more: Any) -> httpx.Response:
        """Return a whole answer. Raises ServiceError."""
        try:
            with self._sent(method, url, **more) as answer:
                answer.read()
                if answer.status_code >= 300:
                    raise self._refusal(answer)
                return answer
        except Exception as error:
            raise of_broken_connection(self._service, error) from error

    @contextlib.contextmanager
    def streamed(self, method: str, url: str, **more: Any) -> Iterator[httpx.Response]:
        """Yield an answer that is not read yet. Raises ServiceError for a refusal, httpx.TransportError."""
        with self._sent(method, url, **more) as answer:
            yield answer

    @contextlib.contextmanager
    def _sent(
        self, method: str, url: str, *, headers: dict[str, str] | None = None, **more: Any
    ) -> Iterator[httpx.Response]:
        token: str | None = self._tokens.current()
        refused: httpx.Response | None = None
        while token:
            sent = {**(headers or {}), "Authorization": f"Bearer {token}"}
            with self._http.stream(method, url, headers=sent, **more) as answer:
                # 416 tells a download that the file has become shorter.
                if answer.status_code < 300 or answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                    yield answer
                    return
                answer.read()
                if answer.status_code != httpx.codes.UNAUTHORIZED or refused is not None:
                    raise self._refusal(answer)
                refused = answer
            token = self._tokens.renewed(token)
        if refused is not None:
            raise self._refusal(refused)
