"""The `http` object of google-api-python-client over the shared HTTP client, and Gmail's refusals as our errors."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx

from clients import error_mapping as failures
from clients.errors import AuthError, BadAnswer, NotFound, ServiceError, Unavailable
from clients.gmail.service import GMAIL
from clients.gmail.sign_in_file import SERVICE, SIGN_IN_AGAIN
from clients.gmail.tokens import Tokens
from clients.transport import FILE_BYTES

if TYPE_CHECKING:
    from googleapiclient.http import HttpRequest
    from httplib2 import Response


CHECK_THE_ID = "Check the id: it may belong to another mailbox, or the mail was permanently deleted."
PAGE = 500
"""Gmail's maximum page size."""


class GoogleHttp:
    """Sends googleapiclient's requests; thread-safe, unlike httplib2. Raises only ServiceError."""

    def __init__(self, http: httpx.Client, tokens: Tokens) -> None:
        self._http = http
        self._tokens = tokens

    def request(
        self, uri: str, method: str = "GET", body: Any = None, headers: dict[str, str] | None = None, **_: object
    ) -> tuple[Response, bytes]:
        """Send one request with a token; a rejected token is renewed once, since a 401 means that nothing was done."""
        from httplib2 import Response

        answer = self._accepted(method, uri, body, dict(headers or {}))
        given = Response({"status": str(answer.status_code), **dict(answer.headers)})  # type: ignore[no-untyped-call]
        return given, answer.content

    def _accepted(self, method: str, uri: str, body: Any, headers: dict[str, str]) -> httpx.Response:
        token = self._tokens.current()
        answer = self._sent(method, uri, body, {**headers, "authorization": f"Bearer {token}"})
        if answer.status_code == 401:
            other = self._tokens.renewed(token)
            if other:
                token = other
                answer = self._sent(method, uri, body, {**headers, "authorization": f"Bearer {token}"})
        if answer.status_code >= 300:
            raise self._refusal(answer)
        return answer

    def _sent(self, method: str, uri: str, body: Any, headers: dict[str, str]) -> httpx.Response:
        try:
            limit = {"most_bytes": FILE_BYTES} if _brings_a_file(uri) else {}
            return self._http.request(method, uri, content=body, headers=headers, extensions=limit)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise failures.of_broken_connection(GMAIL, error) from error

    def _refusal(self, answer: httpx.Response) -> ServiceError:
        said = _said(answer)
        error = failures.of_status(GMAIL, answer.status_code, answer.headers, said)
        if isinstance(error, AuthError):
            owner = self._tokens.owner()
            error.remedy = f"The account is {owner}. {SIGN_IN_AGAIN}" if owner else SIGN_IN_AGAIN
            error.account = owner
            error.lacks_scope = "insufficient" in said  # the reason insufficientPermissions
        return error

    def close(self) -> None:
        """Do nothing: the connections belong to the shared client."""


def _brings_a_file(uri: str) -> bool:
    """Return whether the answer may be large: an attachment, or a whole mail."""
    return "/attachments/" in uri or "format=raw" in uri


def _said(answer: httpx.Response) -> str:
    """Return Google's own message with its reason code, which tells a rate limit from a refusal."""
    try:
        error = json.loads(answer.content)["error"]
        reasons = [str(entry.get("reason", "")) for entry in error.get("errors", [])]
        return " ".join([str(error.get("message", "")), *(f"({reason})" for reason in reasons if reason)])
    except (ValueError, LookupError, TypeError, AttributeError):
        return ""


def sent(request: HttpRequest) -> Any:
    """Send an SDK request and return its parsed answer, which may be empty. Raises ServiceError."""
    try:
        return request.execute(num_retries=0)
    except ServiceError:
        raise
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise failures.of_broken_connection(GMAIL, error) from error


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


def done(request: HttpRequest) -> None:
    """Send a request whose answer is empty, such as a deletion; raises BadAnswer if it is not."""
    if sent(request):
        raise BadAnswer("Gmail sent an answer where none was expected.", service=SERVICE)


def answered(request: HttpRequest, *needed: str) -> dict[str, Any]:
    """Send an SDK request and return its answer; raises BadAnswer if it is not an object or lacks a needed field."""
    answer = sent(request)
    if not isinstance(answer, dict):  # the SDK returns non-JSON as a string, and an empty answer too
        raise BadAnswer("Gmail sent an answer that is not JSON.", service=SERVICE)
    missing = [name for name in needed if name not in answer]
    if missing:
        raise BadAnswer(f"Gmail sent an answer without {', '.join(missing)}.", service=SERVICE)
    return answer


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


@contextlib.contextmanager
def reading() -> Iterator[None]:
    """Convert the exceptions of reading a malformed answer into BadAnswer."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise failures.of_shape(GMAIL, error) from error
