"""The `http` object of google-api-python-client over the shared HTTP client, and Gmail's refusals as our errors."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx

from clients import failures
from clients.errors import AuthError, BadAnswer, NotFound, ServiceError
from clients.gmail.sign_in_file import SERVICE, SIGN_IN_AGAIN
from clients.gmail.tokens import Tokens
from clients.transport import FILE_BYTES

if TYPE_CHECKING:
    from googleapiclient.http import HttpRequest
    from httplib2 import Response


CHECK_THE_ID = "Check the id: it may be of another mailbox, or the mail was deleted for good since."
PAGE = 500
"""The most that one answer of Gmail lists."""


class GoogleHttp:
    """Sends what googleapiclient builds; threads may share it, unlike httplib2's. Raises ServiceError only."""

    def __init__(self, http: httpx.Client, tokens: Tokens) -> None:
        self._http = http
        self._tokens = tokens

    def request(
        self, uri: str, method: str = "GET", body: Any = None, headers: dict[str, str] | None = None, **_: object
    ) -> tuple[Response, bytes]:
        """Send one request with a token; a refused token is renewed once, since a 401 means that nothing was done."""
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
            raise self._refusal(answer, token)
        return answer

    def _sent(self, method: str, uri: str, body: Any, headers: dict[str, str]) -> httpx.Response:
        try:
            limit = {"most_bytes": FILE_BYTES} if _brings_a_file(uri) else {}
            return self._http.request(method, uri, content=body, headers=headers, extensions=limit)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise failures.of_broken_connection(SERVICE, error) from error

    def _refusal(self, answer: httpx.Response, token: str) -> ServiceError:
        said = failures.without_secrets(_said(answer), [token])
        error = failures.of_status(SERVICE, answer.status_code, answer.headers, said)
        if isinstance(error, AuthError):
            owner = self._tokens.owner()
            error.remedy = f"The account is {owner}. {SIGN_IN_AGAIN}" if owner else SIGN_IN_AGAIN
            error.account = owner
            error.lacks_scope = "insufficient" in said  # the reason insufficientPermissions
        return error

    def close(self) -> None:
        """Nothing to close: the connections belong to the shared client."""


def _brings_a_file(uri: str) -> bool:
    """Tell whether the answer may be large: an attachment, or a whole mail."""
    return "/attachments/" in uri or "format=raw" in uri


def _said(answer: httpx.Response) -> str:
    """Give Google's own sentence with its reason word, which tells a rate limit from a refusal."""
    try:
        error = json.loads(answer.content)["error"]
        reasons = [str(entry.get("reason", "")) for entry in error.get("errors", [])]
        return " ".join([str(error.get("message", "")), *(f"({reason})" for reason in reasons if reason)])
    except (ValueError, LookupError, TypeError, AttributeError):
        return ""


def sent(request: HttpRequest) -> Any:
    """Send a request of the SDK and give what it makes of the answer, which may be empty. Raises ServiceError."""
    try:
        return request.execute(num_retries=0)
    except ServiceError:
        raise
    except (ValueError, LookupError, TypeError) as error:
        raise failures.of_broken_connection(SERVICE, error) from error


def gone(kind: str, wanted: str, error: NotFound) -> NotFound:
    """Say of a mail or thread that it is not there."""
    return NotFound(
        f"There is no {kind} {wanted!r} in this mailbox (Gmail answered 404).",
        service=SERVICE,
        http_status=error.http_status,
        remedy=CHECK_THE_ID,
    )


def done(request: HttpRequest) -> None:
    """Send a request whose answer is empty, as that to a deletion is; BadAnswer where something else comes."""
    if sent(request):
        raise BadAnswer("Gmail gave an answer where none was expected.", service=SERVICE)


def answered(request: HttpRequest, *needed: str) -> dict[str, Any]:
    """Send a request of the SDK and give its answer; BadAnswer where it is no object or lacks a needed field."""
    answer = sent(request)
    if not isinstance(answer, dict):  # the SDK gives what is not JSON as a string, and an empty answer too
        raise BadAnswer("Gmail gave an answer that is not JSON.", service=SERVICE)
    missing = [name for name in needed if name not in answer]
    if missing:
        raise BadAnswer(f"Gmail gave an answer without {', '.join(missing)}.", service=SERVICE)
    return answer


def entries(answer: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Give the list of this name in an answer (Gmail leaves empty ones out); BadAnswer where an entry has no id."""
    found = answer.get(name) or []
    if not isinstance(found, list) or not all(isinstance(entry, dict) and "id" in entry for entry in found):
        raise BadAnswer(f"Gmail gave a list of {name} that cannot be understood.", service=SERVICE)
    return found


def listed(resource: Any, name: str, limit: int, **query: Any) -> tuple[list[dict[str, Any]], bool]:
    """List up to `limit` entries of a resource over all its pages; give them, and whether there are more."""
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
    """Turn what an answer of the wrong shape makes our own reading raise into BadAnswer."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise failures.of_shape(SERVICE, error) from error
