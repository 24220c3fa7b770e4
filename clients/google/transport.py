"""The `http` object of google-api-python-client over the shared HTTP client, and Google's refusals as our errors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx

from clients import error_mapping as failures
from clients.errors import AuthError, BadAnswer, InvalidRequest, ServiceError
from clients.oauth.api import OAuthApi
from clients.oauth.app import SignInApp, TokenSource
from clients.transport import FILE_BYTES

if TYPE_CHECKING:
    from googleapiclient.http import HttpRequest
    from httplib2 import Response

_FINAL = {
    "storageQuotaExceeded": "Free space in this Google account, or get more.",
    "exportSizeLimitExceeded": "Google exports at most 10 MB. Divide the document, or download it by hand.",
    "numChildrenInNonRootLimitExceeded": "Use another folder: this one is full.",
    "teamDriveFileLimitExceeded": "Use another place: this shared drive is full.",
    "accessNotConfigured": "Enable this API for your project, at the address in the message; it takes some minutes.",
    "domainPolicy": "Ask the administrator of the domain to allow this app.",
    "insufficientFilePermissions": "Ask the owner to let this account change it.",
}
"""Reasons of a 403 that is neither a rate limit nor a matter of the sign-in, each with its remedy
(https://developers.google.com/workspace/drive/api/guides/handle-errors)."""


class GoogleTransport:
    """Sends googleapiclient's requests; thread-safe, unlike httplib2. Raises only ServiceError."""

    def __init__(self, http: httpx.Client, tokens: TokenSource, files: Sequence[str] = ()) -> None:
        self.app, self._files = tokens.app, files
        self._api = OAuthApi(http, tokens, partial(refusal, tokens))

    def request(
        self, uri: str, method: str = "GET", body: Any = None, headers: dict[str, str] | None = None, **_: object
    ) -> tuple[Response, bytes]:
        """Send one request with a token; a rejected token is renewed once, since a 401 means that nothing was done."""
        from httplib2 import Response

        limit = {"most_bytes": FILE_BYTES} if any(mark in uri for mark in self._files) else {}
        answer = self._api.answered(method, uri, content=body, headers=dict(headers or {}), extensions=limit)
        given = Response({"status": str(answer.status_code), **dict(answer.headers)})  # type: ignore[no-untyped-call]
        return given, answer.content

    def close(self) -> None:
        """Do nothing: the connections belong to the shared client."""


def refusal(tokens: TokenSource, answer: httpx.Response) -> ServiceError:
    """Return the error of an answer of Google with status 300 or above."""
    said = _said(answer)
    remedy = next((remedy for reason, remedy in _FINAL.items() if f"({reason})" in said), "")
    kind = InvalidRequest if remedy else None
    error = failures.of_status(tokens.app.service, answer.status_code, answer.headers, said, kind=kind)
    if remedy:
        error.remedy = remedy
    if isinstance(error, AuthError):
        owner, way = tokens.owner(), tokens.app.sign_in_again
        error.remedy = f"The account is {owner}. {way}" if owner else way
        error.account = owner
        error.lacks_scope = "insufficient" in said  # the reason insufficientPermissions
    return error


def _said(answer: httpx.Response) -> str:
    """Return Google's own words with its reason codes, which tell a rate limit from a refusal."""
    said = failures.words_in(answer.content)
    try:
        reasons = [str(entry.get("reason", "")) for entry in json.loads(answer.content)["error"].get("errors", [])]
    except (ValueError, LookupError, TypeError, AttributeError):
        return said
    return " ".join([said, *(f"({reason})" for reason in reasons if reason)])


def built(
    name: str, version: str, http: httpx.Client, tokens: TokenSource, base_url: str, files: Sequence[str] = ()
) -> Any:
    """Return the SDK of an API; built from the API description in its package, without a request.

    `files`: what the address of a request has whose answer may be as large as a file.
    """
    from googleapiclient.discovery import build as build_service

    return build_service(
        name,
        version,
        http=GoogleTransport(http, tokens, files),
        client_options={"api_endpoint": base_url},
        cache_discovery=False,
        static_discovery=True,
    )


def _app(request: HttpRequest) -> SignInApp:
    app: SignInApp = request.http.app
    return app


def sent(request: HttpRequest) -> Any:
    """Send an SDK request and return its parsed answer, which may be empty. Raises ServiceError."""
    try:
        return request.execute(num_retries=0)
    except ServiceError:
        raise
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise failures.of_broken_connection(_app(request).service, error) from error


def done(request: HttpRequest) -> None:
    """Send a request whose answer is empty, such as a deletion; raises BadAnswer if it is not."""
    if sent(request):
        app = _app(request)
        raise BadAnswer(f"{app.title} sent an answer where none was expected.", service=app.name)


def answered(request: HttpRequest, *needed: str) -> dict[str, Any]:
    """Send an SDK request and return its answer; raises BadAnswer if it is not an object or lacks a needed field."""
    answer, app = sent(request), _app(request)
    if not isinstance(answer, dict):  # the SDK returns non-JSON as a string, and an empty answer too
        raise BadAnswer(f"{app.title} sent an answer that is not JSON.", service=app.name)
    missing = [name for name in needed if name not in answer]
    if missing:
        raise BadAnswer(f"{app.title} sent an answer without {', '.join(missing)}.", service=app.name)
    return answer
